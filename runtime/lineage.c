#include "runtime/lineage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define LINEAGE_FILE "tree"

int lineage_load(int store, struct kvfile **ret, struct err *err)
{
	int r = kvfile_load(store, LINEAGE_FILE, ret, err);
	if (r != -ENOENT)
		return r;
	*ret = kvfile_new();
	return 0;
}

int lineage_save(int store, const struct kvfile *lineage, struct err *err)
{
	const char *key, *value;
	size_t pos = 0;

	if (kvfile_next(lineage, &pos, &key, &value))
		return kvfile_save(lineage, store, LINEAGE_FILE, err);
	int r = unlinkat(store, LINEAGE_FILE, 0) < 0 && errno != ENOENT ? -errno : io_sync_dir(store);
	return r < 0 ? err_set(err, -r, "remove the file %s of the snapshots", LINEAGE_FILE) : 0;
}

void lineage_remove(int store)
{
	unlinkat(store, LINEAGE_FILE, 0);
}

const char *lineage_current(const struct kvfile *lineage)
{
	const char *id = kvfile_get(lineage, "CURRENT");
	return id ? id : "";
}

void lineage_set_current(struct kvfile *lineage, const char *id)
{
	if (*id)
		kvfile_set(lineage, "CURRENT", id);
	else
		kvfile_unset(lineage, "CURRENT");
}

/* A key has no dashes. */
static char *key_of(const char *id)
{
	char *key = str_fmt("PARENT_%s", id);

	for (char *p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	return key;
}

const char *lineage_parent(const struct kvfile *lineage, const char *id, const char *born_of)
{
	cleanup_free char *key = key_of(id);
	const char *parent = kvfile_get(lineage, key);
	return parent ? parent : born_of;
}

void lineage_set_parent(struct kvfile *lineage, const char *id, const char *to)
{
	cleanup_free char *key = key_of(id);
	kvfile_set(lineage, key, to);
}

void lineage_forget(struct kvfile *lineage, const char *id)
{
	cleanup_free char *key = key_of(id);
	kvfile_unset(lineage, key);
}
