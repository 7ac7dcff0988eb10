/* Project quota: how much a directory tree may hold. XFS and ext4 with project quota. */
#pragma once

#include <stdint.h>

struct err;

#define DISK_NO_LIMIT UINT64_MAX

struct disk_limits {
	uint64_t space_soft, space_hard;   /* bytes; DISK_NO_LIMIT for none */
	uint64_t inodes_soft, inodes_hard; /* items */
};

struct disk_usage {
	uint64_t space, inodes; /* bytes, items */
	struct disk_limits limits;
};

/* Does the file system of this directory keep project quota (enforced)? 0 or -ENOTSUP with the remedy. */
int disk_check(int dirfd, struct err *err);

/* Make an empty directory the root of project `id`: all that is created below belongs to it. */
int disk_join(int dirfd, uint32_t id, struct err *err);

/* Set the limits of project `id` on the file system of dirfd. A soft limit above the hard one is ERR_BAD_VALUE. All
 * DISK_NO_LIMIT takes them away, also where there were none or the file system keeps no quota. */
int disk_limit(int dirfd, uint32_t id, const struct disk_limits *limits, struct err *err);

int disk_usage(int dirfd, uint32_t id, struct disk_usage *ret, struct err *err);
