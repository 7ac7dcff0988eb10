#include "runtime/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/bind.h"
#include "runtime/path.h"
#include "runtime/pty.h"

#define NO_PROGRAMS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define NO_DEVICES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* Where the root is attached for a moment, in our own copy of the node's tree: a directory that every node has and
 * everybody, so also the VE's root, may pass to. */
#define STEPPING_STONE "/proc"

/* A file system of the kernel, its own instance for this VE. Options are "key=value" or a flag. */
struct kernel_fs {
	const char *type, *target;
	unsigned attributes;
	const char *options[5];
};

/* In the order of mounting: a target lies on what comes before. tty is group 5 in every distribution we know. */
static const struct kernel_fs kernel_fs[] = {
	{"proc", "proc", NO_PROGRAMS, {0}},
	{"sysfs", "sys", NO_PROGRAMS | MOUNT_ATTR_RDONLY, {0}},
	{"cgroup2", "sys/fs/cgroup", NO_PROGRAMS, {0}},
	{"tmpfs", "dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, {"mode=0755", "size=4m", "nr_inodes=64k"}},
	{"devpts",
	 "dev/pts",
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	 {"ptmxmode=0666", "mode=0620", "gid=5", "max=1024"}},
	{"tmpfs", "dev/shm", NO_DEVICES, {"mode=1777"}},
	{"mqueue", "dev/mqueue", NO_PROGRAMS, {0}},
	{"tmpfs", "run", NO_DEVICES, {"mode=0755", "nr_inodes=800k"}},
};

static const struct {
	const char *name, *target;
} dev_links[] = {
	{"fd", "/proc/self/fd"},      {"ptmx", "pts/ptmx"},	     {"stderr", "/proc/self/fd/2"},
	{"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
};

const struct mask rootfs_masks[] = {
	{"proc/acpi", MASK_DIR},
	{"proc/asound", MASK_DIR},
	{"proc/bus", MASK_READONLY},
	{"proc/fs", MASK_READONLY},
	{"proc/interrupts", MASK_FILE}, /* keystroke and traffic timing of the node */
	{"proc/irq", MASK_READONLY},
	{"proc/kcore", MASK_FILE},
	{"proc/keys", MASK_FILE},
	{"proc/latency_stats", MASK_FILE},
	{"proc/sched_debug", MASK_FILE},
	{"proc/scsi", MASK_DIR},
	{"proc/sysrq-trigger", MASK_FILE},
	{"proc/timer_list", MASK_FILE},
	{"sys/devices/virtual/powercap", MASK_DIR}, /* energy counters: a side channel (CVE-2020-8694) */
	{"sys/firmware", MASK_DIR},
	{"sys/kernel/debug", MASK_DIR},
};
const size_t rootfs_mask_count = countof(rootfs_masks);

static int configure(int context, const struct kernel_fs *fs, struct err *err)
{
	/* What mount(8) and df(1) show in their first column. */
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", fs->type, 0) < 0)
		return err_set(err, errno, "name a %s", fs->type);
	for (const char *const *option = fs->options; *option; option++) {
		cleanup_free char *key = mem_strdup(*option);
		char *value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		if (fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0) < 0)
			return err_set(err, errno, "set %s of %s", *option, fs->type);
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(err, errno, "make a %s for /%s", fs->type, fs->target);
	return 0;
}

static int make_fs(const struct kernel_fs *fs, struct err *err)
{
	cleanup_fd int context = fsopen(fs->type, FSOPEN_CLOEXEC);
	if (context < 0)
		return err_set(err, errno, "open file system %s", fs->type);

	int r = configure(context, fs, err);
	if (r < 0)
		return r;
	int mount = fsmount(context, FSMOUNT_CLOEXEC, fs->attributes);
	return mount < 0 ? err_set(err, errno, "mount a %s for /%s", fs->type, fs->target) : mount;
}

static int attach(int mount, int target, const char *name, struct err *err)
{
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(err, errno, "mount on /%s", name);
	return 0;
}

/* The kernel allows a new proc or sysfs in a user namespace only while one that hides nothing is still in sight
 * (mount_too_revealing() in fs/namespace.c): they are made while the node's tree is still there. */
static int make_all(int fds[static countof(kernel_fs)], struct err *err)
{
	for (size_t i = 0; i < countof(kernel_fs); i++) {
		fds[i] = make_fs(&kernel_fs[i], err);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

static int attach_all(int root, const int fds[static countof(kernel_fs)], struct err *err)
{
	for (size_t i = 0; i < countof(kernel_fs); i++) {
		const char *name = kernel_fs[i].target;
		cleanup_fd int target = path_dir(root, name, true, err);
		if (target < 0)
			return target;
		int r = attach(fds[i], target, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool same_file(int a, int b)
{
	struct stat x, y;
	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int verify_root(int root, struct err *err)
{
	cleanup_fd int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int parent = open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (slash < 0 || parent < 0 || !same_file(slash, root) || !same_file(parent, root))
		return err_say(err, ERR_MOUNT, "the root of the VE is not where it should be after pivot_root");
	return 0;
}

static int pivot(const struct rootfs *rootfs, struct err *err)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)) < 0)
		return err_set(err, errno, "make the mounts private");
	if (move_mount(rootfs->root, "", AT_FDCWD, STEPPING_STONE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "attach the root to " STEPPING_STONE);
	if (fchdir(rootfs->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(err, errno, "pivot_root");
	/* The old root lies over the new one now; detached, it takes the whole tree of the node with it. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set(err, errno, "let go of the node's root");
	return verify_root(rootfs->root, err);
}

static int link_dev(int root, struct err *err)
{
	cleanup_fd int dev = path_dir(root, "dev", false, err);
	if (dev < 0)
		return dev;
	for (size_t i = 0; i < countof(dev_links); i++)
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0)
			return err_set(err, errno, "link /dev/%s", dev_links[i].name);
	return 0;
}

static int make_device(int root, const char *target, struct err *err)
{
	cleanup_free char *parent = str_fmt("%.*s", (int)(strrchr(target, '/') - target), target);
	cleanup_fd int dir = path_dir(root, parent, true, err);
	return dir < 0 ? dir : path_node_make(root, target, err);
}

static int attach_bind(int root, const struct bind *bind, int mount, struct err *err)
{
	cleanup_fd int target = bind->kind == BIND_DEVICE     ? make_device(root, bind->target, err)
				: bind->kind == BIND_VIEW_DIR ? path_dir(root, bind->target, false, err)
							      : path_node(root, bind->target, err);
	if (target < 0)
		return target;
	return attach(mount, target, bind->target, err);
}

static int attach_binds(int root, const int *fds, struct err *err)
{
	for (size_t i = 0; i < bind_count; i++) {
		int r = fds[i] < 0 ? 0 : attach_bind(root, &bind_table[i], fds[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A mount to lie over something, not attached yet. */
static int make_cover(int root, const struct mask *mask, int target, struct err *err)
{
	static const struct kernel_fs empty = {
		"tmpfs", "(mask)", NO_PROGRAMS | MOUNT_ATTR_RDONLY, {"mode=0555", "size=4k", "nr_inodes=1"}};
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mask->kind == MASK_DIR)
		return make_fs(&empty, err);

	cleanup_fd int null = path_node(root, "dev/null", err);
	if (null < 0)
		return null;
	cleanup_fd int cover = open_tree(mask->kind == MASK_FILE ? null : target, "",
					 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (cover < 0)
		return err_set(err, errno, "clone what masks /%s", mask->path);
	if (mask->kind == MASK_READONLY && mount_setattr(cover, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
		return err_set(err, errno, "make /%s read-only", mask->path);
	return steal_fd(&cover);
}

/* Looked at by name again: what a process of the VE would open must be the cover. */
static int verify_mask(int root, const struct mask *mask, int cover, struct err *err)
{
	struct statvfs fs;
	cleanup_fd int seen = path_node(root, mask->path, err);
	if (seen < 0)
		return seen;
	if (!same_file(seen, cover) || fstatvfs(seen, &fs) < 0 || (mask->kind != MASK_FILE && !(fs.f_flag & ST_RDONLY)))
		return err_say(err, ERR_MOUNT, "the mask of /%s does not cover it", mask->path);
	return 0;
}

static int mask_one(int root, const struct mask *mask, struct err *err)
{
	struct err absent = {0};
	cleanup_fd int target = path_node(root, mask->path, &absent);
	if (target == -ENOENT)
		return 0;
	if (target < 0) {
		*err = absent;
		return target;
	}

	cleanup_fd int cover = make_cover(root, mask, target, err);
	if (cover < 0)
		return cover;
	int r = attach(cover, target, mask->path, err);
	return r < 0 ? r : verify_mask(root, mask, cover, err);
}

static int mask_all(int root, struct err *err)
{
	for (size_t i = 0; i < rootfs_mask_count; i++) {
		int r = mask_one(root, &rootfs_masks[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int populate(const struct rootfs *rootfs, const int *fds, struct err *err)
{
	int r;
	if ((r = attach_all(rootfs->root, fds, err)) < 0 || (r = link_dev(rootfs->root, err)) < 0 ||
	    (r = attach_binds(rootfs->root, rootfs->binds, err)) < 0)
		return r;
	return mask_all(rootfs->root, err);
}

int rootfs_enter(const struct rootfs *rootfs, struct err *err)
{
	int fds[countof(kernel_fs)];
	for (size_t i = 0; i < countof(fds); i++)
		fds[i] = -1;

	int r = make_all(fds, err);
	if (r == 0)
		r = pivot(rootfs, err);
	if (r == 0)
		r = populate(rootfs, fds, err);

	for (size_t i = 0; i < countof(fds); i++)
		fd_close(fds[i]);
	return err_is(err, ERR_MOUNT, r);
}

int rootfs_proc(struct err *err)
{
	struct statfs fs;
	cleanup_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || fstatfs(proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return err_say(err, ERR_MOUNT, "/proc of the VE is not proc");
	return steal_fd(&proc);
}

int rootfs_console(int *ret_master, int *ret_slave, struct err *err)
{
	cleanup_fd int master = -1, slave = -1;

	int r = pty_open(NULL, &master, &slave, err);
	if (r < 0)
		return r;
	cleanup_free char *path = str_fmt("/proc/self/fd/%d", slave);
	cleanup_fd int mount = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0)
		return err_set(err, errno, "clone the console's node");

	cleanup_fd int dev = open("/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int target =
		dev < 0 ? err_set(err, errno, "open /dev of the VE") : path_node_make(dev, "console", err);
	if (target < 0)
		return target;
	r = attach(mount, target, "dev/console", err);
	if (r < 0)
		return r;

	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}
