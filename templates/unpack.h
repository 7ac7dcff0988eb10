/* Unpack a tar archive that nobody vouches for. */
#pragma once

#include <stdint.h>

struct err;

struct unpacked {
	uint64_t size;	  /* bytes of file content */
	uint64_t entries; /* files, directories, links */
	uint64_t dropped; /* device nodes and sockets not made, entries that lost attributes */
};

/* Unpack the archive (a regular file, from its start; plain or packed with gzip, xz or zstd) into the empty directory
 * `target`, in a sandbox whose ids are scratch_base.. on the node, with ids as they are in the archive. `tick` (may be
 * NULL) hears how many bytes of the archive are done, a few times a second. `name` is for messages. What an archive
 * cannot mean well (a path out of the tree, an id above 65535) or that is cut or damaged is ERR_TEMPLATE_DAMAGED; the
 * directory then holds a part of it. */
int unpack_archive(int archive, int target, uint32_t scratch_base, const char *name,
		   void (*tick)(void *ctx, uint64_t done), void *ctx, struct unpacked *ret, struct err *err);
