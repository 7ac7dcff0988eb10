/* A small text file in a tree whose owner is hostile, read and replaced with the credentials of whoever calls: what he
 * may not do there, he cannot do by us.
 *
 * A path is resolved as root of that tree would (openat2(2), RESOLVE_IN_ROOT): links lead wherever they like inside of
 * it and never out. Only regular files are opened, and none that is longer than a few pages: a FIFO, a device or a file
 * without an end in place of one holds nobody up. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct err;

#define TREEFILE_MAX 65536 /* bytes of a file that is read */

struct treefile {
	const char *path;  /* as it was asked for */
	int dir;	   /* where it lies, all links followed; O_PATH */
	char *name;	   /* in there */
	char *text;	   /* what it says; "" for one that is still to be made */
	struct stat found; /* st_mode 0: there is none yet. A symbolic link: see TREEFILE_UNLINK */
};

/* How to open it. */
enum {
	TREEFILE_MAKE = 1,   /* if there is none, one is made, and its directories */
	TREEFILE_UNLINK = 2, /* a symbolic link in its place is not followed: the file will replace it */
};

/* Find and read it. -ENOENT without a reason when there is none, or, without TREEFILE_MAKE, a directory. */
int treefile_open(int root, const char *path, unsigned how, struct treefile *ret, struct err *err);

/* Let it say `text`: by a temporary file and a rename, with the mode and owner that it had. What says so already is
 * left alone. Nothing is synced: whoever writes it anew at each start need not. */
int treefile_write(const struct treefile *file, const char *text, struct err *err);

void treefile_done(struct treefile *file);
#define cleanup_treefile __attribute__((cleanup(treefile_done)))

/* Is there something of that name? */
bool treefile_exists(int root, const char *path);
