/* Why CRIU failed: found in its log, put into words. CRIU itself returns one number for all. */
#pragma once

#include <sys/types.h>

struct err;

struct reason {
	pid_t pid;	    /* who the line is about, as the guest sees it; 0: it does not say */
	const char *words;  /* NULL: the table does not know that message */
	const char *remedy; /* NULL: we know none */
	char line[256];	    /* CRIU's own words, without time and place, printable */
};

/* Read the log for the first error that is not a consequence of another. 1: found; 0: there is none in it. Of a log
 * above 8 MiB only the first and the last 4 are read. */
int reason_from_log(int dirfd, const char *name, struct reason *ret_reason, struct err *err);

/* "process 12: a file is locked (Some file locks are hold by …); …", the remedy last; the caller frees. */
char *reason_text(const struct reason *reason);
