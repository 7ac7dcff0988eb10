/* Bringing a VE back to a snapshot. All that can be refused is, before anything of the state it has now is lost; the
 * files are exchanged at one stroke, and its processes come back last, from an image that stays. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/image.h"
#include "checkpoint/key.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/claims.h"
#include "runtime/dumps.h"
#include "runtime/host.h"
#include "runtime/lineage.h"
#include "runtime/network.h"
#include "runtime/op.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "runtime/rebirth.h"
#include "runtime/running.h"
#include "runtime/snapshot.h"
#include "runtime/snapshots.h"
#include "runtime/ve.h"

struct switching {
	struct ve *ve;
	struct ve next; /* what it becomes */
	const struct switch_options *options;
	char id[UUID_SIZE];
	int store, image; /* directories */
	struct kvfile *facts, *lineage;
	char *config_before, *config_after; /* texts of the configuration; NULL: it stays */
	char before[UUID_SIZE];		    /* the current one until now */
	bool memory;			    /* its processes come back */
	bool exchanged;
};

static void switching_done(struct switching *switching)
{
	ve_done(&switching->next);
	fd_close(switching->store);
	fd_close(switching->image);
	kvfile_free(switching->facts);
	kvfile_free(switching->lineage);
	free(switching->config_before);
	free(switching->config_after);
}

#define cleanup_switching __attribute__((cleanup(switching_done)))

/* ---- the steps ---- */

static int copy_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	cleanup_fd int files = snapshots_open_files(switching->store, switching->id, op->err);
	return files < 0 ? files : private_make_from(op, &switching->next, files);
}

static int copy_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	int r = private_drop_spare(op, switching->ve);
	/* Its limits were those of the snapshot already. */
	return r < 0 || !private_exists(switching->ve) ? r : running_limit_disk(op, switching->ve);
}

static int set_image_aside(struct op *op, const struct switching *switching)
{
	cleanup_free char *name = str_fmt("%u", switching->ve->ctid);
	cleanup_fd int dumps = dumps_open(op->host, op->err);
	return dumps < 0 ? dumps : image_retire(dumps, name, op->err);
}

static int stop_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	switch (ve_state(switching->ve)) {
	case VE_RUNNING:
		op_say(op, "Killing container ...");
		return running_take_down(op, switching->ve, false);
	case VE_SUSPENDED:
		return set_image_aside(op, switching);
	default:
		return 0;
	}
}

/* What ran is gone; what was suspended is again. */
static int stop_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	cleanup_free char *name = str_fmt("%u", switching->ve->ctid);
	cleanup_fd int dumps = dumps_open(op->host, op->err);
	return dumps < 0 ? dumps : image_reinstate(dumps, name, op->err);
}

static int files_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	int r = private_exchange(op, switching->ve);
	switching->exchanged = r == 0;
	return r;
}

static int files_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	if (!switching->exchanged)
		return 0;
	int r = private_exchange(op, switching->ve);
	switching->exchanged = r < 0;
	return r;
}

static int write_config(const struct switching *switching, const char *text, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", switching->ve->ctid);
	cleanup_fd int dir = open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	int r = dir < 0 ? -errno : io_replace_file(dir, name, text, strlen(text), 0644);
	return r < 0 ? err_is(err, ERR_CONFIG_SAVE, err_set(err, -r, "write " PATH_VE_CONFIG_DIR "/%s", name)) : 0;
}

static int config_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	return switching->config_after ? write_config(switching, switching->config_after, op->err) : 0;
}

static int config_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	return switching->config_after ? write_config(switching, switching->config_before, op->err) : 0;
}

static int set_current(struct switching *switching, const char *id, struct err *err)
{
	lineage_set_current(switching->lineage, id);
	return lineage_save(switching->store, switching->lineage, err);
}

static int current_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	return set_current(switching, switching->id, op->err);
}

static int current_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	if (str_eq(lineage_current(switching->lineage), switching->before))
		return 0;
	return set_current(switching, switching->before, op->err);
}

static const struct step switch_steps[] = {
	{"copy", copy_apply, copy_undo},	  {"stop", stop_apply, stop_undo},
	{"files", files_apply, files_undo},	  {"config", config_apply, config_undo},
	{"current", current_apply, current_undo},
};

/* ---- before them ---- */

