/* The steps that bring a VE up; read backwards they take it down. */
#pragma once

#include <stdbool.h>

#include "runtime/launch.h"
#include "runtime/op.h"
#include "runtime/state.h"
#include "runtime/ve.h"

/* What the steps know and hold. Nothing of it is needed to undo but `ve` and `state`. */
struct running {
	struct ve *ve;
	struct state state;
	struct launched launched;
	int root;	 /* the VE's root, detached, for its first process; -1 */
	bool keep_mount; /* taking down leaves the root mounted */
};

/* record, mount, quota, cgroup, devices, launch, network, go */
extern const struct step running_steps[];
extern const size_t running_step_count;

/* Mount the root of a VE that does not run on its root area, with ids as they lie on disk: root of the node writes
 * there as root of the VE. */
int running_mount_for_node(struct op *op, const struct ve *ve);
int running_umount(struct op *op, const struct ve *ve);

/* The limits of its configuration, as the kernel takes them. */
struct limits;
struct disk_limits;
struct limits running_limits(const struct ve *ve);
struct disk_limits running_disk_limits(const struct ve *ve);

/* Set the disk limits on the private area; "none" on a file system without quota is success. */
int running_limit_disk(struct op *op, const struct ve *ve);
