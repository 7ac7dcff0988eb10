/* The group that CRIU runs in while it has a VE in hand, criu-CTID beside the VE's own, with all that it starts for
 * itself: whichever part of it is killed, the rest is found. */
#pragma once

#include <stdint.h>

struct err;
struct host;

/* Make it. Returns a descriptor of it, for CRIU to be moved into. */
int criu_group_begin(const struct host *host, uint32_t ctid, struct err *err);

/* CRIU has ended: what it has left behind is killed, and the group removed. */
void criu_group_end(const struct host *host, uint32_t ctid);

/* Who asked for CRIU was killed: it goes on until it notices, and then lets go of the VE as it has found it, or kills
 * what it has restored. Wait for that; what does not end is killed. Returns at once if there is none. */
void criu_group_await(const struct host *host, uint32_t ctid);
