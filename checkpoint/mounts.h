/* The mounts of a guest, in all the mount namespaces that its processes are in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "checkpoint/obstacle.h"

struct err;
struct mount;
struct mount_space;
struct task;

struct mounts {
	struct mount *items; /* by id, once mounts_sort has run */
	size_t n;
	struct mount_space *spaces; /* the first is that of the guest's init */
	size_t n_spaces;
};

/* Add the mounts of the task's mount namespace, unless they are there already. A guest with more than 10000 is refused:
 * each is compared with the others. */
int mounts_add(struct mounts *mounts, const struct task *task, struct err *err);
void mounts_sort(struct mounts *mounts);
void mounts_done(struct mounts *mounts);

/* Is there a mount of this id? */
bool mounts_have(const struct mounts *mounts, uint64_t id);
/* The type of file system of the mount of this id, "" if there is none. */
const char *mounts_type(const struct mounts *mounts, uint64_t id);
/* Is this device (numbered as fdinfo of inotify does: major << 20 | minor) an overlay of which a file cannot be found
 * again by its handle? */
bool mounts_lose_handles(const struct mounts *mounts, uint32_t device);

/* Note what CRIU would neither save nor find again. `external` are the mount points, as the guest sees them, that the
 * caller mounts itself; `enabled` the types that it lets CRIU mount as they are (enable_fs). Both end with NULL. */
void mounts_judge(const struct mounts *mounts, const char *const *external, const char *const *enabled,
		  struct obstacles *obstacles);
