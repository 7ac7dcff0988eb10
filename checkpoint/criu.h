/* Freezing a tree of processes to files and bringing it back, by CRIU (criu(8)), which runs as a process of its own for
 * each request and sees of the node's files only what it needs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* When the caller is asked in between. What it returns as an error makes CRIU give up: a dumped tree goes on, a
 * restored one is killed. */
enum criu_moment {
	CRIU_DUMPED,	 /* dump: everything is written; nothing runs, no packet passes, until the call returns */
	CRIU_NAMESPACES, /* restore: the namespaces are there, empty, and the first process, which waits */
	CRIU_FURNISHED,	 /* restore: groups, mounts and links are there, too; no file has been opened yet */
	CRIU_CONSOLE,	 /* restore: `fd` is the master of a terminal whose slave is the tree's own; the callee's now */
	CRIU_RESTORED,	 /* restore: everything is there; nothing runs yet, and no packet passes */
	CRIU_READY,	 /* restore: it is about to run, whatever the call returns */
};

typedef int criu_ask(void *ctx, enum criu_moment moment, pid_t pid, int fd, struct err *err);

struct criu_request {
	int files;   /* directory of the files; what CRIU wrote may be restored from there only by its owner */
	int log_dir; /* where CRIU's log is, as `log` */
	const char *log;
	const char *cgroup;	      /* the tree's group, absolute: frozen while it is dumped */
	int group;		      /* the cgroup, a directory, that CRIU itself is to be in, and nobody else is */
	const char *const *externals; /* what the node gives the tree, in CRIU's words, NULL at the end */
	criu_ask *ask;
	void *ctx;
};

/* Is there a CRIU, and one that goes with this kernel? ERR_NOT_SUPPORTED, with what to install. */
int criu_usable(struct err *err);

/* Types of file systems that come back empty, NULL at the end. */
extern const char *const criu_emptied_fs[];

/* Can the kernel tell which memory was written to since it was asked (CONFIG_MEM_SOFT_DIRTY)? 1 or 0. */
int criu_tracks_memory(const struct criu_request *request, struct err *err);

/* Write what the memory of the tree of process `pid` holds, or what of it was changed since the last time, to the next
 * round of the files (checkpoint/rounds.h). The tree stands still for a moment. What follows, rounds and the dump,
 * writes only what is changed then. */
int criu_pre_dump_tree(const struct criu_request *request, pid_t pid, struct err *err);

/* Write the tree of process `pid` to files. With `go_on` it runs on afterwards, otherwise it is dead. */
int criu_dump_tree(const struct criu_request *request, pid_t pid, bool go_on, struct err *err);

struct criu_rebirth {
	int root;	    /* the tree's root, a detached mount that is CRIU's now */
	uint32_t owner;	    /* uid on the node that owns its user namespace, and is charged for it */
	const char *cgroup; /* where its groups are now, relative to the hierarchy */
	bool empty_network; /* its network namespace is empty, connections are closed; CRIU_FURNISHED is to fill it */
};

/* Where a restore sees an empty, read-only directory, for what is to be covered. */
#define CRIU_EMPTY "/run/vz/empty"

/* Bring it back, as a child of the nearest subreaper above us. The external "mnt[KEY]:PATH" is what lies at PATH on the
 * node. Returns the pid of its first process. */
int criu_restore_tree(const struct criu_request *request, const struct criu_rebirth *rebirth, struct err *err);
