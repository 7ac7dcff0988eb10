/* A fresh file system in a file, for tests as root. It is mounted nowhere: it exists as long as a descriptor in it is
 * open. */
#pragma once

struct err;

/* `mkfs` is the command without the image's name. Returns the root directory. */
int loop_make(const char *const mkfs[], const char *options, struct err *err);

extern const char *const loop_ext4[], *const loop_xfs[];
