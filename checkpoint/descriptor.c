/* A link in /proc/PID/fd says most. Nothing is opened, and the owner of a file system in user space is asked nothing:
 * AT_STATX_DONT_SYNC. */
#include "checkpoint/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "checkpoint/census.h"
#include "checkpoint/lines.h"
#include "checkpoint/task.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define ANON_INODE "anon_inode:"
#define FINE (-1)

struct descriptor {
	const struct census *census;
	const struct task *task;
	int dir;	     /* /proc/PID/fd */
	const char *number;  /* in dir */
	char link[PATH_MAX]; /* what it stands for */
	struct statx st;     /* of a link that is a path */
	dev_t console;
	struct obstacles *obstacles;
};

/* What follows anon_inode:, by its start. */
static const struct {
	const char *name;
	int kind;
} anon_inodes[] = {
	{"[eventfd]", FINE},
	{"[eventpoll]", FINE},
	{"[fanotify]", FINE},
	{"[io_uring]", OBSTACLE_IO_URING},
	{"[perf_event]", OBSTACLE_PERF},
	{"[pidfd]", FINE},
	{"[signalfd]", FINE},
	{"[timerfd]", FINE},
	{"[userfaultfd]", OBSTACLE_USERFAULTFD},
	{"bpf", OBSTACLE_BPF}, /* bpf-map, bpf-prog, bpf_link, bpf_iter */
	{"btf", OBSTACLE_BPF},
	{"inotify", FINE},
};

/* sk_prot names, as the extended attribute system.sockprotoname has them: unix, inet (stream, datagram and raw),
 * packet and netlink are what CRIU has code for. */
static const char *const known_sockets[] = {
	"NETLINK", "PACKET",   "RAW",	    "RAWv6", "TCP",  "TCPv6",
	"UDP",	   "UDP-Lite", "UDPLITEv6", "UDPv6", "UNIX", "UNIX-STREAM",
};

/* Documentation/admin-guide/devices.txt: memory devices, virtual terminals, terminals, tun, autofs, serial lines,
 * pseudo-terminals. */
static const struct {
	unsigned major, first, last;
} known_devices[] = {
	{1, 0, UINT_MAX},   {4, 1, 63},		{5, 0, 2},	    {10, 200, 200},	{10, 235, 235},
	{128, 0, UINT_MAX}, {136, 0, UINT_MAX}, {188, 0, UINT_MAX}, {204, 0, UINT_MAX},
};

enum { MAJOR_MEM = 1, MAJOR_PTS = 136, DEV_ZERO_MINOR = 5 };

static int judge_anon_inode(const char *name)
{
	for (size_t i = 0; i < countof(anon_inodes); i++)
		if (str_after(name, anon_inodes[i].name))
			return anon_inodes[i].kind;
	return OBSTACLE_KERNEL_OBJECT;
}

static bool is_known_device(unsigned major, unsigned minor)
{
	for (size_t i = 0; i < countof(known_devices); i++)
		if (known_devices[i].major == major && minor >= known_devices[i].first &&
		    minor <= known_devices[i].last)
			return true;
	return false;
}

static void note(const struct descriptor *descriptor, enum obstacle_kind kind)
{
	task_object(descriptor->task, descriptor->obstacles, kind, descriptor->link);
}

static int open_info(const struct descriptor *descriptor)
{
	char path[32];
	snprintf(path, sizeof(path), "fdinfo/%s", descriptor->number);
	return openat(descriptor->task->fd, path, O_RDONLY | O_CLOEXEC);
}

/* Each watch is a line with the device and a handle of its file; CRIU opens the file by the handle. */
static void judge_watches(const struct descriptor *descriptor)
{
	cleanup_fd int fd = open_info(descriptor);
	if (fd < 0)
		return;

	struct lines lines;
	lines_start(&lines, fd);
	for (const char *line = lines_next(&lines); line; line = lines_next(&lines)) {
		const char *device = strstr(line, " sdev:");
		if (device && mounts_lose_handles(&descriptor->census->mounts,
						  (uint32_t)strtoul(device + strlen(" sdev:"), NULL, 16))) {
			note(descriptor, OBSTACLE_INOTIFY);
			return;
		}
	}
}

