/* Where CRIU runs: a mount namespace of its own, in which the places that hold other guests' files, and the node's
 * secrets, are empty. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

struct jail {
	int root;	 /* a detached mount that comes to lie at JAIL_ROOT; -1: none */
	int files, logs; /* directories of the node that are there, too */
	unsigned round;	 /* CRIU's files are those of that round (checkpoint/rounds.h); 0: those of the dump */
	int group;	 /* the cgroup, a directory, that CRIU is to be in */
	uint32_t owner;	 /* of the user namespaces that are made there; 0: the node's root */
};

/* Where CRIU sees the round before, below its own files. */
#define JAIL_PARENT "parent"

#define JAIL_ROOT "/run/vz/root"

/* CRIU under way: what is closed and waited for in the end. */
struct prisoner {
	pid_t pid;
	int sock;	 /* on which it serves */
	int files, logs; /* the directories as it sees them: it may mount below its working directory */
};

#define PRISONER_NONE {.sock = -1, .files = -1, .logs = -1}

/* Start CRIU there, as our child. On failure there is none. */
int jail_start(const struct jail *jail, struct prisoner *ret, struct err *err);

/* It has answered, or there is no answer to come. The signal that has killed it; 0: it has ended by itself, or does not
 * end. */
int jail_killed(const struct prisoner *prisoner);

/* Have it end, and wait until it has. */
void jail_end(struct prisoner *prisoner);
