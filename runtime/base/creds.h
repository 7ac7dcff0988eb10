/* Acting under another uid and gid for a moment, all capabilities kept.
 *
 * What the kernel creates is charged to its creator: a user namespace to the creator's uid (ucounts), an overlay's
 * working files to the mounter's. Borrowing the VE's own base uid makes that the VE instead of the node's root. */
#pragma once

#include <stdint.h>

struct err;

/* Become uid and gid `id` (real, effective, file system), the saved ones stay 0; capabilities stay effective. */
int creds_borrow(uint32_t id, struct err *err);

/* Back to 0. */
int creds_return(struct err *err);

/* Become root of the user namespace we are in, for good: gid 0, uid 0, no supplementary groups. */
int creds_root(struct err *err);
