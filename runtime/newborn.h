/* A VE that comes to be, whatever it is made of: create and clone share this. Most functions are steps, for a struct
 * that begins with a newborn. */
#pragma once

#include "runtime/op.h"
#include "runtime/ve.h"

struct newborn {
	struct ve ve;
	struct ve_config given; /* what goes to its file */
	int lock;		/* the VE's, taken as soon as its CTID is known; -1 */
};

void newborn_done(struct newborn *newborn);

/* Set one value of what is given. */
int newborn_set(struct ve_config *given, const char *key, const char *value, struct err *err);

/* What the node's defaults are now stays the VE's own, whatever vz.conf says later. */
int newborn_pin(struct op *op, struct ve_config *given);

/* What it is called: a free CTID, a free name (its CTID is still to come then) or "". */
int newborn_call(struct op *op, const char *id, struct newborn *newborn);

/* Take its lock if its CTID is known. */
int newborn_lock(struct op *op, struct newborn *newborn);

/* Steps: ids and, if it has none yet, the CTID. */
int newborn_claim(struct op *op, void *ctx);
int newborn_release(struct op *op, void *ctx);

/* Only now the CTID is certain, and with it the paths: what it is comes out of what is given, and is checked. */
int newborn_settle(struct op *op, struct newborn *newborn);

/* Undo of making its private area under a hidden name. */
int newborn_unmake(struct op *op, void *ctx);

int newborn_save(struct op *op, void *ctx);
int newborn_forget(struct op *op, void *ctx);

int newborn_publish(struct op *op, void *ctx);
int newborn_retract(struct op *op, void *ctx);

int newborn_name(struct op *op, void *ctx);
int newborn_unname(struct op *op, void *ctx);
