/* Stdin, stdout and stderr of a command that has no terminal.
 *
 * A VE gets no descriptor of a file, a socket, a device or a terminal of the node: what is not an anonymous pipe
 * already goes through a fresh one, which is pumped here. */
#pragma once

#include <stddef.h>

#include "cmd/pump.h"

struct err;

struct streams {
	int ends[3]; /* for the command; -1: given away */
	struct pump pumps[3];
	size_t n_pumps;
};

/* Ours are 0, 1 and 2, all open. */
int streams_open(struct streams *ret, struct err *err);
void streams_done(struct streams *streams);
