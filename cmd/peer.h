/* What two nodes tell each other of themselves before a VE moves between them: HELLO. */
#pragma once

#include <stdbool.h>

struct err;
struct kvfile;

#define PEER_PROTOCOL "2"

/* This node. */
struct kvfile *peer_self(void);

/* Do they speak the same? ERR_NOT_SUPPORTED. */
int peer_speaks(const struct kvfile *other, struct err *err);

/* Is it this very node, under whatever name? */
bool peer_is(const struct kvfile *self, const struct kvfile *other);

/* Can processes that have seen this node's CPU go on there? ERR_RESTORE names what is missing there. */
int peer_runs(const struct kvfile *self, const struct kvfile *other, struct err *err);
