/* A VE's private area as a directory: made under another name and published by rename, removed after a rename. */
#pragma once

#include "runtime/op.h"
#include "runtime/ve.h"

/* Does it exist? */
bool private_exists(const struct ve *ve);

/* Open it for reading; the caller closes. ERR_NO_PRIVATE if it is not there. */
int private_open(const struct ve *ve, struct err *err);

/* Make PRIVATE/../.new-CTID for the VE's layout, with its quota, and write it to disk. */
int private_make(struct op *op, const struct ve *ve);
/* The same, but empty: what it holds comes from another node. With `again`, what is left of an earlier attempt stays in
 * it. */
int private_receive(struct op *op, const struct ve *ve, bool again);
/* Where it is until it is published; the caller frees. */
char *private_hidden(const struct ve *ve);
/* Take in a directory that is there already: all in it counts for the VE's quota from now on. */
int private_adopt(struct op *op, const struct ve *ve);

/* Copy the directory `from` to a new one, sharing its blocks where the file system can; what had the name is gone. */
int private_copy(int from, int parent, const char *name, struct err *err);

/* The same as private_make() for one that exists, of a copy of `from`: it is the spare one, which private_exchange()
 * puts in its place at one stroke, and private_drop_spare() removes. */
int private_make_from(struct op *op, const struct ve *ve, int from);
int private_exchange(struct op *op, const struct ve *ve);
int private_drop_spare(struct op *op, const struct ve *ve);

int private_unmake(struct op *op, const struct ve *ve);

/* Make PRIVATE/../.new-CTID as a copy of the directory `from`, which stands still; its files share their blocks where
 * the file system can. All of it counts for the VE's quota. Returns the directory, which the caller closes. */
int private_clone(struct op *op, const struct ve *ve, int from);

/* A copy of a VE's private area as it is at this moment, beside it: nobody's, and made for copies of its own. Returns
 * the directory, which the caller closes. Taking it away is idempotent. */
int private_set_aside(struct op *op, const struct ve *ve);
int private_drop_aside(struct op *op, const struct ve *ve);

/* Rename .new-CTID to its name, durably; and back. "Not there" is success for the way back. */
int private_publish(struct op *op, const struct ve *ve);
int private_retract(struct op *op, const struct ve *ve);

/* Is there a finished .new-CTID that was never published? */
bool private_unpublished(const struct ve *ve);

/* Is there a .trash-CTID that was not emptied? */
bool private_discarded(const struct ve *ve);

/* Rename to .trash-CTID, durably: from here on it is gone. Then private_empty_trash() removes it and its quota. */
int private_discard(struct op *op, const struct ve *ve);
int private_empty_trash(struct op *op, const struct ve *ve);
