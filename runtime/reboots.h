/* Which VEs have asked for a reboot, for those whose end vzd cannot wait for because an earlier vzd was their parent.
 * An observer in the kernel notes each reboot(2) that restarts a pid namespace. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct reboots {
	int notes; /* BPF map: id of the VE's group -> when, CLOCK_MONOTONIC nanoseconds; -1: nothing is observed */
	int probe; /* what the observer hangs on */
	unsigned depth; /* of VEs' groups in the cgroup tree */
};

#define REBOOTS_NONE {.notes = -1, .probe = -1}

/* Observe this VE's group, a name relative to the mount of the cgroup tree. */
int reboots_observe(struct reboots *reboots, const char *group, uint64_t *ret_id, struct err *err);

/* Observe nothing any more. */
void reboots_close(struct reboots *reboots);

/* Has a process of this VE just restarted its pid namespace? */
bool reboots_noted(const struct reboots *reboots, uint64_t id);
