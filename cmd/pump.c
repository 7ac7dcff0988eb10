#include "cmd/pump.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "runtime/base/mem.h"

#define PUMP_SIZE 65536u	  /* what a pipe holds */
#define DRAIN_MAX (2 * PUMP_SIZE) /* a pty holds somewhat more than a pipe */

void pump_init(struct pump *pump, int from, int to, int owned)
{
	*pump = (struct pump){.from = from, .to = to, .owned = owned, .bytes = mem_grow(NULL, PUMP_SIZE, 1)};
}

void pump_done(struct pump *pump)
{
	pump->owned = fd_close(pump->owned);
	free(pump->bytes);
	pump->bytes = NULL;
	pump->ended = true;
}

void pump_poll(const struct pump *pump, struct pollfd *ret)
{
	if (pump->ended)
		*ret = (struct pollfd){.fd = -1};
	else if (pump->start < pump->end)
		*ret = (struct pollfd){.fd = pump->to, .events = POLLOUT};
	else
		*ret = (struct pollfd){.fd = pump->from, .events = POLLIN};
}

static void end(struct pump *pump)
{
	pump->start = pump->end = 0;
	pump->owned = fd_close(pump->owned);
	pump->ended = true;
}

/* The master of a pty whose other end nobody has open any more reads EIO: that is its end of file. */
static bool fill(struct pump *pump)
{
	ssize_t n;

	do
		n = read(pump->from, pump->bytes, PUMP_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		end(pump);
		return false;
	}
	pump->end = (size_t)n;
	return true;
}

static void flush(struct pump *pump)
{
	while (pump->start < pump->end) {
		ssize_t n = write(pump->to, pump->bytes + pump->start, pump->end - pump->start);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			end(pump);
			return;
		}
		pump->start += (size_t)n;
	}
	pump->start = pump->end = 0;
}

void pump_move(struct pump *pump)
{
	if (pump->ended)
		return;
	if (pump->start < pump->end || fill(pump))
		flush(pump);
}

static void wait_for_room(const struct pump *pump)
{
	struct pollfd room = {.fd = pump->to, .events = POLLOUT};
	poll(&room, 1, -1);
}

/* Somebody else may go on writing for ever: more than the pipe held at the beginning is theirs. */
void pump_drain(struct pump *pump)
{
	size_t moved = 0;

	while (!pump->ended && (pump->start < pump->end || (moved < DRAIN_MAX && fill(pump)))) {
		size_t left = pump->end - pump->start;
		flush(pump);
		moved += left - (pump->end - pump->start);
		if (pump->start < pump->end)
			wait_for_room(pump);
	}
	if (!pump->ended)
		end(pump);
}
