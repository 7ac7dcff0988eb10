/* Control groups (v2 only): create, enter, kill, remove. The only file that knows libcgroup.
 * Names are relative to the mount of the cgroup2 hierarchy, without a leading slash. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* Set up libcgroup, once a process (children inherit it). Fails on a machine without a cgroup2 mount, naming the
 * remedy. */
int cgroup_setup(struct err *err);

/* Find where our groups may live, and make it ready. Under systemd (our own group ends in /supervisor, as
 * DelegateSubgroup=supervisor makes it) that is the delegated group of our unit, its parent; otherwise /openve, which
 * is made. Enables every controller there is for the children. The caller frees *ret_base. */
int cgroup_base(char **ret_base, struct err *err);

/* Is the controller ("memory", "cpu", "pids", "io", "cpuset") offered to children of base? */
bool cgroup_has_controller(const char *base, const char *controller);

/* The error for a limit whose controller is missing: names the controller and the remedy (cgroup_no_v1=all). */
int cgroup_no_controller(const char *controller, struct err *err);

/* Make the group with all controllers that its parent offers enabled in it and, when `for_children`, passed on to
 * children (which forbids processes in itself). One that exists is success. */
int cgroup_create(const char *name, bool for_children, struct err *err);

/* Give the group to `uid`:`gid` as a delegate: the directory and the files that /sys/kernel/cgroup/delegate lists
 * (cgroups(7)). */
int cgroup_delegate(const char *name, uid_t uid, gid_t gid, struct err *err);

/* The group's directory, O_PATH|O_DIRECTORY is not enough for CLONE_INTO_CGROUP: O_RDONLY. */
int cgroup_open(const char *name, struct err *err);

/* Write one controller file. "max" and numbers as the kernel documentation (cgroup-v2.rst) has them. */
int cgroup_write(const char *name, const char *file, const char *value, struct err *err);

/* Read a whole file; the caller frees. -ENOENT when the group or the file is not there. */
int cgroup_read(const char *name, const char *file, char **ret_text);
/* Read one file that holds one number; "max" is UINT64_MAX. -ENOENT when the group or the file is not there. */
int cgroup_read_u64(const char *name, const char *file, uint64_t *ret_n);
/* Read one `key value` line of a flat keyed file such as memory.events. */
int cgroup_read_key(const char *name, const char *file, const char *key, uint64_t *ret_n);

/* Is there a live process in it or below? A group that is not there is not populated. */
bool cgroup_populated(const char *name);

/* Kill all in it (cgroup.kill) and wait until none is left, at most timeout_ms. "Not there" is success. */
int cgroup_kill(const char *name, unsigned timeout_ms, struct err *err);

/* Have all in it and below stand still, or go on; returns when they do. A kill reaches them all the same.
 * ERR_TIMEOUT after `timeout_ms`: one of them hangs in the kernel. */
int cgroup_freeze(const char *name, bool frozen, unsigned timeout_ms, struct err *err);
/* Has it been told to stand still? */
bool cgroup_is_frozen(const char *name);

/* Whoever of the node's mounts the hierarchy without options, as CRIU does, takes its options away, for all mounts of
 * it (Documentation/admin-guide/cgroup-v2.rst). Give it those back that delegation needs, beside the ones it has. */
int cgroup_renew_options(struct err *err);

/* Its directory in the file system; the caller frees. */
char *cgroup_path(const char *name, struct err *err);

/* Remove the group and all below it; all must be dead (who is still dying gets a second). "Not there" is success. */
int cgroup_remove(const char *name, struct err *err);
