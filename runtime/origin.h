/* What clones are made of: a private area that stands still, and of a VE whose processes go on in them, an image of
 * these. */
#pragma once

#include <stdbool.h>

#include "runtime/op.h"
#include "runtime/ve.h"

struct kvfile;

struct origin {
	struct ve *ve;	      /* whose configuration they get; locked */
	char *private_area;   /* what is copied */
	bool aside;	      /* that is a copy itself */
	int image;	      /* its directory; -1: none */
	struct kvfile *facts; /* of the image */
};

#define ORIGIN_NONE {.image = -1}

/* Of a VE in any state. A running one stands still for as long as it takes to write down what it is. `cold`: the
 * processes that it has stay its own. */
int origin_open(struct op *op, struct ve *ve, bool cold, struct origin *ret);

/* Also of one that is half open. What cannot be cleared away is warned of. */
void origin_close(struct op *op, struct origin *origin);
