/* An operation on one VE: what it knows, whom it tells, and the runner of reversible steps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct host;
struct ve;

/* How an operation speaks to whoever asked for it. All may be called any number of times; none may be NULL. */
struct op_listener {
	/* A line for the person at the terminal. */
	void (*say)(void *ctx, const char *text);
	/* Progress of something long, percent or -1. */
	void (*progress)(void *ctx, int percent, const char *text);
	/* The VE's init runs: its pidfd and the master of its console. The listener takes both over. */
	void (*born)(void *ctx, uint32_t ctid, int pidfd, int console);
	/* A warning: the operation goes on. */
	void (*warn)(void *ctx, const char *text);
	void *ctx;
};

struct op {
	const struct host *host;
	const struct op_listener *listener;
	const char *verb; /* for messages, the lock and fault injection: "start" */
	struct err *err;
};

void op_say(const struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void op_warn(const struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One step of a lifecycle. `undo` is idempotent: it may run when `apply` never ran or half ran, and "already gone" is
 * success. Either is NULL where there is nothing to do. Both get the operation's own context. */
struct step {
	const char *name;
	int (*apply)(struct op *op, void *ctx);
	int (*undo)(struct op *op, void *ctx);
};

/* Run the steps forwards. If one fails, its undo and those before it run, backwards, and the failure is returned with
 * the step's name; what fails while undoing is only warned of. */
int op_run(struct op *op, const struct step *steps, size_t n, void *ctx);

/* Run the undos backwards, all of them, also after one fails. Returns the first failure. */
int op_unwind(struct op *op, const struct step *steps, size_t n, void *ctx);
