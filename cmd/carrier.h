/* The way to another node: one ssh connection, whose far end is `vzmigrate --receive`, and which rsync shares. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct carrier {
	const char *node;	 /* [user@]host */
	const char *ssh, *rsync; /* more options for each, separated by blanks; NULL */
	char *dir;		 /* private, has the socket of the connection */
	pid_t pid;
	int in, out;	/* what it says; what it is told */
	uint64_t bytes; /* that rsync has sent so far */
};

#define CARRIER_NONE {.pid = -1, .in = -1, .out = -1}

/* Begin. That it does not get through shows in the end of what it says. */
int carrier_open(struct carrier *carrier, struct err *err);

/* Say no more, and wait for its end. The exit status of ssh: 255 for its own failures, 127 if nothing of that name is
 * installed there. */
int carrier_close(struct carrier *carrier);
static inline void carrier_done(struct carrier *carrier)
{
	carrier_close(carrier);
}
#define cleanup_carrier __attribute__((cleanup(carrier_done)))

/* Make the directory there what it is here. Of an overlay's, what it knows of the file system that it lies on is left
 * out: which files of the layer its own were copied from, by their handles. */
int carrier_sync(struct carrier *carrier, const char *from, const char *to, bool overlay, struct err *err);

/* Make the file there what it is here. Should it fail, what has come of it is there under that very name. */
int carrier_send(struct carrier *carrier, const char *from, const char *to, struct err *err);
