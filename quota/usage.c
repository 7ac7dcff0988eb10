#include "quota/usage.h"

#include <stddef.h>

#include "quota/cgroup.h"
#include "runtime/base/mem.h"

static const struct counter {
	const char *file;
	const char *key; /* of a flat keyed file; NULL where the file is the number */
	size_t offset;	 /* in struct usage */
} counters[] = {
	{"cpu.stat", "usage_usec", offsetof(struct usage, cpu_usec)},
	{"memory.current", NULL, offsetof(struct usage, ram)},
	{"memory.events", "max", offsetof(struct usage, ram_fail)},
	{"memory.peak", NULL, offsetof(struct usage, ram_max)},
	{"memory.swap.current", NULL, offsetof(struct usage, swap)},
	{"memory.swap.events", "max", offsetof(struct usage, swap_fail)},
	{"memory.swap.peak", NULL, offsetof(struct usage, swap_max)},
	{"pids.current", NULL, offsetof(struct usage, numproc)},
	{"pids.events", "max", offsetof(struct usage, numproc_fail)},
	{"pids.peak", NULL, offsetof(struct usage, numproc_max)},
};

void usage_read(const char *group, struct usage *ret)
{
	for (size_t i = 0; i < countof(counters); i++) {
		const struct counter *counter = &counters[i];
		uint64_t *n = (uint64_t *)(void *)((char *)ret + counter->offset);

		*n = UINT64_MAX;
		if (counter->key)
			cgroup_read_key(group, counter->file, counter->key, n);
		else
			cgroup_read_u64(group, counter->file, n);
	}
}
