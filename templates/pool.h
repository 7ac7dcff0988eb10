/* The pool: the file system under /var/lib/vz that holds templates, private areas and dumps.
 * It must keep project quota: XFS mounted with prjquota, or ext4 with the project feature. */
#pragma once

#include <stdint.h>

struct err;

struct pool_config {
	const char *dir;   /* /var/lib/vz */
	const char *image; /* the embedded default: a sparse image file that is loop-mounted on dir */
	uint64_t size;	   /* bytes of a new image; 0: three quarters of what is free under it, 1 GiB at least */
};

/* Make the pool ready: if dir is on a file system with project quota, use it; else mount the image on it, made when
 * missing (mkfs.xfs -m reflink=1 on a temporary name, renamed when whole), with a loop device that goes away with the
 * mount. Then make the folders root, private, template, dump (0700 root, see security: setuid files of VEs lie here).
 * Returns a directory fd of the pool. Idempotent. `say` (may be NULL) hears what is being made. */
int pool_open(const struct pool_config *config, void (*say)(void *ctx, const char *text), void *ctx, struct err *err);
