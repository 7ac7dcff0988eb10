/* The one table of failures: what a kind of `struct err` is called on the wire and which exit code of vzctl it becomes.
 * vzd and its clients link it, so that both ends mean the same. */
#pragma once

#include "runtime/base/err.h"

#define INTERFACE_NAME "io.openve"

struct error_row {
	const char *name; /* of the varlink error, with its interface */
	int exit_code;	  /* vzctl's, from its vzerror.h */
	const char *help; /* one line for the interface description */
};

/* Indexed by enum err_kind. The row of ERR_NONE has no name and exit code 0. */
extern const struct error_row error_table[ERR_COUNT];

/* The kind of a varlink error. What comes from varlink itself (a parameter of the wrong type, a lost connection) has
 * the kind that is nearest; a name nobody knows is ERR_SYSTEM. */
enum err_kind error_kind(const char *name);
