/* A command in a VE, seen from here: our terminal or pipes are its own, its exit status is ours. */
#pragma once

#include <stdbool.h>

struct client;
struct err;

struct session {
	const char *ve;
	const char *const *argv; /* NULL-terminated */
	bool shell;		 /* words for the VE's shell; none: a login shell */
	bool tty;		 /* our stdin is a terminal: the command gets a pty of the VE's own */
	const char *entered;	 /* a line for stdout once the command runs; NULL: none */
};

/* Run the command to its end. Returns its exit status, as a shell has it; a signal that ends vzctl counts as one that
 * ended the command. The terminal is as it was on every return. */
int session_run(const struct session *session, struct client *client, struct err *err);
