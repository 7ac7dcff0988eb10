#include "runtime/past.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/op.h"
#include "runtime/rebirth.h"
#include "runtime/snapshots.h"

void past_done(struct past *past)
{
	ve_done(&past->ve);
	config_done(&past->own);
	fd_close(past->store);
	fd_close(past->image);
	kvfile_free(past->facts);
	*past = (struct past)PAST_NONE;
}

static int keep_own(const struct ve *now, struct ve_config *own, struct err *err)
{
	static const char *const keys[] = {"LOCAL_UID", "NAME", "VE_PRIVATE", "VE_ROOT"};

	for (size_t i = 0; i < countof(keys); i++) {
		const struct param *row = param_by_key(&config_table, keys[i]);
		cleanup_free char *value = param_print(&config_table, row, &now->config);
		int r = param_parse(&config_table, row, own, value ? value : "", PARAM_FROM_FILE, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_config(const struct past *past)
{
	cleanup_free char *name = str_fmt("%u.conf", past->ve.ctid);
	return faccessat(past->image, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int read_config(struct op *op, const struct ve *now, struct past *past)
{
	struct ve_config *config = &past->ve.config;

	if (!past->config) {
		param_merge(&config_table, config, &now->config);
		return 0;
	}
	int r = config_load_at(past->image, now->ctid, &op->host->node.ve, config, op->err);
	if (r == 0)
		r = keep_own(now, &past->own, op->err);
	if (r == 0)
		param_merge(&config_table, config, &past->own);
	return r;
}

int past_open(struct op *op, const struct ve *now, const char *id, bool skip_config, struct past *ret)
{
	cleanup_past struct past past = PAST_NONE;
	int r;

	past.ve.ctid = now->ctid;
	if ((r = uuid_parse(id, past.id, op->err)) < 0 ||
	    (r = snapshots_open_one(op, now->ctid, past.id, &past.store, ERR_SNAPSHOT_SWITCH)) < 0 ||
	    (r = snapshots_load(past.store, past.id, &past.facts, &past.image, op->err)) < 0)
		return r;
	past.memory = snapshot_has_memory(past.facts);
	past.config = !skip_config && has_config(&past);
	if ((r = read_config(op, now, &past)) < 0)
		return r;
	ve_expand(&past.ve);
	if ((r = rebirth_check_disk(&past.ve, past.facts, op->err)) < 0)
		return r;
	*ret = past;
	past = (struct past)PAST_NONE;
	return 0;
}
