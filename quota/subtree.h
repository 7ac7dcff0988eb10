/* The groups of a tree and which controllers they pass on to their children (cgroup.subtree_control), as text, to be
 * made so again. */
#pragma once

#include <stdint.h>

struct err;

/* A line for each group: the controllers that it passes on, between blanks, a tab, its path below `name` ("" is `name`
 * itself). Parents come first. The caller frees. */
int subtree_read(const char *name, char **ret_text, struct err *err);

/* Make it so. Groups that are not there are made, as `owner`'s (uid and gid). */
int subtree_write(const char *name, const char *text, uint32_t owner, struct err *err);
