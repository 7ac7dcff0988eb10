/* Locks: one operation at a time on a VE. They end with the process that holds them. */
#pragma once

#include <stdint.h>

struct err;
struct op;

/* Take the VE's lock, for the operation's verb. Returns an fd: the lock is held until it and all its copies are closed.
 * ERR_LOCKED names who holds it. A CRIU that has lost its worker is waited for (runtime/criu_group.h). */
int lock_ve(const struct op *op, uint32_t ctid, struct err *err);

/* Wait for one of the node's own locks ("idmap", "templates"). Shared: together with others who share it. Returns an
 * fd. */
int lock_node(const char *name, struct err *err);
int lock_node_shared(const char *name, struct err *err);
