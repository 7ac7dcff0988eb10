/* The names in a directory, sorted, without "." and "..". */
#pragma once

#include <stddef.h>

struct names {
	char **name;
	size_t n;
};

/* Read the directory `path` below dirfd; one that is not there has no names. Returns 0 or a negative errno. */
int names_read(int dirfd, const char *path, struct names *ret);
void names_done(struct names *names);
#define cleanup_names __attribute__((cleanup(names_done)))
