#include "runtime/bind.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "quota/device.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/grant.h"

#define FUSE_SUPER_MAGIC 0x65735546 /* linux/magic.h has it since 6.3 only */

/* Majors and minors: Documentation/admin-guide/devices.txt. */
const struct bind bind_table[] = {
	{"dev-full", "/dev/full", "dev/full", BIND_DEVICE, 1, 7},
	{"dev-null", "/dev/null", "dev/null", BIND_DEVICE, 1, 3},
	{"dev-random", "/dev/random", "dev/random", BIND_DEVICE, 1, 8},
	{"dev-tty", "/dev/tty", "dev/tty", BIND_DEVICE, 5, 0},
	{"dev-tun", "/dev/net/tun", "dev/net/tun", BIND_DEVICE, 10, 200, GRANT_TUN},
	{"dev-urandom", "/dev/urandom", "dev/urandom", BIND_DEVICE, 1, 9},
	{"dev-zero", "/dev/zero", "dev/zero", BIND_DEVICE, 1, 5},
	{"view-cpu", "sys/devices/system/cpu", "sys/devices/system/cpu", BIND_VIEW_DIR, 0, 0},
	{"view-cpuinfo", "proc/cpuinfo", "proc/cpuinfo", BIND_VIEW_FILE, 0, 0},
	{"view-diskstats", "proc/diskstats", "proc/diskstats", BIND_VIEW_FILE, 0, 0},
	{"view-loadavg", "proc/loadavg", "proc/loadavg", BIND_VIEW_FILE, 0, 0},
	{"view-meminfo", "proc/meminfo", "proc/meminfo", BIND_VIEW_FILE, 0, 0},
	{"view-stat", "proc/stat", "proc/stat", BIND_VIEW_FILE, 0, 0},
	{"view-swaps", "proc/swaps", "proc/swaps", BIND_VIEW_FILE, 0, 0},
};
const size_t bind_count = countof(bind_table);
_Static_assert(countof(bind_table) <= BIND_MAX, "BIND_MAX is too small");

/* The VE's own terminals: ptmx, and slaves of the majors 136 to 143 (UNIX98_PTY_SLAVE_MAJOR). */
static const struct device_rule terminals[] = {
	{'c', 5, 2, true, true},
	{'c', 136, DEVICE_ANY, true, true},
	{'c', 137, DEVICE_ANY, true, true},
	{'c', 138, DEVICE_ANY, true, true},
	{'c', 139, DEVICE_ANY, true, true},
	{'c', 140, DEVICE_ANY, true, true},
	{'c', 141, DEVICE_ANY, true, true},
	{'c', 142, DEVICE_ANY, true, true},
	{'c', 143, DEVICE_ANY, true, true},
};

static bool is_granted(const struct bind *bind, uint32_t granted)
{
	return !bind->needs || bind->needs & granted;
}

int bind_device_filter(uint32_t granted, struct err *err)
{
	struct device_rule rules[BIND_MAX + countof(terminals)];
	size_t n = countof(terminals);

	memcpy(rules, terminals, sizeof(terminals));
	for (size_t i = 0; i < bind_count; i++) {
		const struct bind *bind = &bind_table[i];
		if (bind->kind == BIND_DEVICE && is_granted(bind, granted))
			rules[n++] = (struct device_rule){'c', bind->major, bind->minor, true, true};
	}
	return device_filter_load(rules, n, err);
}

/* To root of a VE the node's root is somebody else: what he opens has to be open to all, as udev makes it. Without udev
 * the kernel's own mode of tun is 0600; whoever opens it gets nothing that he has not the privilege for. */
static int check_mode(const struct bind *bind, mode_t mode, struct err *err)
{
	if ((mode & 0666) != 0666 && chmod(bind->source, 0666) < 0)
		return err_set(err, errno, "let everybody open %s", bind->source);
	return 0;
}

static int check_device(int fd, const struct bind *bind, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "look at %s", bind->source);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(bind->major, bind->minor))
		return err_say(err, ERR_MOUNT, "%s of the node is not character device %u:%u", bind->source,
			       bind->major, bind->minor);
	return check_mode(bind, st.st_mode, err);
}

static int no_views(const char *path, struct err *err)
{
	return err_say(err, ERR_MOUNT,
		       "%s is not served by LXCFS: start lxcfs, or set LXCFS=\"no\" in " PATH_NODE_CONFIG
		       " (VEs then see the node's memory and CPUs)",
		       path);
}

/* The root of LXCFS. Each look-up below it is a question to another process: they are made from here. */
static int open_views(struct err *err)
{
	struct statfs fs;
	cleanup_fd int fd = open(PATH_LXCFS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC)
		return no_views(PATH_LXCFS, err);
	return steal_fd(&fd);
}

/* A clone of a shared mount, as a systemd of the node makes them all, is shared too: what a VE mounts on it would
 * appear on the node. */
static int clone_mount(int at, const char *path)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};

	cleanup_fd int fd = open_tree(at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &private, sizeof(private)) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int open_device(const struct bind *bind, struct err *err)
{
	cleanup_fd int fd = clone_mount(AT_FDCWD, bind->source);
	if (fd < 0)
		return err_set(err, -fd, "clone the mount of %s", bind->source);
	int r = check_device(fd, bind, err);
	return r < 0 ? r : steal_fd(&fd);
}

static int open_view(int views, const struct bind *bind, struct err *err)
{
	int fd = clone_mount(views, bind->source);
	return fd < 0 ? no_views(bind->source, err) : fd;
}

int bind_open(bool views, uint32_t granted, int fds[BIND_MAX], struct err *err)
{
	for (size_t i = 0; i < BIND_MAX; i++)
		fds[i] = -1;

	cleanup_fd int lxcfs = views ? open_views(err) : -1;
	if (views && lxcfs < 0)
		return lxcfs;
	for (size_t i = 0; i < bind_count; i++) {
		const struct bind *bind = &bind_table[i];
		if (!is_granted(bind, granted) || (bind->kind != BIND_DEVICE && !views))
			continue;
		fds[i] = bind->kind == BIND_DEVICE ? open_device(bind, err) : open_view(lxcfs, bind, err);
		if (fds[i] < 0) {
			int r = fds[i];
			bind_close(fds);
			return r;
		}
	}
	return 0;
}

void bind_close(int fds[BIND_MAX])
{
	for (size_t i = 0; i < BIND_MAX; i++)
		fds[i] = fd_close(fds[i]);
}
