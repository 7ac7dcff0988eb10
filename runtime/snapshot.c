/* Making one. Only the copy is made while the VE stands still: what it has in memory of its files is written before,
 * the image is sealed after. */
#include "runtime/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "checkpoint/image.h"
#include "quota/cgroup.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/checkable.h"
#include "runtime/host.h"
#include "runtime/lineage.h"
#include "runtime/op.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "runtime/rebirth.h"
#include "runtime/snapshots.h"
#include "runtime/suspend.h"
#include "runtime/ve.h"
#include "templates/store.h"

#define FREEZE_TIMEOUT_MS 30000
#define NAME_LEN_MAX 128
#define DESCRIPTION_LEN_MAX 1024

struct snapping {
	struct ve *ve;
	struct snapshot snapshot;
	struct state state;
	bool running, was_frozen, with_config;
	int store, image, private; /* directories */
	struct kvfile *facts, *lineage;
	char before[UUID_SIZE]; /* the current one until now */
	struct timespec frozen; /* since when it stands still */
};

static void snapping_done(struct snapping *snapping)
{
	snapshot_done(&snapping->snapshot);
	state_done(&snapping->state);
	fd_close(snapping->store);
	fd_close(snapping->image);
	fd_close(snapping->private);
	kvfile_free(snapping->facts);
	kvfile_free(snapping->lineage);
}

#define cleanup_snapping __attribute__((cleanup(snapping_done)))

int snapshot_failed(struct err *err, int kind, int r)
{
	if (r < 0 && (err->kind == ERR_SYSTEM || err->kind == ERR_CHECKPOINT || err->kind == ERR_RESTORE ||
		      err->kind == ERR_DELETE))
		err->kind = (enum err_kind)kind;
	return r;
}

/* ---- the steps ---- */

static int save_config(const struct snapping *snapping, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", snapping->ve->ctid), *text = NULL;
	size_t len;

	int r = io_read_file(AT_FDCWD, path, &text, &len);
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	r = io_replace_file(snapping->image, str_after(path, PATH_VE_CONFIG_DIR "/"), text, len, 0600);
	return r < 0 ? err_set(err, -r, "write the image") : 0;
}

static int image_apply(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;

	int r = image_begin(snapping->store, snapping->snapshot.id, &snapping->image, op->err);
	return r < 0 || !snapping->with_config ? r : save_config(snapping, op->err);
}

static int image_undo(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;

	snapping->image = fd_close(snapping->image);
	return image_clean(snapping->store, op->err);
}

/* What is dirty in memory is written by the copy at the latest: the less, the shorter the pause. */
static int freeze_apply(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;

	if (!snapping->running)
		return 0;
	if (syncfs(snapping->private) < 0)
		return err_set(op->err, errno, "write the private area to disk");
	snapping->was_frozen = cgroup_is_frozen(snapping->state.cgroup);
	clock_gettime(CLOCK_MONOTONIC, &snapping->frozen);
	return cgroup_freeze(snapping->state.cgroup, true, FREEZE_TIMEOUT_MS, op->err);
}

static int freeze_undo(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;

	if (!snapping->running || snapping->was_frozen)
		return 0;
	return cgroup_freeze(snapping->state.cgroup, false, FREEZE_TIMEOUT_MS, op->err);
}

static int copy_files(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	cleanup_free char *name = snapshots_files_name(snapping->snapshot.id);

	return private_copy(snapping->private, snapping->store, name, op->err);
}

static int copy_apply(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	const struct suspend_still still = {copy_files, snapping};

	if (snapping->snapshot.memory)
		return suspend_dump(op, snapping->ve, snapping->image, &still, &snapping->facts);
	snapping->facts = rebirth_disk_facts(snapping->ve);
	return copy_files(op, snapping);
}

static int copy_undo(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	cleanup_free char *name = snapshots_files_name(snapping->snapshot.id);

	return proc_remove_tree(snapping->store, name, op->err);
}

static int thaw_apply(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	struct timespec now;

	int r = freeze_undo(op, ctx);
	if (r < 0 || !snapping->running)
		return r;
	clock_gettime(CLOCK_MONOTONIC, &now);
	op_say(op, "\tpaused for %.2f s",
	       (double)(now.tv_sec - snapping->frozen.tv_sec) + (double)(now.tv_nsec - snapping->frozen.tv_nsec) / 1e9);
	return 0;
}

static int publish_apply(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	cleanup_fd int files = snapshots_open_files(snapping->store, snapping->snapshot.id, op->err);
	if (files < 0)
		return files;

	int r = store_adopt(files, snapping->ve->config.layout, op->err);
	if (r < 0)
		return r;
	snapshot_set_facts(snapping->facts, &snapping->snapshot);
	return snapshots_publish(snapping->store, snapping->image, snapping->snapshot.id, snapping->facts, op->err);
}

static int publish_undo(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	return image_drop(snapping->store, snapping->snapshot.id, op->err);
}

