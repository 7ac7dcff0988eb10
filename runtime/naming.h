/* What a VE is called, whom it asks for names and which interfaces the node sets up for it: from its configuration (and
 * from the node's own resolvers where that says "inherit") to the files in the VE. What its owner made of these files
 * is his business: that they cannot be written is worth a warning, and keeps nobody from starting or changing the VE.
 */
#pragma once

#include "templates/dist.h"

struct err;
struct op;
struct state;
struct ve;
struct ve_config;

/* What a VE's files are to say at its start: what its configuration is silent on is NULL. The caller frees. */
int naming_of(const struct op *op, const struct ve *ve, struct dist_names *ret, struct err *err);

/* Write into a running VE what `change`, which made `after` of `before`, has a word on. `pidfd` is its init's. */
void naming_change(const struct op *op, const struct ve *before, const struct ve *after, const struct ve_config *change,
		   const struct state *state, int pidfd);

/* Warn of what could not be written; nothing if all was. */
void naming_warn(const struct op *op, const struct err *why);
