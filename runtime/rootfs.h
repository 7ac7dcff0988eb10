/* The inside of a VE's file system tree, built by its own first process in its own namespaces: the root, what the
 * kernel offers (proc, sys, dev, cgroup), what the node offers (binds), and what is masked. By fd, verified, nothing
 * half. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct err;

struct rootfs {
	int root;	  /* the VE's root as a detached mount; stays open */
	const int *binds; /* fds of bind_table, see bind_open() */
};

enum mask_kind { MASK_FILE, MASK_DIR, MASK_READONLY };

/* What the kernel shows of the node in proc and sysfs although it is none of a VE's business. What a kernel lacks is
 * skipped. */
struct mask {
	const char *path; /* in the VE */
	enum mask_kind kind;
};

extern const struct mask rootfs_masks[];
extern const size_t rootfs_mask_count;

/* Build it and make it our root; the node's tree is gone from this mount namespace afterwards. */
int rootfs_enter(const struct rootfs *rootfs, struct err *err);

/* Open a terminal of the VE's own devpts and mount its slave on /dev/console. The caller owns both fds. */
int rootfs_console(int *ret_master, int *ret_slave, struct err *err);

/* The VE's proc, as O_PATH directory. */
int rootfs_proc(struct err *err);
