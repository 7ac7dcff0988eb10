/* One VE's move, as the giving node's vzmigrate does it: between this node's vzd, the far end and rsync. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct report;

struct mover_options {
	const char *node;	 /* [user@]host */
	const char *ssh, *rsync; /* more options for each; NULL */
	uint32_t new_ctid;	 /* what it is called there; 0: what it is here */
	bool live;
	bool keep;	 /* the private area stays here, too */
	bool keep_there; /* what was sent stays there if it fails */
	bool at_once;	 /* memory is not copied before it stands still */
	bool check;	 /* only ask both sides */
	bool any_cpu;	 /* do not compare processors */
	bool times;	 /* tell how long what took */
};

/* vzmigrate's exit codes, of its manual page. */
enum {
	MOVER_OK = 0,
	MOVER_USAGE = 1,
	MOVER_STOPPED = 2, /* live, and it does not run */
	MOVER_CONNECT = 4,
	MOVER_COPY = 6,
	MOVER_RECEIVE = 7, /* it does not come up there */
	MOVER_GIVE = 8,	   /* it cannot be stopped or checkpointed here */
	MOVER_EXISTS = 9,  /* there */
	MOVER_NONE = 10,   /* here */
	MOVER_ADDRESS = 12,
	MOVER_QUOTA = 13,
	MOVER_NO_VZD = 14, /* on either node */
	MOVER_CONFIG = 19,
	MOVER_ENGINE = 17,
	MOVER_CPU = 18,
	MOVER_LOCKED = 20,
};

/* Move it, and tell how it went. Returns the exit code. */
int mover_run(const struct mover_options *options, const char *ve, struct report *report);
