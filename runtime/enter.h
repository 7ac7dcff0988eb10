/* Running a command of a VE's own in the VE: exec, exec2, exec3, enter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct op;

struct exec_request {
	const char *const *argv; /* NULL-terminated. With `shell`: the words, joined by blanks, for `bash -c` or `sh
				  * -c`; no word at all: a login shell */
	bool shell;
	bool tty;	     /* a pty of the VE's own is stdin, stdout and stderr */
	struct winsize size; /* of that pty */
	const char *term;    /* TERM, NULL: linux */
	int stdio[3];	     /* without tty: pipes of the caller, never a terminal of the node */
};

struct session {
	int pidfd;    /* the command; a child of the worker's parent, which waits for it */
	int tty;      /* master of its pty, -1 without */
	char *cgroup; /* its own group: killing the session is killing that, removing it comes after */
};

void session_done(struct session *session);

/* Start the command. It has the VE's namespaces, limits, capabilities and filters. ERR_NOT_RUNNING. */
int enter_exec(struct op *op, uint32_t ctid, const struct exec_request *request, struct session *ret);
