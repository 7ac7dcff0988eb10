/* What a VE was at one of its snapshots: opened and verified, for what is to be made of it. */
#pragma once

#include <stdbool.h>

#include "runtime/uuid.h"
#include "runtime/ve.h"

struct kvfile;
struct op;

struct past {
	char id[UUID_SIZE];
	int store, image;     /* directories, see runtime/snapshots.h */
	struct kvfile *facts; /* of the image */
	bool memory;	      /* it has the processes, too */
	bool config;	      /* the VE is what the configuration in the image says */
	struct ve ve;	      /* with that, or with the configuration of now */
	struct ve_config own; /* what the VE keeps of now: what it is called by on this node, and where it lies */
};

#define PAST_NONE {.store = -1, .image = -1}

/* `id` is what the caller calls the snapshot by; with `skip_config`, its configuration does not count. Whether the node
 * could have the VE so now is not checked. */
int past_open(struct op *op, const struct ve *now, const char *id, bool skip_config, struct past *ret);

void past_done(struct past *past);
#define cleanup_past __attribute__((cleanup(past_done)))
