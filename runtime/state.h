/* The record of a running VE, /run/vz/ve/CTID: what its process is and where its group lies. Gone after a reboot,
 * rightly. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/config.h"

struct err;

struct state {
	pid_t pid;	    /* its init, as the node sees it */
	uint64_t starttime; /* /proc/PID/stat field 22, clock ticks since boot: tells a re-used pid from ours */
	uint64_t started;   /* seconds since the epoch */
	uint32_t granted;   /* what it was started with, see runtime/grant.h */
	char *cgroup;	    /* BASE/ve-CTID, BASE as it was when it started */
	/* What it has of the network now, which may differ from its configuration: the rows that are PARAM_NETWORK. */
	struct ve_config network;
	bool frozen;   /* its processes stand still because somebody wants it, not because an operation is under way */
	char *devices; /* of the node, that it was given, see netdev.c; NULL: none */
};

void state_done(struct state *state);
#define cleanup_state __attribute__((cleanup(state_done)))

/* -ENOENT without a reason when there is none. */
int state_load(uint32_t ctid, struct state *ret, struct err *err);
int state_save(uint32_t ctid, const struct state *state, struct err *err);
/* All CTIDs that have a record; the caller frees. */
int state_all(uint32_t **ret, size_t *ret_n, struct err *err);
int state_remove(uint32_t ctid, struct err *err);

/* A pidfd of the recorded init if that very process still lives, else -ESRCH. */
int state_pidfd(const struct state *state);

/* The network namespace of that very process; the caller closes. ERR_NOT_RUNNING when it has ended. */
int state_netns(const struct state *state, struct err *err);

/* Start time of a process in clock ticks, 0 if it is gone. */
uint64_t state_starttime(pid_t pid);
