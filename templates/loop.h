/* A file as a block device. */
#pragma once

struct err;

/* Bind the file to a free loop device that goes away with its last user, with direct I/O where the file system under it
 * can. `path` is for messages and for losetup(8). Returns the device's fd; *ret_device is its path, the caller frees.
 */
int loop_open(int file, const char *path, char **ret_device, struct err *err);
