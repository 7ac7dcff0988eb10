/* A VE that comes from another node: what that node says of it, and whether there is room for it here. */
#pragma once

#include "runtime/renumber.h"
#include "runtime/running.h"
#include "runtime/ve.h"

struct kvfile;
struct migrate_in_options;
struct op;

struct arriving {
	const struct migrate_in_options *options;
	struct kvfile *facts, *config; /* of the VE, as it was */
	struct ve ve;		       /* what it is to be here */
	struct renumber renumber;      /* and what it was */
	uint64_t generation;
	const char *move;	  /* what this one is called */
	bool live, image, starts; /* how it comes */
	bool claimed;		  /* ids */
	bool lacks_layer;	  /* what it stands on comes first */
	int lock, layers;	  /* held all the time */
	int templates;		  /* held while what it stands on comes */
	int store, dir;		  /* its image's */
	char *name;		  /* its image's */
	struct kvfile *image_facts;
	struct running running;
};

#define ARRIVING_NONE {.lock = -1, .layers = -1, .templates = -1, .store = -1, .dir = -1, .running = RUNNING_NONE}

void arriving_done(struct arriving *arriving);
#define cleanup_arriving __attribute__((cleanup(arriving_done)))

/* Read who comes, and how. */
int arriving_read_facts(struct arriving *arriving, struct err *err);

/* Read its configuration, and make it this node's: what it is called, and where things lie. */
int arriving_read_config(struct op *op, struct arriving *arriving);

/* How the archive of its layer is packed, as record_suffix() says; NULL if the giving node has none. */
const char *arriving_packed(const struct arriving *arriving);

/* Can it be here? Finds out whether it lacks its layer. */
int arriving_fits(struct op *op, struct arriving *arriving);
