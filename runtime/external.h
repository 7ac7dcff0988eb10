/* What of a VE's mounts and links is the node's, in CRIU's words: at a dump it is left out under a key, at a restore
 * the key says what takes its place. Mount points and names in the VE are the tenant's to choose; what lies behind a
 * key is what the VE was started with, and nothing else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct net_guest;

struct externals {
	char **words; /* NULL at the end */
	size_t n;
};

void externals_done(struct externals *externals);
#define cleanup_externals __attribute__((cleanup(externals_done)))

/* Just the mount points, of a VE that is granted this. */
void externals_mount_points(uint32_t granted, struct externals *ret);

/* For a dump of a VE that is granted this. */
void externals_dumped(uint32_t granted, struct externals *ret);

/* For its restore; `views`: with LXCFS. `links` says what the ends of its interfaces were called in the VE, a word
 * "HOST_NAME=NAME" each: they are moved in from where net_park() has made them. */
int externals_restored(uint32_t granted, bool views, const struct net_guest *guest, const char *links,
		       struct externals *ret, struct err *err);
