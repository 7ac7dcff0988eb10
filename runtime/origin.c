#include "runtime/origin.h"

#include <fcntl.h>

#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/dumps.h"
#include "runtime/handover.h"
#include "runtime/past.h"
#include "runtime/private.h"
#include "runtime/rebirth.h"
#include "runtime/snapshot.h"
#include "runtime/snapshots.h"
#include "runtime/suspend.h"

/* ---- choosing ---- */

static int as_it_is(struct op *op, bool cold, struct origin *origin)
{
	enum ve_state state = ve_state(&origin->ve);

	int r = handover_check(origin->ve.ctid, op->err);
	if (r < 0)
		return r;
	if (state == VE_ABSENT || state == VE_BROKEN)
		return err_say(op->err, ERR_WRONG_STATE, "the container is %s", ve_state_name(state));
	origin->warm = !cold && (state == VE_RUNNING || state == VE_SUSPENDED);
	return 0;
}

static int use_config_of(const struct past *past, struct origin *origin, struct err *err)
{
	fd_close(origin->config);
	origin->config = fcntl(past->image, F_DUPFD_CLOEXEC, 0);
	return origin->config < 0 ? err_set(err, errno, "open the configuration of the snapshot") : 0;
}

/* What becomes of the VE meanwhile is no matter, nor is its own private area. */
static int as_it_was(struct op *op, const char *snapshot, bool cold, struct origin *origin)
{
	cleanup_past struct past past = PAST_NONE;

	int r = past_open(op, &origin->ve, snapshot, false, &past);
	if (r < 0)
		return r;
	origin->warm = past.memory && !cold;
	if ((r = origin->files = snapshots_open_files(past.store, past.id, op->err)) < 0 ||
	    (r = past.config ? use_config_of(&past, origin, op->err) : 0) < 0 ||
	    (r = origin->warm ? rebirth_check(&past.ve, past.facts, op->err) : 0) < 0)
		return r;
	op_say(op, "As CT %u was at snapshot {%s}", past.ve.ctid, past.id);
	if (origin->warm) {
		origin->image = steal_fd(&past.image);
		origin->facts = steal_ptr(past.facts);
	}
	ve_done(&origin->ve);
	origin->ve = past.ve;
	past.ve = (struct ve){0};
	return 0;
}

int origin_open(struct op *op, uint32_t ctid, const char *snapshot, bool cold, struct origin *ret)
{
	int r = ve_open(op, ctid, &ret->ve, &ret->lock);
	if (r < 0)
		return r;
	ret->config = open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->config < 0)
		return err_set(op->err, errno, "open %s", PATH_VE_CONFIG_DIR);
	if (!snapshot)
		return as_it_is(op, cold, ret);
	return snapshot_failed(op->err, ERR_SNAPSHOT_SWITCH, as_it_was(op, snapshot, cold, ret));
}

/* ---- getting hold of it ---- */

/* While it stands still. */
static int set_aside(struct op *op, void *ctx)
{
	struct origin *origin = ctx;

	origin->aside = true;
	origin->files = private_set_aside(op, &origin->ve);
	return origin->files < 0 ? origin->files : 0;
}

static int from_running(struct op *op, struct origin *origin)
{
	const struct suspend_still still = {set_aside, origin};

	op_say(op, "Copying CT %u ...", origin->ve.ctid);
	return suspend_meanwhile(op, &origin->ve, &still, origin->warm ? &origin->image : NULL, &origin->facts);
}

static int from_standing(struct op *op, struct origin *origin)
{
	cleanup_free char *name = str_fmt("%u", origin->ve.ctid);

	int r = origin->files = private_open(&origin->ve, op->err);
	if (r < 0 || !origin->warm)
		return r < 0 ? r : 0;
	r = dumps_load(op->host, name, &origin->facts, &origin->image, op->err);
	return r < 0 ? r : rebirth_check(&origin->ve, origin->facts, op->err);
}

int origin_take(struct op *op, struct origin *origin)
{
	if (origin->files >= 0)
		return 0;
	return ve_state(&origin->ve) == VE_RUNNING ? from_running(op, origin) : from_standing(op, origin);
}

void origin_close(struct op *op, struct origin *origin)
{
	struct op clearing = *op;
	struct err err = {0};

	clearing.err = &err;
	fd_close(origin->files);
	fd_close(origin->image);
	if (origin->aside && private_drop_aside(&clearing, &origin->ve) < 0)
		op_warn(op, "a copy of CT %u is left over: %s", origin->ve.ctid, err.text);
	if (origin->aside)
		dumps_clean(op);
	fd_close(origin->config);
	kvfile_free(origin->facts);
	ve_done(&origin->ve);
	fd_close(origin->lock);
	*origin = (struct origin)ORIGIN_NONE;
}