static int set_current(struct snapping *snapping, const char *id, struct err *err)
{
	lineage_set_current(snapping->lineage, id);
	return lineage_save(snapping->store, snapping->lineage, err);
}

static int current_apply(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;
	return set_current(snapping, snapping->snapshot.id, op->err);
}

static int current_undo(struct op *op, void *ctx)
{
	struct snapping *snapping = ctx;

	if (str_eq(lineage_current(snapping->lineage), snapping->before))
		return 0;
	return set_current(snapping, snapping->before, op->err);
}

static const struct step snapshot_steps[] = {
	{"image", image_apply, image_undo},	  {"freeze", freeze_apply, freeze_undo},
	{"copy", copy_apply, copy_undo},	  {"thaw", thaw_apply, NULL},
	{"publish", publish_apply, publish_undo}, {"current", current_apply, current_undo},
};

/* ---- before them ---- */

/* It is printed in a column, and kept on a line. */
static int take_text(const char *what, const char *text, size_t max, char **ret, struct err *err)
{
	if (!text)
		return 0;
	if (strlen(text) > max)
		return err_say(err, ERR_BAD_VALUE, "the %s of a snapshot has at most %zu bytes", what, max);
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_say(err, ERR_BAD_VALUE,
				       "the %s of a snapshot is one line, without control characters", what);
	*ret = mem_strdup(text);
	return 0;
}

static int describe(const struct snapshot_options *options, struct snapshot *snapshot, struct err *err)
{
	int r;

	if ((r = take_text("name", options->name, NAME_LEN_MAX, &snapshot->name, err)) < 0 ||
	    (r = take_text("description", options->description, DESCRIPTION_LEN_MAX, &snapshot->description, err)) < 0)
		return r;
	snapshot->date = (uint64_t)time(NULL);
	return options->id ? uuid_parse(options->id, snapshot->id, err) : uuid_make(snapshot->id, err);
}

static int look(struct op *op, struct snapping *snapping, bool skip_suspend)
{
	enum ve_state state = ve_state(snapping->ve);

	if (state != VE_RUNNING && state != VE_STOPPED)
		return err_say(op->err, ERR_WRONG_STATE, "a snapshot cannot be made: the container is %s",
			       ve_state_name(state));
	int r = places_check(op->host, snapping->ve, op->err);
	if (r < 0 || state == VE_STOPPED)
		return r;
	snapping->running = true;
	snapping->snapshot.memory = !skip_suspend;
	r = state_load(snapping->ve->ctid, &snapping->state, op->err);
	return r < 0 || skip_suspend ? r : checkable_must(op, &snapping->state);
}

static int prepare(struct op *op, struct snapping *snapping)
{
	struct snapshot *snapshot = &snapping->snapshot;
	int r;

	if ((r = snapping->private = private_open(snapping->ve, op->err)) < 0 ||
	    (r = snapshots_clean(op->host, snapping->ve->ctid, op->err)) < 0 ||
	    (r = snapping->store = snapshots_open(op->host, snapping->ve->ctid, true, op->err)) < 0)
		return r;
	if (image_present(snapping->store, snapshot->id))
		return err_say(op->err, ERR_SNAPSHOT, "there is a snapshot {%s} already", snapshot->id);
	r = lineage_load(snapping->store, &snapping->lineage, op->err);
	if (r < 0)
		return r;
	snprintf(snapshot->parent, UUID_SIZE, "%s", lineage_current(snapping->lineage));
	memcpy(snapping->before, snapshot->parent, UUID_SIZE);
	return 0;
}

static int make(struct op *op, struct snapping *snapping, const struct snapshot_options *options)
{
	snapping->with_config = !options->skip_config;
	int r = describe(options, &snapping->snapshot, op->err);
	if (r == 0)
		r = look(op, snapping, options->skip_suspend);
	if (r == 0)
		r = prepare(op, snapping);
	if (r < 0)
		return r;
	op_say(op, "Creating snapshot {%s}", snapping->snapshot.id);
	r = op_run(op, snapshot_steps, countof(snapshot_steps), snapping);
	if (r == 0)
		op_say(op, "Snapshot {%s} has been successfully created", snapping->snapshot.id);
	return r;
}

int lifecycle_snapshot(struct op *op, uint32_t ctid, const struct snapshot_options *options,
		       char ret_id[static UUID_SIZE])
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;
	cleanup_snapping struct snapping snapping = {.ve = &ve, .store = -1, .image = -1, .private = -1};

	int r = ve_open(op, ctid, &ve, &lock);
	if (r == 0)
		r = make(op, &snapping, options);
	if (r < 0) {
		snapshots_prune(op->host, ctid);
		return snapshot_failed(op->err, ERR_SNAPSHOT, r);
	}
	memcpy(ret_id, snapping.snapshot.id, UUID_SIZE);
	return 0;
}
