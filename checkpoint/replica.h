/* An image that begins as another one: the same processes once more. */
#pragma once

struct err;
struct ids_move;

/* Fill the fresh image `to` (see image_begin()) with what is in `from`, on the same file system: files are shared, and
 * nobody changes them. Those with ids of the node are its own, with the ids moved. ERR_CHECKPOINT, ERR_RESTORE. */
int replica_fill(int to, int from, const struct ids_move *move, struct err *err);