/* A pidfd of a process that has ended (-1) is saved as such. Flags are octal; PIDFD_THREAD is O_EXCL. */
static void judge_pidfd(const struct descriptor *descriptor)
{
	cleanup_fd int fd = open_info(descriptor);
	if (fd < 0)
		return;

	struct lines lines;
	lines_start(&lines, fd);
	for (const char *line = lines_next(&lines); line; line = lines_next(&lines)) {
		const char *flags = str_after(line, "flags:"), *pid = str_after(line, "Pid:");
		if (flags && strtoul(flags, NULL, 8) & O_EXCL)
			note(descriptor, OBSTACLE_THREAD_PIDFD);
		if (pid && atoi(pid) >= 0 && !census_has(descriptor->census, atoi(pid)))
			note(descriptor, OBSTACLE_OUTSIDE_PROCESS);
	}
}

/* The name of the protocol without a copy of the socket, which the process might close under us and leave its lingering
 * to us. A kernel that does not tell is believed. */
static void judge_socket(struct descriptor *descriptor)
{
	char path[64], name[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", descriptor->dir, descriptor->number);
	ssize_t n = getxattr(path, "system.sockprotoname", name, sizeof(name) - 1);
	if (n <= 0)
		return;
	name[n] = '\0';
	for (size_t i = 0; i < countof(known_sockets); i++)
		if (str_eq(known_sockets[i], name))
			return;
	snprintf(descriptor->link, sizeof(descriptor->link), "%s", name);
	note(descriptor, OBSTACLE_SOCKET);
}

/* "net:[4026531840]" */
static void judge_namespace(const struct descriptor *descriptor)
{
	const char *bracket = strstr(descriptor->link, ":[");
	for (size_t i = 0; bracket && i < TASK_NS_COUNT; i++) {
		const char *rest = str_after(descriptor->link, task_ns_name(i));
		if (rest != bracket)
			continue;
		if (!census_has_namespace(descriptor->census, strtoul(bracket + 2, NULL, 10)))
			note(descriptor, OBSTACLE_NAMESPACE_FILE);
		return;
	}
}

static bool is_open_for_writing(const struct descriptor *descriptor)
{
	struct stat st;
	return fstatat(descriptor->dir, descriptor->number, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mode & S_IWUSR;
}

/* A trigger is what somebody wrote to a file of pressure (Documentation/accounting/psi.rst); who only reads has none.
 */
static void judge_pressure(const struct descriptor *descriptor)
{
	const char *type = mounts_type(&descriptor->census->mounts, descriptor->st.stx_mnt_id);
	bool of_cgroup = str_eq(type, "cgroup2") && str_ends(descriptor->link, ".pressure");
	bool of_proc = str_eq(type, "proc") && strstr(descriptor->link, "/pressure/");

	if ((of_cgroup || of_proc) && is_open_for_writing(descriptor))
		note(descriptor, OBSTACLE_PRESSURE);
}

/* What is opened again by its path has to lie on a mount that is there. A memfd has a mount inside the kernel, and is
 * known by its name. */
static bool is_outside(const struct descriptor *descriptor)
{
	return descriptor->st.stx_mask & STATX_MNT_ID && !str_after(descriptor->link, "/memfd:") &&
	       !mounts_have(&descriptor->census->mounts, descriptor->st.stx_mnt_id);
}

static void judge_device(const struct descriptor *descriptor)
{
	unsigned major = descriptor->st.stx_rdev_major, minor = descriptor->st.stx_rdev_minor;

	if (!is_known_device(major, minor))
		note(descriptor, OBSTACLE_DEVICE);
	else if ((major == MAJOR_MEM || (major == MAJOR_PTS && makedev(major, minor) != descriptor->console)) &&
		 is_outside(descriptor))
		note(descriptor, OBSTACLE_OUTSIDE_FILE);
}

static void judge_file(struct descriptor *descriptor)
{
	if (statx(descriptor->dir, descriptor->number, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &descriptor->st) <
	    0)
		return;

	switch (descriptor->st.stx_mode & S_IFMT) {
	case S_IFCHR:
		judge_device(descriptor);
		break;
	case S_IFBLK:
		note(descriptor, OBSTACLE_DEVICE);
		break;
	case S_IFSOCK:
		note(descriptor, OBSTACLE_SOCKET_PATH);
		break;
	default:
		if (str_after(descriptor->link, "/secretmem"))
			note(descriptor, OBSTACLE_SECRET_MEMORY);
		else if (is_outside(descriptor))
			note(descriptor, OBSTACLE_OUTSIDE_FILE);
		else
			judge_pressure(descriptor);
	}
}

static void judge_anon(const struct descriptor *descriptor, const char *name)
{
	int kind = judge_anon_inode(name);

	if (kind != FINE)
		note(descriptor, (enum obstacle_kind)kind);
	else if (str_eq(name, "[pidfd]"))
		judge_pidfd(descriptor);
	else if (str_eq(name, "inotify") || str_eq(name, "[fanotify]"))
		judge_watches(descriptor);
}

static void judge(struct descriptor *descriptor)
{
	ssize_t n = readlinkat(descriptor->dir, descriptor->number, descriptor->link, sizeof(descriptor->link) - 1);
	if (n < 0)
		return;
	descriptor->link[n] = '\0';

	const char *anon = str_after(descriptor->link, ANON_INODE);
	if (anon)
		judge_anon(descriptor, anon);
	else if (descriptor->link[0] == '/')
		judge_file(descriptor);
	else if (str_after(descriptor->link, "socket:"))
		judge_socket(descriptor);
	else if (str_after(descriptor->link, "pidfd:"))
		judge_pidfd(descriptor);
	else
		judge_namespace(descriptor);
}

void descriptors_judge(const struct census *census, const struct task *task, dev_t console, struct obstacles *obstacles)
{
	cleanup_fd int fd = openat(task->fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return;

	struct descriptor descriptor = {
		.census = census, .task = task, .dir = steal_fd(&fd), .console = console, .obstacles = obstacles};
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		descriptor.number = entry->d_name;
		if (entry->d_name[0] != '.')
			judge(&descriptor);
	}
	closedir(dir);
}

/* A mapped file may be closed: what it is only /proc/PID/map_files knows. Ring buffers of sockets and of AIO are
 * saved. */
static bool maps_device(const struct task *task, unsigned long start, unsigned long end)
{
	char path[64];
	struct statx st;

	snprintf(path, sizeof(path), "map_files/%lx-%lx", start, end);
	return statx(task->fd, path, AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 && S_ISCHR(st.stx_mode) &&
	       !(st.stx_rdev_major == MAJOR_MEM && st.stx_rdev_minor == DEV_ZERO_MINOR);
}

/* START-END MODE OFFSET DEVICE INODE NAME (proc_pid_maps(5)) */
static void judge_mapping(const struct task *task, const char *line, struct obstacles *obstacles)
{
	unsigned long start, end;
	int name = 0;
	if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &name) != 2 || name == 0)
		return;

	const char *object = line + name, *anon = str_after(object, ANON_INODE);
	int kind = anon								 ? judge_anon_inode(anon)
		   : str_after(object, "/secretmem")				 ? OBSTACLE_SECRET_MEMORY
		   : str_after(object, "/dev/") && maps_device(task, start, end) ? OBSTACLE_DEVICE
										 : FINE;
	if (kind != FINE)
		task_object(task, obstacles, (enum obstacle_kind)kind, object);
}

void mappings_judge(const struct task *task, struct obstacles *obstacles)
{
	cleanup_fd int fd = openat(task->fd, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;

	struct lines lines;
	lines_start(&lines, fd);
	for (const char *line = lines_next(&lines); line; line = lines_next(&lines))
		judge_mapping(task, line, obstacles);
}
