/* After a crash of the node or of a worker: each VE is driven to entirely there or entirely gone. Only what carries a
 * mark of ours is touched: a record, an id range without a configuration, a hidden private area. */
#include <poll.h>
#include <stdlib.h>

#include "checkpoint/image.h"
#include "quota/cgroup.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/dumps.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lifecycle.h"
#include "runtime/lock.h"
#include "runtime/migrate.h"
#include "runtime/names.h"
#include "runtime/network_filter.h"
#include "runtime/private.h"
#include "runtime/running.h"
#include "runtime/snapshot.h"
#include "runtime/snapshots.h"
#include "runtime/suspend.h"
#include "runtime/traffic.h"
#include "runtime/ve.h"

#define LOCK_TIMEOUT_MS 5000
#define LOCK_PAUSE_MS 100

/* One VE's trouble is told and does not keep the others from recovering. */
static void tell(struct op *op, uint32_t ctid, const struct err *err)
{
	op_warn(op, "cannot recover CT %u: %s", ctid, err->text);
}

static int finish_create(struct op *op, struct ve *ve)
{
	int r = !private_exists(ve) && private_unpublished(ve) ? private_publish(op, ve) : 0;
	if (r == 0 && ve->config.name)
		r = names_assign(ve->config.name, ve->ctid, op->err);
	return r;
}

static bool stands_still(uint32_t ctid)
{
	cleanup_state struct state state = {0};
	struct err ignored = {0};
	return state_load(ctid, &state, &ignored) == 0 && !state.frozen && cgroup_is_frozen(state.cgroup);
}

/* An operation that is under way has the VE in hand; but a short one may have come between a crash and us. -ENOLCK: it
 * has. */
static int lock_unless_busy(const struct op *op, uint32_t ctid)
{
	for (unsigned ms = 0;; ms += LOCK_PAUSE_MS) {
		struct err busy = {0};
		int lock = lock_ve(op, ctid, &busy);
		if (lock >= 0)
			return lock;
		if (busy.kind != ERR_LOCKED) {
			*op->err = busy;
			return lock;
		}
		if (ms >= LOCK_TIMEOUT_MS || !stands_still(ctid))
			return -ENOLCK;
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
}

static int recover_running(struct op *op, uint32_t ctid)
{
	cleanup_ve struct ve loaded = {0};
	struct ve *ve = &loaded;
	cleanup_fd int lock = lock_unless_busy(op, ctid);
	if (lock < 0)
		return lock == -ENOLCK ? 0 : lock;
	int r = ve_load(op->host, ctid, ve, op->err);
	if (r < 0)
		return r;
	/* It came from another node, and nothing but its last steps is missing. */
	if (!private_exists(ve) && private_unpublished(ve))
		return migrate_finish(op, ve);
	r = suspend_recover(op, ve);
	if (r == 0)
		r = private_drop_aside(op, ve);
	return r < 0 ? r : snapshot_recover(op, ve);
}

static int recover_configured(struct op *op, uint32_t ctid)
{
	cleanup_ve struct ve ve = {0};

	int r = ve_load(op->host, ctid, &ve, op->err);
	if (r < 0)
		return r;
	enum ve_state state = ve_state(&ve);
	if (state == VE_RUNNING)
		return recover_running(op, ctid);
	/* One whose init is gone is taken down by whoever watches over running VEs. */
	if (state == VE_BROKEN)
		return 0;
	if (!private_exists(&ve) && private_discarded(&ve))
		return lifecycle_destroy(op, ctid);

	cleanup_fd int lock = lock_ve(op, ctid, op->err);
	r = lock < 0 ? lock : finish_create(op, &ve);
	if (r == 0)
		r = private_drop_aside(op, &ve);
	if (r == 0)
		r = suspend_recover(op, &ve);
	return r < 0 ? r : snapshot_recover(op, &ve);
}

/* A VE whose configuration somebody took away is no half-made one: its ids and files are not ours to give away. */
static int check_forsaken(struct op *op, const struct ve *ve)
{
	struct err ignored = {0};
	cleanup_state struct state state = {0};

	if (state_load(ve->ctid, &state, &ignored) == -ENOENT && !private_exists(ve))
		return 0;
	return err_say(op->err, ERR_BAD_CONFIG, "it has no configuration but runs or has files in %s; put %u.conf back",
		       ve->private_area, ve->ctid);
}

/* It came from another node, was restored, and did not become ours: nothing of it ever ran here. Its image is here,
 * too. */
static int discard_arrival(struct op *op, struct ve *ve)
{
	cleanup_free char *name = str_fmt("%u", ve->ctid);

	if (private_exists(ve) || !private_unpublished(ve))
		return 0;
	cleanup_fd int store = dumps_open(op->host, op->err);
	int r = store < 0 ? store : running_take_down(op, ve, false);
	if (r == 0)
		r = image_drop(store, name, op->err);
	return r < 0 ? r : image_forget(store, name, op->err);
}

/* An id range without a configuration: a create that did not get far, or a destroy that nearly did. */
static int recover_unconfigured(struct op *op, uint32_t ctid)
{
	struct ve ve = {.ctid = ctid};
	cleanup_fd int lock = lock_ve(op, ctid, op->err);
	if (lock < 0)
		return lock;

	param_merge(&config_table, &ve.config, &op->host->node.ve);
	ve_expand(&ve);

	int r = discard_arrival(op, &ve);
	if (r == 0)
		r = check_forsaken(op, &ve);
	if (r == 0)
		r = private_unmake(op, &ve);
	if (r == 0)
		r = dumps_drop(op->host, ctid, op->err);
	if (r == 0)
		r = private_empty_trash(op, &ve);
	if (r == 0)
		r = snapshots_destroy(op->host, ctid, op->err);
	if (r == 0)
		r = traffic_forget(op->host, ctid, op->err);
	if (r == 0)
		r = names_release_all(ctid, op->err);
	if (r == 0)
		r = idmap_release(ctid, op->err);
	ve_done(&ve);
	return r;
}

static void recover_each(struct op *op, const uint32_t *ctids, size_t n, bool configured)
{
	struct err *outer = op->err;

	for (size_t i = 0; i < n; i++) {
		struct err err = {0};
		op->err = &err;
		if (ve_configured(ctids[i]) != configured)
			continue;
		if ((configured ? recover_configured : recover_unconfigured)(op, ctids[i]) < 0)
			tell(op, ctids[i], &err);
	}
	op->err = outer;
}

/* Before anything is taken down: that takes its part out of the tables. Without them no VE gets a network, and all else
 * works. */
static void recover_network(struct op *op)
{
	struct err *outer = op->err, err = {0};

	op->err = &err;
	if (network_filter_rebuild(op) < 0)
		op_warn(op, "VEs have no network: %s", err.text);
	op->err = outer;
}

int lifecycle_recover(struct op *op)
{
	cleanup_free uint32_t *all = NULL, *ranges = NULL;
	size_t n_all = 0, n_ranges = 0;

	recover_network(op);
	int r = ve_all(&all, &n_all, op->err);
	if (r == 0)
		r = idmap_all(&ranges, &n_ranges, op->err);
	if (r < 0)
		return r;
	recover_each(op, all, n_all, true);
	recover_each(op, ranges, n_ranges, false);
	/* A CRIU that lost its worker writes until it notices: it has ended by now. */
	dumps_clean(op);
	return 0;
}
