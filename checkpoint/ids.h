/* The ids of the node in files that CRIU wrote, moved to where another range begins: all else in there is in the ids
 * of the tree itself. They are in the map of the user namespace (userns-*.img) and among the owners of groups
 * (cgroup.img). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

struct ids_move {
	uint32_t from, to; /* first id of the range there is, and of that there is to be */
	uint32_t count;
};

enum ids_file { IDS_USERNS, IDS_CGROUP };

/* In the whole text of such a file, in place. Ids that are not in the range stay. ERR_RESTORE: it is none, or ids of
 * the new range need more room than those of the old one. */
int ids_move_text(enum ids_file file, uint8_t *text, size_t len, const struct ids_move *move, struct err *err);

/* In all files of the directory that have any: each is replaced, not changed, for it may be shared by a link. */
int ids_move_files(int dir, const struct ids_move *move, struct err *err);
