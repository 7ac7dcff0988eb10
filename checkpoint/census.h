/* Who and what belongs to a guest: its processes, by its cgroup, and the namespaces and mounts that they have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "checkpoint/mounts.h"
#include "checkpoint/task.h"

struct err;

struct census {
	int proc;	  /* borrowed */
	struct task init; /* without its fd */
	struct census_member {
		pid_t pid, parent; /* as /proc numbers them; parent 0 until looked at */
	} *members;		   /* by pid */
	size_t n;
	ino_t *namespaces; /* of mnt, net and all others, sorted */
	size_t n_namespaces;
	struct mounts mounts;
};

/* Count the processes of the cgroup and of those below it. Who ends meanwhile is left out; a guest whose init has ended
 * is an error. */
int census_take(int proc, int cgroup, pid_t init, struct census *ret_census, struct err *err);
void census_done(struct census *census);
#define cleanup_census __attribute__((cleanup(census_done)))

/* Is it a process of the guest? Also who was born after the count is. */
bool census_has(const struct census *census, pid_t pid);
/* Is there a process of the guest in this namespace? */
bool census_has_namespace(const struct census *census, ino_t ns);

/* Where a process comes from: init or one of its descendants (CRIU sees those alone), a process that entered from
 * outside, or a descendant of such a one. */
enum census_origin { CENSUS_BORN, CENSUS_ENTERED, CENSUS_CHILD_OF_ENTERED };
enum census_origin census_origin(const struct census *census, const struct task *task);
