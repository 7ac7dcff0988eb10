/* Moving a VE to another node: what each side's worker does, under the VE's lock. Whoever asked carries words
 * (runtime/base/frame.h) between the two, and the files:
 *
 *	giving node				receiving node
 *	FACTS, CONFIG: what is to come
 *						RESERVED: where to put it; or HAVE: it is here already
 *	(if RESERVED has a place for its template, the archive of that is copied)
 *						<- TEMPLATE
 *						UNPACKED: its layer is there, of the very digest
 *	(its files are copied while it runs)
 *	<- PRECOPY, any number of times; of a live one
 *	PRECOPIED: memory that was changed is written,
 *	and where; or nothing, for it does not pay
 *	(the image so far is copied)
 *	<- FREEZE
 *	STILL: nothing changes any more; facts of its image
 *	(what has changed is copied, and the image)
 *						<- SENT, with these facts
 *						READY: whole, on disk, restored; nothing of it runs
 *	<- HANDOVER
 *	HANDED: it never runs here again
 *						<- COMMIT
 *						DONE: it is this node's, and runs if it did
 *	<- ARRIVED
 *
 * The end of the stream before HANDED leaves it where it was, before COMMIT discards what was received. Between HANDED
 * and ARRIVED nobody here knows where it is: it stays handed over, with all its files, until the move is repeated.
 * FAILED, which says for certain that the receiver has discarded all, makes it this node's again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct op;

struct migrate_out_options {
	const char *receiver; /* as the caller calls that node */
	uint32_t new_ctid;    /* what it is to be called there; 0: what it is here */
	bool live;	      /* it must run, and goes on where it was */
	bool keep;	      /* its private area stays here, too */
	int channel;	      /* a stream of words, the caller's end */
};
int lifecycle_migrate_out(struct op *op, uint32_t ctid, const struct migrate_out_options *options);

struct migrate_in_options {
	const char *facts, *config; /* what the giving node said */
	bool check;		    /* say RESERVED, and that is all */
	bool keep;		    /* files stay for another attempt, should this one fail */
	int channel;
};
int lifecycle_migrate_in(struct op *op, const struct migrate_in_options *options);

/* After a crash just when it had become this node's: it goes on. With its lock. */
struct ve;
int migrate_finish(struct op *op, struct ve *ve);
