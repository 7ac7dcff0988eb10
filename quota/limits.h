/* From a limit to the controller file that keeps it: one row each. */
#pragma once

#include <stdint.h>

struct err;

#define LIMIT_NONE UINT64_MAX

/* What a group may use; LIMIT_NONE is no limit. */
struct limits {
	uint64_t ram;	    /* bytes: memory.max */
	uint64_t swap;	    /* bytes: memory.swap.max */
	uint64_t cpulimit;  /* percent of one CPU, 200 is two CPUs: cpu.max */
	uint64_t cpuunits;  /* OpenVZ's 8..500000, 1000 is normal: cpu.weight, a tenth of it, clamped to 1..10000 */
	uint64_t cpus;	    /* how many CPUs it sees and runs on: cpuset.cpus */
	uint64_t cpu_first; /* with cpus: the first of them, modulo the node's; neighbours are spread by it */
	uint64_t numproc;   /* tasks: pids.max */
};

/* Write those limits of `wanted` that differ from `before` (NULL: a fresh group without limits) to the group. A limit
 * whose controller is missing is an error; "no limit" without the controller is not. A fresh group also gets a
 * bound on the groups that may be made below it. */
int limits_apply(const char *group, const struct limits *wanted, const struct limits *before, struct err *err);
