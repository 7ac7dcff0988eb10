/* A directory seen through shifted ids: a detached clone of the mount that it lies on. */
#pragma once

#include <stdint.h>

struct err;

/* Clone the mount of directory `dir`, with `dir` as its root: ids as in the user namespace, MOUNT_ATTR_* `attributes`
 * set and nosuid and all other inherited restrictions gone, propagation private, attached nowhere. Returns the mount's
 * fd. */
int idmount_open(int dir, int userns, uint64_t attributes, struct err *err);
