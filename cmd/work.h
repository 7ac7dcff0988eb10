/* An operation in a process of its own: the inside. Straight-line blocking code, which talks to vzd over a channel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/op.h"

struct host;
struct message;

struct work {
	struct op op;
	int channel;
};

struct job {
	const char *verb; /* "start": for messages, locks and ps */
	uint32_t ctid;	  /* what it is about, 0 if only the worker finds out */
	bool spawns;	  /* it hands over a child: a VE's init or a command */
	const int *fds;	  /* descriptors that it keeps besides the host's */
	size_t n_fds;
	/* In the worker. On success it may have sent MESSAGE_DONE; a failure is in work->op.err. */
	int (*run)(struct work *work, void *ctx);
	/* In vzd: each message that is not for the listener; the last is MESSAGE_DONE or MESSAGE_FAILED. */
	void (*hear)(void *ctx, struct message *message);
	/* In vzd: the process is gone, nothing more comes. */
	void (*ended)(void *ctx);
	void *ctx;
};

/* The whole life of the worker's process, from just after the fork. */
_Noreturn void work_run(const struct host *host, const struct job *job, int channel);

/* For `run`: say something to vzd. */
void work_about(struct work *work, uint32_t ctid);
int work_answer(struct work *work, const char *json);
int work_done(struct work *work, const char *json);
