/* The first process of a VE, from clone to exec: everything in between, in order, in its own namespaces. */
#pragma once

#include <stdbool.h>

#include "runtime/base/err.h"
#include "runtime/rootfs.h"

struct dist_names;
struct seccomp;

/* What it says to launch.c over the sync socket (SOCK_SEQPACKET). It answers each with one byte, or closes to give up.
 */
enum child_phase {
	CHILD_UNSHARED, /* all namespaces exist: write the id maps and clock offsets */
	CHILD_BUILT,	/* ready for exec; with the console's master, and in err why not all of its names are written */
	CHILD_FAILED,	/* the reason is in err */
};

struct child_message {
	enum child_phase phase;
	struct err err;
};

struct child {
	int sync;
	struct rootfs rootfs;
	const char *hostname;
	const struct dist_names *names; /* for its files */
	const char *init;		/* path in the VE */
	bool dumpable;			/* it shall wait for nothing that CRIU cannot bring back */
	const struct seccomp *seccomp;
};

/* Never returns: it becomes the VE's init, or reports CHILD_FAILED and ends. */
_Noreturn void child_run(const struct child *child);

/* The last stretch before exec that init and every process entering later have in common: rlimits, capabilities,
 * seccomp; all descriptors above 2 close on exec. Signals are as a worker has them: none ignored, none blocked. */
int child_confine(const struct seccomp *seccomp, struct err *err);
