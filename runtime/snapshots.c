#include "runtime/snapshots.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/image.h"
#include "checkpoint/key.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/lineage.h"
#include "runtime/op.h"
#include "runtime/snapshot_mount.h"

#define FILES ".fs"

/* ---- one of them ---- */

void snapshot_done(struct snapshot *snapshot)
{
	free(snapshot->name);
	free(snapshot->description);
	free(snapshot->target);
	*snapshot = (struct snapshot){0};
}

void snapshots_free(struct snapshot *snapshots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snapshot_done(&snapshots[i]);
	free(snapshots);
}

void snapshot_set_facts(struct kvfile *facts, const struct snapshot *snapshot)
{
	cleanup_free char *date = str_fmt("%ju", snapshot->date);

	kvfile_set(facts, "SNAPSHOT_PARENT", snapshot->parent);
	kvfile_set(facts, "SNAPSHOT_DATE", date);
	kvfile_set(facts, "SNAPSHOT_MEMORY", snapshot->memory ? "yes" : "no");
	if (snapshot->name)
		kvfile_set(facts, "SNAPSHOT_NAME", snapshot->name);
	if (snapshot->description)
		kvfile_set(facts, "SNAPSHOT_DESCRIPTION", snapshot->description);
}

static const char *fact(const struct kvfile *facts, const char *key)
{
	const char *value = kvfile_get(facts, key);
	return value ? value : "";
}

bool snapshot_has_memory(const struct kvfile *facts)
{
	return str_eq(fact(facts, "SNAPSHOT_MEMORY"), "yes");
}

static void read_facts(const struct kvfile *facts, const struct kvfile *lineage, struct snapshot *snapshot)
{
	const char *parent = lineage_parent(lineage, snapshot->id, fact(facts, "SNAPSHOT_PARENT"));

	snprintf(snapshot->parent, sizeof(snapshot->parent), "%s", parent);
	str_u64(fact(facts, "SNAPSHOT_DATE"), &snapshot->date);
	snapshot->memory = snapshot_has_memory(facts);
	snapshot->name = mem_strdup(kvfile_get(facts, "SNAPSHOT_NAME"));
	snapshot->description = mem_strdup(kvfile_get(facts, "SNAPSHOT_DESCRIPTION"));
	snapshot->current = str_eq(snapshot->id, lineage_current(lineage));
}

/* ---- where they lie ---- */

