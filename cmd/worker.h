/* One forked process per operation: vzd's side, where what the worker says arrives as events. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct err;
struct exits;
struct host;
struct job;
struct worker;

#define WORKERS_MAX 256

/* Who hears, whatever the operation is. None may be NULL. */
struct workers_listener {
	/* A VE's init runs. Both descriptors are the listener's now; the console may be -1. */
	void (*born)(void *ctx, uint32_t ctid, int pidfd, int console);
	/* An operation on this VE is over. */
	void (*settle)(void *ctx, uint32_t ctid);
	/* A worker died before it could say what came of its operation: what it left is to be cleared away. */
	void (*cut_short)(void *ctx, const char *verb);
	/* The last worker has ended. */
	void (*idle)(void *ctx);
	void *ctx;
};

struct workers {
	sd_event *event;
	struct exits *exits;
	const struct host *host;
	const struct workers_listener *listener;
	struct worker *first;
	unsigned n;
};

/* Start it. ERR_NO_RESOURCE when there are too many. */
int worker_start(struct workers *workers, const struct job *job, struct err *err);

/* Is an operation on that VE under way? */
bool worker_busy(const struct workers *workers, uint32_t ctid);
