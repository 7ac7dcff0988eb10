#include "checkpoint/image.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/dumps.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/network.h"
#include "runtime/op.h"
#include "runtime/places.h"
#include "runtime/rebirth.h"
#include "runtime/running.h"
#include "runtime/suspend.h"

/* What is verified and not yet the VE's again. */
static int bring_back(struct op *op, struct running *running)
{
	int r;

	if ((r = handover_check(running->ve->ctid, op->err)) < 0 ||
	    (r = config_check(&running->ve->config, op->err)) < 0 ||
	    (r = places_check(op->host, running->ve, op->err)) < 0 ||
	    (r = dumps_load(op->host, running->image_name, &running->facts, &running->image, op->err)) < 0 ||
	    (r = rebirth_check(running->ve, running->facts, op->err)) < 0)
		return r;
	op_say(op, "\tundump...");
	return op_run(op, reborn_steps, reborn_step_count, running);
}

/* The image has been of no use since its processes went on. That it is still there does not make their return a
 * failure. */
static void forget_image(struct op *op, const char *name)
{
	struct err err = {0};
	cleanup_fd int store = dumps_open(op->host, &err);

	if (store < 0 || image_forget(store, name, &err) < 0)
		op_warn(op, "the image that was resumed is not removed: %s", err.text);
}

static int resume_image(struct op *op, struct ve *ve, const char *name, const struct resume_options *options)
{
	const struct network_options network = {.skip_arpdetect = options->skip_arpdetect};
	cleanup_running struct running running = RUNNING_NONE;
	running.ve = ve;
	running.image_name = name;
	running.network = &network;
	running.stay_frozen = options->stages == RESUME_UNDUMP;

	op_say(op, "Restoring container ...");
	int r = bring_back(op, &running);
	if (r < 0)
		return r;
	op->listener->born(op->listener->ctx, ve->ctid, steal_fd(&running.launched.pidfd),
			   steal_fd(&running.launched.console));
	forget_image(op, name);
	network_announce(op, ve->ctid, &running.state);
	if (!running.stay_frozen)
		op_say(op, "\tresume...");
	op_say(op, "Restoring completed successfully");
	return 0;
}

static int go_on(struct op *op, struct ve *ve)
{
	const struct suspend_options thaw = {.stages = SUSPEND_THAW};
	return suspend_locked(op, ve, &thaw);
}

static int end(struct op *op, struct ve *ve, enum ve_state state, const char *name)
{
	const struct suspend_options kill = {.stages = SUSPEND_KILL};

	if (state == VE_RUNNING)
		return suspend_locked(op, ve, &kill);
	cleanup_fd int store = dumps_open(op->host, op->err);
	if (store < 0)
		return store;
	op_say(op, "Killing...");
	return image_drop(store, name, op->err);
}

int resume_locked(struct op *op, struct ve *ve, const struct resume_options *options)
{
	cleanup_free char *own = str_fmt("%u", ve->ctid);
	const char *name = options->image ? options->image : own;
	enum ve_state state = ve_state(ve);

	if (options->stages & RESUME_KILL)
		return end(op, ve, state, name);
	if (state == VE_RUNNING && options->stages & RESUME_THAW)
		return go_on(op, ve);
	if (state == VE_RUNNING)
		return err_say(op->err, ERR_RUNNING, "Unable to perform restoring: container already running");
	if (state != VE_SUSPENDED && !(state == VE_STOPPED && options->image))
		return err_say(op->err, state == VE_STOPPED ? ERR_RESTORE : ERR_WRONG_STATE,
			       "Unable to perform restoring: the container is %s, there is no image of it",
			       ve_state_name(state));
	return resume_image(op, ve, name, options);
}

int lifecycle_resume(struct op *op, uint32_t ctid, const struct resume_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	return r < 0 ? r : resume_locked(op, &ve, options);
}
