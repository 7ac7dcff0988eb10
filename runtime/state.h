/* The record of a running VE, /run/vz/ve/CTID: what its process is and where its group lies. Gone after a reboot,
 * rightly. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

struct state {
	pid_t pid;	    /* its init, as the node sees it */
	uint64_t starttime; /* /proc/PID/stat field 22, clock ticks since boot: tells a re-used pid from ours */
	uint64_t started;   /* seconds since the epoch */
	char *cgroup;	    /* BASE/ve-CTID, BASE as it was when it started */
};

void state_done(struct state *state);
#define cleanup_state __attribute__((cleanup(state_done)))

/* -ENOENT without a reason when there is none. */
int state_load(uint32_t ctid, struct state *ret, struct err *err);
int state_save(uint32_t ctid, const struct state *state, struct err *err);
int state_remove(uint32_t ctid, struct err *err);

/* A pidfd of the recorded init if that very process still lives, else -ESRCH. */
int state_pidfd(const struct state *state);

/* Start time of a process in clock ticks, 0 if it is gone. */
uint64_t state_starttime(pid_t pid);
