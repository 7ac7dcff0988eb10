/* A VE's private area as a directory: made under another name and published by rename, removed after a rename. */
#pragma once

#include "runtime/op.h"
#include "runtime/ve.h"

/* Does it exist? */
bool private_exists(const struct ve *ve);

/* Make PRIVATE/../.new-CTID for the VE's layout, with its quota, and write it to disk. */
int private_make(struct op *op, const struct ve *ve);
/* Take in a directory that is there already: all in it counts for the VE's quota from now on. */
int private_adopt(struct op *op, const struct ve *ve);
int private_unmake(struct op *op, const struct ve *ve);

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
