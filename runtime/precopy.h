/* Memory of a VE that is copied while it runs, in rounds, so that little is left to write while it stands still. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct op;
struct ve;

struct precopy {
	int store, image; /* directories: an image that was begun, for the dump to complete; -1: none */
	unsigned rounds;
	uint64_t bytes; /* that the last one wrote */
	bool enough;	/* there is no use in another one */
};

#define PRECOPY_NONE {.store = -1, .image = -1}

/* Write down another round, if it pays: `rounds` tells, `bytes` how much it was. With the VE's lock. After a failure, too,
 * the VE runs. */
int precopy_round(struct op *op, const struct ve *ve, struct precopy *precopy);

/* What was not made an image goes. */
void precopy_done(struct op *op, struct precopy *precopy);
