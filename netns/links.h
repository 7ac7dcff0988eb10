/* All links of a network namespace. */
#pragma once

#include <stddef.h>

struct err;
struct netns;

struct links_entry {
	const char *name, *kind; /* "" for hardware and loopback */
};

struct links {
	struct links_entry *list;
	size_t n;
};

int links_read(const struct netns *netns, struct links *ret, struct err *err);
void links_done(struct links *links);
#define cleanup_links __attribute__((cleanup(links_done)))
