/* Snapshots that are mounted for the node to read. A record in /run/vz/snapshot says where and what mount it was: the
 * kernel is asked whether it still is. */
#pragma once

#include <stdint.h>

struct op;

/* Where it is mounted; NULL: nowhere. The caller frees. */
char *snapshot_target(uint32_t ctid, const char *id);

/* Remove the records of those that are not mounted any more. */
void snapshot_forget_targets(uint32_t ctid);

/* Mount its files on an empty directory, read-only, ids as they lie on disk; take them off again. */
int lifecycle_snapshot_mount(struct op *op, uint32_t ctid, const char *id, const char *target);
int lifecycle_snapshot_umount(struct op *op, uint32_t ctid, const char *id);