static int open_parent(const struct host *host, struct err *err)
{
	int fd = openat(host->pool, "snapshot", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open %s", PATH_SNAPSHOT) : fd;
}

int snapshots_open(const struct host *host, uint32_t ctid, bool make, struct err *err)
{
	cleanup_free char *name = str_fmt("%u", ctid);
	cleanup_fd int parent = open_parent(host, err);
	if (parent < 0)
		return parent;

	if (make && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return err_set(err, errno, "make %s/%u", PATH_SNAPSHOT, ctid);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	return fd < 0 ? err_set(err, errno, "open %s/%u", PATH_SNAPSHOT, ctid) : fd;
}

int snapshots_open_one(struct op *op, uint32_t ctid, const char *id, int *ret_store, int kind)
{
	cleanup_fd int store = snapshots_open(op->host, ctid, false, op->err);

	if (store < 0 && store != -ENOENT)
		return store;
	if (store < 0 || !image_present(store, id))
		return err_say(op->err, (enum err_kind)kind, "the container has no snapshot {%s}", id);
	*ret_store = steal_fd(&store);
	return 0;
}

char *snapshots_files_name(const char *id)
{
	return str_fmt("%s" FILES, id);
}

int snapshots_open_files(int store, const char *id, struct err *err)
{
	cleanup_free char *name = snapshots_files_name(id);
	int fd = openat(store, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open the files of snapshot {%s}", id) : fd;
}

int snapshots_load(int store, const char *id, struct kvfile **ret_facts, int *ret_dir, struct err *err)
{
	cleanup_image_key struct image_key key;

	int r = image_key_load(PATH_NODE_KEY, &key, err);
	return r < 0 ? r : image_open(store, id, &key, ret_facts, ret_dir, err);
}

int snapshots_publish(int store, int dir, const char *id, const struct kvfile *facts, struct err *err)
{
	cleanup_image_key struct image_key key;

	int r = image_key_load(PATH_NODE_KEY, &key, err);
	if (r == 0)
		r = image_seal(dir, facts, &key, err);
	return r < 0 ? r : image_publish(store, id, err);
}

/* ---- all of them ---- */

static int is_uuid(const struct dirent *entry)
{
	char id[UUID_SIZE];
	struct err ignored = {0};
	return uuid_parse(entry->d_name, id, &ignored) == 0 && str_eq(id, entry->d_name);
}

static int read_one(uint32_t ctid, int store, const struct kvfile *lineage, const struct image_key *key,
		    struct snapshot *snapshot, struct err *err)
{
	cleanup_kvfile struct kvfile *facts = NULL;
	cleanup_free char *own = str_fmt("%u", ctid);

	int r = image_facts(store, snapshot->id, key, &facts, err);
	if (r < 0)
		return r;
	if (!str_eq(fact(facts, "CTID"), own))
		return err_say(err, ERR_RESTORE, "it is of CT %s", fact(facts, "CTID"));
	read_facts(facts, lineage, snapshot);
	snapshot->target = snapshot_target(ctid, snapshot->id);
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	/* Within one second, a child is younger. */
	if (str_eq(x->parent, y->id))
		return 1;
	return str_eq(y->parent, x->id) ? -1 : strcmp(x->id, y->id);
}

static void read_named(struct op *op, uint32_t ctid, int store, const struct kvfile *lineage,
		       const struct image_key *key, const char *id, struct snapshot *list, size_t *n)
{
	struct snapshot snapshot = {0};
	struct err err = {0};

	snprintf(snapshot.id, sizeof(snapshot.id), "%s", id);
	if (read_one(ctid, store, lineage, key, &snapshot, &err) == 0)
		list[(*n)++] = snapshot;
	else
		op_warn(op, "snapshot {%s} cannot be read: %s", id, err.text);
}

int snapshots_any(const struct host *host, uint32_t ctid, struct err *err)
{
	struct dirent **entries;
	cleanup_fd int store = snapshots_open(host, ctid, false, err);
	if (store < 0)
		return store == -ENOENT ? 0 : store;

	int n = scandirat(store, ".", &entries, is_uuid, NULL);
	if (n < 0)
		return err_set(err, errno, "read %s/%u", PATH_SNAPSHOT, ctid);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n > 0;
}

int snapshots_all(struct op *op, uint32_t ctid, int store, struct snapshot **ret, size_t *ret_n)
{
	cleanup_image_key struct image_key key;
	cleanup_kvfile struct kvfile *lineage = NULL;
	struct dirent **entries;
	size_t n = 0;

	int r = image_key_load(PATH_NODE_KEY, &key, op->err);
	if (r == 0)
		r = lineage_load(store, &lineage, op->err);
	if (r < 0)
		return r;
	int found = scandirat(store, ".", &entries, is_uuid, alphasort);
	if (found < 0)
		return err_set(op->err, errno, "read %s/%u", PATH_SNAPSHOT, ctid);

	struct snapshot *list = mem_zero((size_t)found + 1, sizeof(*list));
	for (int i = 0; i < found; i++) {
		read_named(op, ctid, store, lineage, &key, entries[i]->d_name, list, &n);
		free(entries[i]);
	}
	free(entries);
	qsort(list, n, sizeof(*list), by_age);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* ---- leftovers ---- */

static int are_files(const struct dirent *entry)
{
	return str_ends(entry->d_name, FILES);
}

static int clean_files(int store, struct err *err)
{
	struct dirent **entries;
	int n = scandirat(store, ".", &entries, are_files, alphasort), r = 0;
	if (n < 0)
		return err_set(err, errno, "read a directory of snapshots");

	for (int i = 0; i < n; i++) {
		cleanup_free char *id = mem_strdup(entries[i]->d_name);
		id[strlen(id) - strlen(FILES)] = '\0';
		if (r == 0 && !image_present(store, id))
			r = proc_remove_tree(store, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int snapshots_clean(const struct host *host, uint32_t ctid, struct err *err)
{
	cleanup_fd int store = snapshots_open(host, ctid, false, err);
	if (store < 0)
		return store == -ENOENT ? 0 : store;

	int r = image_clean(store, err);
	if (r == 0)
		r = clean_files(store, err);
	snapshots_prune(host, ctid);
	return r;
}

void snapshots_prune(const struct host *host, uint32_t ctid)
{
	struct err ignored = {0};
	cleanup_free char *name = str_fmt("%u", ctid);
	cleanup_fd int parent = open_parent(host, &ignored);

	if (parent >= 0)
		unlinkat(parent, name, AT_REMOVEDIR);
}

int snapshots_destroy(const struct host *host, uint32_t ctid, struct err *err)
{
	cleanup_free char *name = str_fmt("%u", ctid);
	cleanup_fd int parent = open_parent(host, err);
	return parent < 0 ? parent : proc_remove_tree(parent, name, err);
}
