/* Will CRIU be able to dump this guest? Asked before anything is frozen, so that the answer names who is in the way.
 *
 * A guest goes on while it is looked at: who comes and goes meanwhile may be missed, and CRIU has the last word. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "checkpoint/obstacle.h"

struct err;

struct preflight_link {
	const char *name, *kind; /* IFLA_IFNAME, IFLA_INFO_KIND: "" where there is none */
};

/* The guest, and what whoever restores it makes himself. */
struct preflight {
	int proc;   /* the node's /proc, a directory */
	int cgroup; /* a directory: the guest is the processes in it and below */
	pid_t init; /* as that /proc numbers it */

	const char *const
		*external_mounts;      /* mount points as the guest's init sees them; ends with NULL; may be NULL */
	const char *const *enabled_fs; /* CRIU's enable_fs, likewise: "hugetlbfs", "ramfs" */
	dev_t console;		       /* st_rdev of the slave of its console; 0: none */

	const struct preflight_link *links; /* those of its network namespaces that are not external */
	size_t n_links;
};

/* Find the obstacles: 0, also when there are none. ret_obstacles is the caller's to give to obstacles_done. */
int preflight_run(const struct preflight *preflight, struct obstacles *ret_obstacles, struct err *err);
