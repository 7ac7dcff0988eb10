/* What a hostile root tries in a VE. Each attempt runs in a process of its own, so that whatever it does to itself, and
 * whatever is done to it, ends there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

/* Exit status of an attempt's process. */
enum outcome { HELD, BREACHED, MOOT };

/* One attempt at a wall. */
struct attempt {
	unsigned breaches;
	bool moot;
};

struct probe {
	const char *wall; /* that must hold: the name of the test */
	void (*try)(struct attempt *attempt);
};

struct probes {
	const struct probe *list;
	size_t n;
};

struct probes calls_probes(void);  /* system calls, sockets, terminals */
struct probes files_probes(void);  /* devices, proc, sysfs, cgroups, what the file systems take */
struct probes bounds_probes(void); /* ids, the root, descriptors, capabilities, limits */

/* The wall has a hole: say which. The attempt goes on. */
void breach(struct attempt *attempt, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* There is nothing to try here. */
void moot(struct attempt *attempt, const char *why);

/* A mount namespace of our own, whose changes nobody else sees. False, and moot, where there is none to be had. */
bool own_mounts(struct attempt *attempt);

/* Whether we are root of a namespace within the VE's: what belongs to the VE as a whole is then not to be seen. */
bool is_nested(struct attempt *attempt);

/* Breach unless the result is negative and errno one of those that refuse: EPERM, EACCES, ENOSYS, EROFS. Another error
 * means that only the arguments were wrong. */
void must_refuse(struct attempt *attempt, long result, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
