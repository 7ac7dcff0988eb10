/* The snapshots of a VE on disk: /var/lib/vz/snapshot/CTID. A snapshot is a checkpoint image called by its UUID, and
 * beside it UUID.fs, a copy of the private area: outside of what the image seals, for it may be large and holds what
 * the image does not, devices and links. The image comes last and goes first: a copy without one is a leftover. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/uuid.h"

struct err;
struct host;
struct kvfile;
struct op;

struct snapshot {
	char id[UUID_SIZE], parent[UUID_SIZE]; /* "": it has none */
	char *name, *description;	       /* NULL: none */
	uint64_t date;			       /* seconds since the epoch */
	bool memory;			       /* it has the processes, too */
	bool current;			       /* the VE is at it, the next one's parent */
	char *target;			       /* where it is mounted; NULL: nowhere */
};

void snapshot_done(struct snapshot *snapshot);
void snapshots_free(struct snapshot *snapshots, size_t n);

/* The facts of an image that make it a snapshot. The rest is in runtime/rebirth.h. */
void snapshot_set_facts(struct kvfile *facts, const struct snapshot *snapshot);

/* Where they lie; the caller closes. -ENOENT without a reason: it has none, and none is about to be made. */
int snapshots_open(const struct host *host, uint32_t ctid, bool make, struct err *err);

/* The same for one that must be there; another kind of failure than "not there" stays what it is. */
int snapshots_open_one(struct op *op, uint32_t ctid, const char *id, int *ret_store, int kind);

/* Has it any? 1 or 0. */
int snapshots_any(const struct host *host, uint32_t ctid, struct err *err);

/* All of them, by age; one that cannot be read is warned of. The caller frees. */
int snapshots_all(struct op *op, uint32_t ctid, int store, struct snapshot **ret, size_t *ret_n);

/* The copy of the private area, read-only; the caller closes. */
int snapshots_open_files(int store, const char *id, struct err *err);
char *snapshots_files_name(const char *id);

/* Open one's image, verified; see image_open(). Has it the processes, too? */
int snapshots_load(int store, const char *id, struct kvfile **ret_facts, int *ret_dir, struct err *err);
bool snapshot_has_memory(const struct kvfile *facts);

/* Give the image in `dir` its seal and its name. */
int snapshots_publish(int store, int dir, const char *id, const struct kvfile *facts, struct err *err);

/* Remove what crashes left. */
int snapshots_clean(const struct host *host, uint32_t ctid, struct err *err);

/* Remove the directory if nothing is in it; all of them, the VE being destroyed. */
void snapshots_prune(const struct host *host, uint32_t ctid);
int snapshots_destroy(const struct host *host, uint32_t ctid, struct err *err);
