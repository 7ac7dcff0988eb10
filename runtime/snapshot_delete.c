/* Doing away with snapshots, and what else is about all of them. Each is a copy of its own, so nothing is merged. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/image.h"
#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/lineage.h"
#include "runtime/op.h"
#include "runtime/private.h"
#include "runtime/snapshot.h"
#include "runtime/snapshot_mount.h"
#include "runtime/snapshots.h"
#include "runtime/ve.h"

struct deleting {
	uint32_t ctid;
	char id[UUID_SIZE];
	int store;
	struct kvfile *before, *after; /* lineages */
	bool last;
};

static void deleting_done(struct deleting *deleting)
{
	fd_close(deleting->store);
	kvfile_free(deleting->before);
	kvfile_free(deleting->after);
}

#define cleanup_deleting __attribute__((cleanup(deleting_done)))

static int lineage_apply(struct op *op, void *ctx)
{
	struct deleting *deleting = ctx;
	return lineage_save(deleting->store, deleting->after, op->err);
}

/* Once it is gone, nothing may follow from it. */
static int lineage_undo(struct op *op, void *ctx)
{
	struct deleting *deleting = ctx;

	if (!image_present(deleting->store, deleting->id))
		return 0;
	return lineage_save(deleting->store, deleting->before, op->err);
}

static int image_apply(struct op *op, void *ctx)
{
	struct deleting *deleting = ctx;
	return image_drop(deleting->store, deleting->id, op->err);
}

static int files_apply(struct op *op, void *ctx)
{
	struct deleting *deleting = ctx;
	cleanup_free char *name = snapshots_files_name(deleting->id);

	int r = proc_remove_tree(deleting->store, name, op->err);
	if (r == 0 && deleting->last) {
		lineage_remove(deleting->store);
		snapshots_prune(op->host, deleting->ctid);
	}
	return r;
}

/* One that is cut short is there whole, with its children moved up, or is a leftover. */
static const struct step delete_steps[] = {
	{"lineage", lineage_apply, lineage_undo},
	{"image", image_apply, NULL},
	{"files", files_apply, NULL},
};

/* Of one that cannot be read nobody knows the parent: its children have none then. */
static const char *parent_of(const struct snapshot *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].id, id))
			return list[i].parent;
	return "";
}

static int move_children_up(struct op *op, struct deleting *deleting)
{
	struct snapshot *list = NULL;
	size_t n = 0;

	int r = lineage_load(deleting->store, &deleting->before, op->err);
	if (r == 0)
		r = lineage_load(deleting->store, &deleting->after, op->err);
	if (r == 0)
		r = snapshots_all(op, deleting->ctid, deleting->store, &list, &n);
	if (r < 0)
		return r;
	const char *parent = parent_of(list, n, deleting->id);
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].parent, deleting->id))
			lineage_set_parent(deleting->after, list[i].id, parent);
	if (str_eq(lineage_current(deleting->after), deleting->id))
		lineage_set_current(deleting->after, parent);
	lineage_forget(deleting->after, deleting->id);
	deleting->last = n == 0 || (n == 1 && str_eq(list[0].id, deleting->id));
	snapshots_free(list, n);
	return 0;
}

static int check_unmounted(uint32_t ctid, const char *id, struct err *err)
{
	cleanup_free char *target = snapshot_target(ctid, id);
	return target ? err_say(err, ERR_SNAPSHOT_DELETE, "snapshot {%s} is mounted on %s; unmount it first", id,
				target)
		      : 0;
}

static int delete_one(struct op *op, struct deleting *deleting, const char *id)
{
	int r;

	if ((r = uuid_parse(id, deleting->id, op->err)) < 0 ||
	    (r = snapshots_open_one(op, deleting->ctid, deleting->id, &deleting->store, ERR_SNAPSHOT_DELETE)) < 0 ||
	    (r = check_unmounted(deleting->ctid, deleting->id, op->err)) < 0 ||
	    (r = move_children_up(op, deleting)) < 0)
		return r;
	op_say(op, "Deleting snapshot {%s}", deleting->id);
	r = op_run(op, delete_steps, countof(delete_steps), deleting);
	if (r == 0)
		op_say(op, "Snapshot {%s} has been successfully deleted", deleting->id);
	return r;
}

int lifecycle_snapshot_delete(struct op *op, uint32_t ctid, const char *id)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;
	cleanup_deleting struct deleting deleting = {.ctid = ctid, .store = -1};

	int r = ve_open(op, ctid, &ve, &lock);
	if (r == 0)
		r = delete_one(op, &deleting, id);
	return snapshot_failed(op->err, ERR_SNAPSHOT_DELETE, r);
}

/* ---- all of them ---- */

static int pick(struct op *op, const char *id, struct snapshot *list, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		if (!str_eq(list[i].id, id))
			continue;
		struct snapshot one = list[i];
		list[i] = list[0];
		list[0] = one;
		for (size_t j = 1; j < *n; j++)
			snapshot_done(&list[j]);
		*n = 1;
		return 0;
	}
	return err_say(op->err, ERR_SNAPSHOT_LIST, "the container has no snapshot {%s}", id);
}

int lifecycle_snapshot_list(struct op *op, uint32_t ctid, const char *id, struct snapshot **ret, size_t *ret_n)
{
	char bare[UUID_SIZE];
	struct snapshot *list = NULL;
	size_t n = 0;

	int r = id ? uuid_parse(id, bare, op->err) : 0;
	if (r < 0)
		return r;
	cleanup_fd int store = snapshots_open(op->host, ctid, false, op->err);
	if (store >= 0)
		r = snapshots_all(op, ctid, store, &list, &n);
	else if (store != -ENOENT)
		r = store;
	if (r == 0 && id)
		r = pick(op, bare, list, &n);
	if (r < 0) {
		snapshots_free(list, n);
		return snapshot_failed(op->err, ERR_SNAPSHOT_LIST, r);
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

int snapshot_none_mounted(struct op *op, uint32_t ctid)
{
	struct snapshot *list = NULL;
	size_t n = 0;

	int r = lifecycle_snapshot_list(op, ctid, NULL, &list, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (list[i].target)
			r = err_say(op->err, ERR_MOUNTED, "snapshot {%s} is mounted on %s; unmount it first",
				    list[i].id, list[i].target);
	snapshots_free(list, n);
	return r;
}

/* A private area that is there, with a spare one beside it, is one that a switch had not done with. */
int snapshot_recover(struct op *op, const struct ve *ve)
{
	snapshot_forget_targets(ve->ctid);
	int r = private_exists(ve) && private_unpublished(ve) ? private_drop_spare(op, ve) : 0;
	return r < 0 ? r : snapshots_clean(op->host, ve->ctid, op->err);
}
