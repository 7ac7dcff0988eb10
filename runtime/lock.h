/* Locks: one operation at a time on a VE. They end with the process that holds them. */
#pragma once

#include <stdint.h>

struct err;

/* Take the VE's lock, for `verb`. Returns an fd: the lock is held until it and all its copies are closed.
 * ERR_LOCKED names who holds it. A CRIU that lost its worker is waited for. */
int lock_ve(uint32_t ctid, const char *verb, struct err *err);

/* What CRIU keeps open while it has the VE in hand: should its worker be killed, it goes on until it notices, and then
 * kills what it holds or lets it go as it found it. With the VE's lock. */
int lock_engine(uint32_t ctid, struct err *err);

/* Wait for one of the node's own locks ("idmap", "templates"). Shared: together with others who share it. Returns an
 * fd. */
int lock_node(const char *name, struct err *err);
int lock_node_shared(const char *name, struct err *err);
