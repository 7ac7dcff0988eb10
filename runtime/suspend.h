/* Suspending VEs to an image on disk and resuming them from it. Each function is one verb, see lifecycle.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct kvfile;
struct op;

/* Which parts of it: none is all, in one go. */
enum suspend_stage {
	SUSPEND_FREEZE = 1 << 0, /* its processes stand still, in memory */
	SUSPEND_DUMP = 1 << 1,	 /* frozen ones are written to an image, and stay */
	SUSPEND_KILL = 1 << 2,	 /* what was frozen ends */
	SUSPEND_THAW = 1 << 3,	 /* it goes on instead; an image of it is worth nothing any more */
};

struct precopy;

struct suspend_options {
	unsigned stages;	     /* of enum suspend_stage */
	const char *image;	     /* its name in the dump directory; NULL: the VE's own, by which it is suspended */
	bool check;		     /* only say whether it can be dumped, and why not */
	bool force;		     /* commands that were entered from outside end */
	const struct precopy *begun; /* the image was begun so; NULL */
	/* Asked when the image is there and everything stands still. An error makes the VE go on, as if nothing had
	 * been; after success it never does. */
	int (*still)(void *ctx, const struct kvfile *facts, struct err *err);
	void *ctx;
};
int lifecycle_suspend(struct op *op, uint32_t ctid, const struct suspend_options *options);

enum resume_stage {
	RESUME_UNDUMP = 1 << 0, /* its processes are back, and stand still */
	RESUME_THAW = 1 << 1,	/* they go on */
	RESUME_KILL = 1 << 2,	/* they end; of a VE that is suspended, the image */
};

struct resume_options {
	unsigned stages;
	const char *image;
	bool skip_arpdetect;
};
int lifecycle_resume(struct op *op, uint32_t ctid, const struct resume_options *options);

/* The same, with its lock. */
struct ve;
int suspend_locked(struct op *op, struct ve *ve, const struct suspend_options *options);
int resume_locked(struct op *op, struct ve *ve, const struct resume_options *options);

/* What to do while nothing of the VE moves. */
struct suspend_still {
	int (*act)(struct op *op, void *ctx);
	void *ctx;
};

/* Let a running VE stand still meanwhile, and go on; how long it stood is told. With ret_image, its processes are in an
 * image by then that has no name yet: its directory and facts. It is nobody's once that is closed. */
int suspend_meanwhile(struct op *op, struct ve *ve, const struct suspend_still *still, int *ret_image,
		      struct kvfile **ret_facts);

/* Write the processes of a VE, which runs and has been told to stand still, to an image that was begun, and leave them
 * as they are. The facts are for sealing it. */
int suspend_dump(struct op *op, struct ve *ve, int image, const struct suspend_still *still, struct kvfile **ret_facts);

/* After a crash in the middle of it, with its lock: a VE that lives goes on, unless somebody wants it to stand still,
 * and an image that it has outlived goes. */
int suspend_recover(struct op *op, struct ve *ve);
