#include "runtime/lifecycle.h"

#include <stdlib.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lock.h"
#include "runtime/places.h"
#include "runtime/power.h"
#include "runtime/running.h"
#include "runtime/suspend.h"
#include "runtime/ve.h"

#define STOP_TIMEOUT 120 /* seconds; vzctl's default */
#define BOOT_TIMEOUT 300 /* seconds that start --wait waits */

static int wrong_state(struct op *op, enum ve_state state)
{
	switch (state) {
	case VE_RUNNING:
		return err_say(op->err, ERR_RUNNING, "Container is already running");
	case VE_MOUNTED:
		return err_say(op->err, ERR_MOUNTED, "Container is already mounted");
	case VE_BROKEN:
		return err_say(op->err, ERR_WRONG_STATE,
			       "the container ended unexpectedly and is still being taken down; try again in a moment");
	default:
		return err_say(op->err, ERR_WRONG_STATE, "the container is %s", ve_state_name(state));
	}
}

/* A configuration that vzctl or libvirt wrote by hand has no id range yet. */
static int claim_ids(struct op *op, struct ve *ve)
{
	uint32_t ctid = ve->ctid, base;

	if (ve->config.local_uid)
		return idmap_check(ctid, ve->config.local_uid, op->err);
	int r = idmap_claim(&ctid, &base, op->err);
	if (r < 0)
		return r;
	ve->config.local_uid = base;

	struct ve_config ids = {0};
	cleanup_free char *text = str_fmt("%u", base);
	r = param_parse(&config_table, param_by_key(&config_table, "LOCAL_UID"), &ids, text, PARAM_FROM_FILE, op->err);
	return r < 0 ? r : config_save(ctid, &ids, op->err);
}

static int bring_up(struct op *op, struct ve *ve, struct state *ret_state)
{
	struct running running = RUNNING_NONE;
	running.ve = ve;

	int r = handover_check(ve->ctid, op->err);
	if (r == 0)
		r = config_check(&ve->config, op->err);
	if (r == 0)
		r = places_check(op->host, ve, op->err);
	if (r == 0)
		r = claim_ids(op, ve);
	if (r == 0)
		r = op_run(op, running_steps, running_step_count, &running);
	if (r == 0) {
		op->listener->born(op->listener->ctx, ve->ctid, steal_fd(&running.launched.pidfd),
				   steal_fd(&running.launched.console));
		*ret_state = running.state;
		running.state = (struct state){0};
	}
	running_done(&running);
	return r;
}

static int come_back(struct op *op, struct ve *ve, struct state *ret_state)
{
	int r = resume_locked(op, ve, &(struct resume_options){0});
	return r < 0 ? r : state_load(ve->ctid, ret_state, op->err);
}

static int start_locked(struct op *op, struct ve *ve, const struct start_options *options, struct state *ret_state)
{
	enum ve_state state = ve_state(ve);

	if (state != VE_STOPPED && state != VE_MOUNTED && state != VE_SUSPENDED)
		return wrong_state(op, state);
	if (ve->config.disabled && !options->force)
		return err_say(op->err, ERR_DISABLED, "Container start disabled");

	if (state == VE_SUSPENDED)
		return come_back(op, ve, ret_state);
	op_say(op, "Starting container...");
	int r = bring_up(op, ve, ret_state);
	if (r == 0)
		op_say(op,
		       options->wait ? "Container start in progress, waiting ..." : "Container start in progress...");
	return r;
}

/* Start it, and wait for its boot if that is wanted: without the lock, so that a VE that hangs there can be stopped. */
static int start_and_wait(struct op *op, struct ve *ve, const struct start_options *options, int *lock)
{
	cleanup_state struct state state = {0};

	int r = start_locked(op, ve, options, &state);
	if (r < 0 || !options->wait)
		return r;
	*lock = fd_close(*lock);
	r = power_wait_booted(op, ve->ctid, &state, BOOT_TIMEOUT);
	if (r == 0)
		op_say(op, "Container started successfully");
	return r;
}

int lifecycle_start(struct op *op, uint32_t ctid, const struct start_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	return r < 0 ? r : start_and_wait(op, &ve, options, &lock);
}

static bool asked_and_ended(struct op *op, const struct ve *ve, const struct state *state, int pidfd)
{
	uint64_t timeout = ve->config.stop_timeout ? ve->config.stop_timeout : STOP_TIMEOUT;
	return power_ask(op, ve->ctid, state, pidfd) && power_wait(pidfd, timeout);
}

/* What stands still hears nobody, and an image of it would make a VE that was stopped a suspended one. */
static int let_go_on(struct op *op, struct ve *ve)
{
	return suspend_locked(op, ve, &(struct suspend_options){.stages = SUSPEND_THAW});
}

int lifecycle_stop_locked(struct op *op, struct ve *ve, const struct stop_options *options)
{
	cleanup_state struct state state = {0};

	if (ve_state(ve) != VE_RUNNING)
		return err_say(op->err, ERR_NOT_RUNNING, "Unable to stop: container is not running");
	int r = state_load(ve->ctid, &state, op->err);
	if (r == 0 && state.frozen)
		r = let_go_on(op, ve);
	if (r < 0)
		return r;

	op_say(op, "Stopping container ...");
	cleanup_fd int pidfd = state_pidfd(&state);
	if (pidfd >= 0 && (options->fast || !asked_and_ended(op, ve, &state, pidfd)))
		op_say(op, "Killing container ...");

	r = running_take_down(op, ve, options->skip_umount);
	if (r == 0)
		op_say(op, "Container was stopped");
	return r;
}

int lifecycle_stop(struct op *op, uint32_t ctid, const struct stop_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	return r < 0 ? r : lifecycle_stop_locked(op, &ve, options);
}

int lifecycle_restart(struct op *op, uint32_t ctid, const struct start_options *start, const struct stop_options *stop)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	if (r < 0)
		return r;
	op_say(op, "Restarting container");
	if (ve_state(&ve) == VE_RUNNING)
		r = lifecycle_stop_locked(op, &ve, stop);
	return r < 0 ? r : start_and_wait(op, &ve, start, &lock);
}

int lifecycle_reap(struct op *op, uint32_t ctid, bool reboot)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;
	cleanup_state struct state state = {0};

	int r = ve_open(op, ctid, &ve, &lock);
	if (r < 0)
		return r;
	/* Somebody else has taken it down, or up again, meanwhile. */
	if (ve_state(&ve) != VE_BROKEN)
		return 0;
	r = running_take_down(op, &ve, false);
	if (r == 0)
		r = suspend_recover(op, &ve);
	return r < 0 || !reboot ? r : bring_up(op, &ve, &state);
}

int lifecycle_mount(struct op *op, uint32_t ctid)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	if (r < 0)
		return r;
	enum ve_state state = ve_state(&ve);
	if (state != VE_STOPPED)
		return wrong_state(op, state);
	r = places_check(op->host, &ve, op->err);
	if (r == 0)
		r = running_mount_for_node(op, &ve);
	if (r == 0)
		op_say(op, "Container is mounted");
	return r;
}

int lifecycle_umount(struct op *op, uint32_t ctid)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	if (r < 0)
		return r;
	enum ve_state state = ve_state(&ve);
	if (state == VE_RUNNING)
		return err_say(op->err, ERR_RUNNING, "Container is running. Stop it first.");
	if (state != VE_MOUNTED)
		return err_say(op->err, ERR_NOT_MOUNTED, "Container is not mounted");
	r = running_umount(op, &ve);
	if (r == 0)
		op_say(op, "Container is unmounted");
	return r;
}
