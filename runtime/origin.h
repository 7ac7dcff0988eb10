/* What clones are made of: a VE as it is, or as it was at one of its snapshots. That is its configuration, a private
 * area that stands still and, if its processes go on in the clones, an image of these that goes with it. */
#pragma once

#include <stdbool.h>

#include "runtime/op.h"
#include "runtime/ve.h"

struct kvfile;

struct origin {
	struct ve ve; /* as it is cloned; locked until it is closed */
	int lock;
	bool warm;	      /* its processes go on in the clones */
	int config;	      /* the directory that has its CTID.conf */
	int files;	      /* the directory that is copied */
	bool aside;	      /* that is a copy itself */
	int image;	      /* its directory; -1: none */
	struct kvfile *facts; /* of the image */
};

#define ORIGIN_NONE {.lock = -1, .config = -1, .files = -1, .image = -1}

/* Choose it, and say what is wrong with it; until origin_take() nothing of the VE has been touched but its lock.
 * `snapshot` is what the caller calls one by, or NULL: the VE as it is, in any state. `cold`: processes that it has
 * stay its own. */
int origin_open(struct op *op, uint32_t ctid, const char *snapshot, bool cold, struct origin *ret);

/* Get hold of files and image. A VE that runs stands still for as long as it takes to write down what it is. */
int origin_take(struct op *op, struct origin *origin);

/* Also of one that is half open. What cannot be cleared away is warned of. */
void origin_close(struct op *op, struct origin *origin);
