/* The only code that may open a path inside a VE.
 *
 * A VE's root belongs to a hostile tenant: any name in it may be a symbolic link out of the tree, a FIFO or a device.
 * Each path is resolved once, by openat2(2) with RESOLVE_IN_ROOT and no magic links, and from then on only its fd is
 * used. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* A directory to mount on or to work in, as O_PATH. No component may be a symbolic link. With `make`, missing
 * directories are made, mode 0755, as whoever we are. */
int path_dir(int root, const char *path, bool make, struct err *err);

/* Something to mount a file on, as O_PATH: a regular file or what the kernel's own file systems have there; no links.
 */
int path_node(int root, const char *path, struct err *err);

/* The same, made empty when missing. For trees that are ours (/dev). */
int path_node_make(int root, const char *path, struct err *err);

/* Is there a program of that name, following links inside the root? */
bool path_is_program(int root, const char *path);

/* Open an existing character device and check what it is. No links; never becomes our controlling terminal. */
int path_device(int root, const char *path, dev_t device, struct err *err);
