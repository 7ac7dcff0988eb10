/* The files of an image, by their paths in it. Regular files and directories are all that an image may hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checkpoint/seal.h"

struct err;

struct content {
	char *path;    /* relative; letters, digits and a few marks */
	uint64_t size; /* bytes */
	uint8_t digest[SEAL_DIGEST_LEN];
};

struct contents {
	struct content *list; /* sorted by path, if they were read */
	size_t n;
};

/* List all the files below the directory but `except` (a path, or NULL), without digests. What is neither a file nor a
 * directory, or has an odd name, is refused by its path. */
int contents_read(int dir, const char *except, struct contents *ret, struct err *err);

/* Is it of letters, digits, "-", "_", "+" and ".", and not "." or ".."? */
bool contents_name_ok(const char *name);

/* Takes the path over. */
struct content *contents_add(struct contents *contents, char *path, uint64_t size);
void contents_done(struct contents *contents);
#define cleanup_contents __attribute__((cleanup(contents_done)))

/* Are these files just those, and of their sizes? Both are sorted. The reason names the first that differs. */
int contents_compare(const struct contents *wanted, const struct contents *found, struct err *err);

/* Open a file that was listed, whatever became of it since: still a regular file and reached through no link. */
int contents_open(int dir, const struct content *content, struct err *err);
