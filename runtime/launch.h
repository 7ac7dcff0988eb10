/* Making the first process of a VE: the parent's side. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"

struct dist_names;
struct seccomp;

struct launch {
	uint32_t base;	    /* the VE's uid and gid 0 on the node */
	int root;	    /* its root, a detached mount; see store_mount() */
	const char *cgroup; /* the group it is born in */
	const int *binds;   /* see bind_open() */
	const char *hostname, *init;
	bool dumpable;			/* by CRIU */
	const struct dist_names *names; /* for its files */
	const struct seccomp *seccomp;
};

/* A process that is all built and waits at the door of exec. */
struct launched {
	pid_t pid;
	int pidfd;
	int sync;	      /* closing it before launch_go() ends the process */
	int console;	      /* master of its console */
	struct err unwritten; /* why not all of its names are written; ERR_NONE: they are */
};

/* Clone into all namespaces and the group, as a child of our parent, and wait until it is built. On failure nothing of
 * it is left. */
int launch(const struct launch *launch, struct launched *ret, struct err *err);

/* Its network namespace; the caller closes. */
int launch_netns(const struct launched *launched, struct err *err);

/* Let it exec, and wait until it has. */
int launch_go(struct launched *launched, struct err *err);

/* Kill it, if it lives, and close what is held. Takes a zeroed struct. */
void launch_abort(struct launched *launched);
