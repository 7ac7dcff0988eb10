/* Bytes on their way from one descriptor to another, without ever waiting for the reader while others have something to
 * do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pollfd;

struct pump {
	int from, to;
	int owned;   /* one of the two: closed when the pump ends; -1: none */
	char *bytes; /* read and not written yet: start to end */
	size_t start, end;
	bool ended;
};

/* A pump that ends closes the end it owns, if any: by that the other side learns that nothing more comes, or that
 * nobody reads. */
void pump_init(struct pump *pump, int from, int to, int owned);
void pump_done(struct pump *pump);

/* What to wait for: input if nothing is to be written, else room for it. Waits for nothing once it has ended. */
void pump_poll(const struct pump *pump, struct pollfd *ret);

/* Move what can be moved now. Ends when `from` has ended or `to` takes no more. */
void pump_move(struct pump *pump);

/* Move what `from`, which must be set not to block, holds now; then end. */
void pump_drain(struct pump *pump);