/* What it is called by on this node and where it lies stays, whatever it was then. */
static int keep_own(const struct ve *ve, struct ve_config *own, struct err *err)
{
	static const char *const keys[] = {"LOCAL_UID", "NAME", "VE_PRIVATE", "VE_ROOT"};

	for (size_t i = 0; i < countof(keys); i++) {
		const struct param *row = param_by_key(&config_table, keys[i]);
		cleanup_free char *value = param_print(&config_table, row, &ve->config);
		int r = param_parse(&config_table, row, own, value ? value : "", PARAM_FROM_FILE, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compose_text(struct switching *switching, const struct ve_config *own, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", switching->ve->ctid);
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%s", name);
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(switching->image, name, &file, err);
	if (r < 0)
		return r == -ENOENT ? err_set(err, ENOENT, "read the configuration of the snapshot") : r;
	r = io_read_file(AT_FDCWD, path, &switching->config_before, NULL);
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	param_store(&config_table, own, file);
	switching->config_after = kvfile_text(file);
	return 0;
}

static bool has_config(const struct switching *switching)
{
	cleanup_free char *name = str_fmt("%u.conf", switching->ve->ctid);
	return faccessat(switching->image, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int compose_config(struct op *op, struct switching *switching)
{
	cleanup_config struct ve_config own = {0};
	const struct ve *ve = switching->ve;
	struct ve *next = &switching->next;
	int r;

	next->ctid = ve->ctid;
	if (switching->options->skip_config || !has_config(switching)) {
		param_merge(&config_table, &next->config, &ve->config);
	} else {
		if ((r = config_load_at(switching->image, ve->ctid, &op->host->node.ve, &next->config, op->err)) < 0 ||
		    (r = keep_own(ve, &own, op->err)) < 0 || (r = compose_text(switching, &own, op->err)) < 0)
			return r;
		param_merge(&config_table, &next->config, &own);
	}
	ve_expand(next);
	if ((r = config_check(&next->config, op->err)) < 0 || (r = places_check(op->host, next, op->err)) < 0)
		return r;
	return claims_check(op->host, ve->ctid, &ve->config, &next->config, op->err);
}

static int open_image(struct switching *switching, struct err *err)
{
	cleanup_image_key struct image_key key;

	int r = image_key_load(PATH_NODE_KEY, &key, err);
	return r < 0 ? r : image_open(switching->store, switching->id, &key, &switching->facts, &switching->image, err);
}

static int check_memory(struct op *op, struct switching *switching)
{
	const char *memory = kvfile_get(switching->facts, "SNAPSHOT_MEMORY");
	bool has = memory && str_eq(memory, "yes");

	if (!has && switching->options->must_resume)
		return err_say(op->err, ERR_SNAPSHOT_SWITCH, "snapshot {%s} has no processes that could be resumed",
			       switching->id);
	switching->memory = has && !switching->options->skip_resume;
	return switching->memory ? rebirth_check(&switching->next, switching->facts, op->err) : 0;
}

static int prepare(struct op *op, struct switching *switching, const char *id)
{
	enum ve_state state = ve_state(switching->ve);
	int r;

	if (state != VE_RUNNING && state != VE_STOPPED && state != VE_SUSPENDED)
		return err_say(op->err, ERR_WRONG_STATE, "the container is %s", ve_state_name(state));
	if ((r = uuid_parse(id, switching->id, op->err)) < 0 ||
	    (r = snapshots_open_one(op, switching->ve->ctid, switching->id, &switching->store, ERR_SNAPSHOT_SWITCH)) <
		    0 ||
	    (r = open_image(switching, op->err)) < 0 || (r = compose_config(op, switching)) < 0 ||
	    (r = check_memory(op, switching)) < 0 ||
	    (r = lineage_load(switching->store, &switching->lineage, op->err)) < 0)
		return r;
	snprintf(switching->before, sizeof(switching->before), "%s", lineage_current(switching->lineage));
	return 0;
}

/* ---- after them ---- */

/* The VE is at the snapshot now; what is left of its former state is of no use to anybody. */
static void forget_before(struct op *op, const struct switching *switching)
{
	struct err *outer = op->err, err = {0};
	cleanup_free char *name = str_fmt("%u", switching->ve->ctid);
	cleanup_fd int dumps = dumps_open(op->host, &err);

	op->err = &err;
	if (private_drop_spare(op, switching->ve) < 0 || dumps < 0 || image_forget(dumps, name, &err) < 0)
		op_warn(op, "what the container was before is not all removed: %s", err.text);
	op->err = outer;
}

static int resume(struct op *op, struct switching *switching)
{
	const struct network_options network = {.skip_arpdetect = switching->options->skip_arpdetect};
	cleanup_running struct running running = RUNNING_NONE;
	struct ve *ve = &switching->next;

	running.ve = ve;
	running.image = steal_fd(&switching->image);
	running.image_name = switching->id;
	running.image_stays = true;
	running.facts = steal_ptr(switching->facts);
	running.network = &network;
	op_say(op, "\tresume...");
	int r = op_run(op, reborn_steps, reborn_step_count, &running);
	if (r < 0)
		return r;
	op->listener->born(op->listener->ctx, ve->ctid, steal_fd(&running.launched.pidfd),
			   steal_fd(&running.launched.console));
	network_announce(op, ve->ctid, &running.state);
	return 0;
}

static int stopped(struct op *op, int r)
{
	struct err why = *op->err;

	*op->err = (struct err){.no = why.no};
	memcpy(op->err->step, why.step, sizeof(why.step));
	err_say(op->err, ERR_SNAPSHOT_SWITCH, "the container has the files of the snapshot and is stopped: %.400s",
		why.text);
	return r;
}

static int switch_to(struct op *op, struct switching *switching, const char *id)
{
	int r = prepare(op, switching, id);
	if (r < 0)
		return r;
	op_say(op, "Switching to snapshot {%s}", switching->id);
	r = op_run(op, switch_steps, countof(switch_steps), switching);
	if (r < 0)
		return r;
	forget_before(op, switching);
	if (switching->memory && (r = resume(op, switching)) < 0)
		return stopped(op, r);
	op_say(op, "Container has been successfully switched to another snapshot");
	return 0;
}

int lifecycle_snapshot_switch(struct op *op, uint32_t ctid, const char *id, const struct switch_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;
	cleanup_switching struct switching switching = {.ve = &ve, .options = options, .store = -1, .image = -1};

	int r = ve_open(op, ctid, &ve, &lock);
	if (r == 0)
		r = switch_to(op, &switching, id);
	return snapshot_failed(op->err, ERR_SNAPSHOT_SWITCH, r);
}
