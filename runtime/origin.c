#include "runtime/origin.h"

#include <stdlib.h>

#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/dumps.h"
#include "runtime/private.h"
#include "runtime/suspend.h"

/* While it stands still. */
static int set_aside(struct op *op, void *ctx)
{
	struct origin *origin = ctx;

	origin->aside = true;
	return private_set_aside(op, origin->ve, &origin->private_area);
}

static int from_running(struct op *op, bool cold, struct origin *origin)
{
	const struct suspend_still still = {set_aside, origin};

	op_say(op, "Copying CT %u ...", origin->ve->ctid);
	return suspend_meanwhile(op, origin->ve, &still, cold ? NULL : &origin->image, &origin->facts);
}

static int from_suspended(struct op *op, bool cold, struct origin *origin)
{
	cleanup_free char *name = str_fmt("%u", origin->ve->ctid);

	origin->private_area = mem_strdup(origin->ve->private_area);
	return cold ? 0 : dumps_load(op->host, name, &origin->facts, &origin->image, op->err);
}

int origin_open(struct op *op, struct ve *ve, bool cold, struct origin *ret)
{
	enum ve_state state = ve_state(ve);

	*ret = (struct origin)ORIGIN_NONE;
	ret->ve = ve;
	switch (state) {
	case VE_RUNNING:
		return from_running(op, cold, ret);
	case VE_SUSPENDED:
		return from_suspended(op, cold, ret);
	case VE_STOPPED:
	case VE_MOUNTED:
		return from_suspended(op, true, ret);
	default:
		return err_say(op->err, ERR_WRONG_STATE, "the container is %s", ve_state_name(state));
	}
}

void origin_close(struct op *op, struct origin *origin)
{
	struct op clearing = *op;
	struct err err = {0};

	clearing.err = &err;
	origin->image = fd_close(origin->image);
	if (origin->aside && private_drop_aside(&clearing, origin->ve) < 0)
		op_warn(op, "a copy of CT %u is left over: %s", origin->ve->ctid, err.text);
	if (origin->aside)
		dumps_clean(op);
	free(origin->private_area);
	kvfile_free(origin->facts);
	*origin = (struct origin)ORIGIN_NONE;
}
