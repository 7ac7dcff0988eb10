/* A directory of the test's own, removed when the variable goes out of scope. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct scratch {
	char path[32];
	int fd;
};

static inline struct scratch scratch_new(void)
{
	struct scratch scratch = {.path = "/tmp/openve-test-XXXXXX"};

	scratch.fd = mkdtemp(scratch.path) ? open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (scratch.fd < 0) {
		perror(scratch.path);
		abort();
	}
	return scratch;
}

static inline int scratch_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static inline void scratch_done(struct scratch *scratch)
{
	close(scratch->fd);
	nftw(scratch->path, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}
#define cleanup_scratch __attribute__((cleanup(scratch_done)))
