/* Which VEs have asked for a reboot, for those whose end vzd cannot wait for: an observer in the kernel notes each reboot(2) that
 * restarts a pid namespace. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct reboots {
	int notes; /* BPF map: id of the caller's VE group -> when, CLOCK_MONOTONIC nanoseconds; -1: there is no observer */
	int probe; /* what the observer hangs on */
};

#define REBOOTS_NONE {.notes = -1, .probe = -1}

/* Begin to observe, if that is not so yet. VE groups lie `depth` levels below the root of the cgroup tree. */
int reboots_open(struct reboots *reboots, unsigned depth, struct err *err);
void reboots_close(struct reboots *reboots);

/* Has a process in this group, or below it, just restarted its pid namespace? */
bool reboots_noted(const struct reboots *reboots, ino_t group);
