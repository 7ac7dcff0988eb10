#include "templates/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static int is_entry(const struct dirent *entry)
{
	return !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int names_read(int dirfd, const char *path, struct names *ret)
{
	struct dirent **entries;
	int n = scandirat(dirfd, path, &entries, is_entry, by_bytes);
	if (n < 0 && errno == ENOENT) {
		*ret = (struct names){0};
		return 0;
	}
	if (n < 0)
		return -errno;

	struct names names = {.name = mem_zero((size_t)n, sizeof(*names.name)), .n = (size_t)n};
	for (size_t i = 0; i < names.n; i++) {
		names.name[i] = mem_strdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	*ret = names;
	return 0;
}

void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct names){0};
}
