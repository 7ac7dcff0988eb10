/* Memory and descriptors that clean up after themselves.
 *
 * An allocation that fails ends the process: a worker's death costs one request, and vzd's is not noticed by any VE. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

/* Close the descriptor, unless it is negative. Keeps errno. Returns -1, for `fd = fd_close(fd)`. */
int fd_close(int fd);

static inline void cleanup_fd_(int *fd)
{
	fd_close(*fd);
}

static inline void cleanup_free_(void *p)
{
	free(*(void **)p);
}

#define cleanup_fd __attribute__((cleanup(cleanup_fd_)))
#define cleanup_free __attribute__((cleanup(cleanup_free_)))

/* Take the descriptor out of a cleanup_fd variable: the caller owns it now. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define steal_ptr(p)                                                                                                   \
	({                                                                                                             \
		__typeof__(p) *ptr_ = &(p);                                                                            \
		__typeof__(p) taken_ = *ptr_;                                                                          \
		*ptr_ = NULL;                                                                                          \
		taken_;                                                                                                \
	})

/* calloc, realloc and strdup that do not return NULL; mem_strdup(NULL) is NULL. */
void *mem_zero(size_t count, size_t size) __attribute__((returns_nonnull));
void *mem_grow(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s);
