/* Can a running VE be dumped? Asked before anything is frozen. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "checkpoint/obstacle.h"

struct err;
struct op;
struct state;

/* What stands in the way, see checkpoint/preflight.h; the caller frees. */
int checkable_look(const struct state *state, struct obstacles *ret, struct err *err);

/* Refuse if something does, with the first of them and its remedy; what only misbehaves later is warned of. */
int checkable_must(struct op *op, const struct state *state);

/* Tell them all; false: one of them makes a dump impossible. */
bool checkable_tell(struct op *op, const struct obstacles *obstacles);

/* End commands that were entered from outside, with all that they have started. */
int checkable_end_sessions(const struct state *state, struct err *err);
