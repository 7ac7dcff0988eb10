/* What a group holds right now. */
#pragma once

#include <stdint.h>

/* What is held now, the most that was ever held (`_max`), and how often the limit said no (`_fail`). UINT64_MAX where
 * the kernel does not say. */
struct usage {
	uint64_t numproc, numproc_max, numproc_fail;
	uint64_t ram, ram_max, ram_fail;    /* bytes; failures are memory.events max */
	uint64_t swap, swap_max, swap_fail; /* bytes */
	uint64_t cpu_usec;
};

void usage_read(const char *group, struct usage *ret);
