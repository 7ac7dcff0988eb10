/* Devices of the node that a VE has while it runs (NETDEV): given when it starts, taken back when it has ended, however
 * that was. The kernel gives hardware back by itself when a network namespace ends, but destroys a virtual device: so
 * the namespace of a VE that has any is kept, by a mount in /run/vz/netns, until they are back. */
#pragma once

#include <stdint.h>

struct err;
struct netns;
struct op;
struct state;

/* Is each of the devices (names between blanks; NULL: none) there to be given? ERR_NETDEV. */
int netdev_check(const char *devices, struct err *err);

/* Give what `devices` names and the record lacks, take back what it has and `devices` does not name. The record, which
 * is saved at every step, has them in state->devices. */
int netdev_change(struct op *op, uint32_t ctid, struct state *state, const struct netns *node,
		  const struct netns *guest, const char *devices);

/* Take back all. The VE's processes are gone. Idempotent. */
int netdev_return(struct op *op, uint32_t ctid, struct state *state);
