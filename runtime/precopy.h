/* Memory of a VE that is copied while it runs, in rounds, so that little is left to write while it stands still. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct op;
struct ve;

struct precopy {
	int store, image; /* directories: an image that was begun, for the dump to complete; -1: none */
	unsigned rounds;
	uint64_t bytes, total; /* that the last one wrote; all of them */
	bool enough;	       /* there is no use in another one */
};

#define PRECOPY_NONE {.store = -1, .image = -1}

/* Write down another round, if it pays: `rounds` tells, `bytes` how much it was. With the VE's lock. After a failure,
 * too, the VE runs. */
int precopy_round(struct op *op, const struct ve *ve, struct precopy *precopy);

/* How much its image may take, rounds and all; 0 if it does not run. */
uint64_t precopy_bytes(const struct ve *ve);

/* What was not made an image goes. Idempotent. */
void precopy_done(struct op *op, struct precopy *precopy);
