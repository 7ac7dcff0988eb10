/* What can be reached by opening something: devices, proc and sysfs as they are, with their covers taken off and
 * mounted anew, cgroups, and the calls that file systems take. */
#include "tests/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PLACE "/tmp/probe-place"
#define XFS_IOC_GOINGDOWN _IOR('X', 125, uint32_t) /* shuts the file system down */

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Devices that may be in a VE's /dev. A minor of -1 is any. */
static bool is_harmless(dev_t device)
{
	static const struct {
		unsigned major;
		int minor;
	} harmless[] = {
		{1, 3},	   /* null */
		{1, 5},	   /* zero */
		{1, 7},	   /* full */
		{1, 8},	   /* random */
		{1, 9},	   /* urandom */
		{5, 0},	   /* tty */
		{5, 2},	   /* ptmx */
		{10, 200}, /* net/tun */
		{10, 229}, /* fuse */
		{136, -1}, /* pts */
	};

	for (size_t i = 0; i < countof(harmless); i++)
		if (major(device) == harmless[i].major &&
		    (harmless[i].minor < 0 || minor(device) == (unsigned)harmless[i].minor))
			return true;
	return false;
}

/* Visit what is on the file system of the directory. */
static void walk(struct attempt *attempt, const char *directory,
		 void (*visit)(struct attempt *attempt, const char *path, const struct stat *st))
{
	char *roots[] = {(char *)directory, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);

	for (FTSENT *entry; tree && (entry = fts_read(tree));) {
		/* Processes are the VE's own. */
		if (entry->fts_info == FTS_D && entry->fts_level == 1 && entry->fts_name[0] >= '1' &&
		    entry->fts_name[0] <= '9')
			fts_set(tree, entry, FTS_SKIP);
		else if (entry->fts_info == FTS_F || entry->fts_info == FTS_DEFAULT)
			visit(attempt, entry->fts_path, entry->fts_statp);
	}
	if (tree)
		fts_close(tree);
}

static void visit_device(struct attempt *attempt, const char *path, const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		breach(attempt, "%s is a block device", path);
	if (S_ISCHR(st->st_mode) && !is_harmless(st->st_rdev))
		breach(attempt, "%s is the device %u:%u", path, major(st->st_rdev), minor(st->st_rdev));
}

static void try_dev(struct attempt *attempt)
{
	walk(attempt, "/dev", visit_device);
}

static void try_mknod_in(struct attempt *attempt, const char *directory)
{
	static const struct {
		mode_t type;
		unsigned major, minor;
	} nodes[] = {
		{S_IFCHR, 1, 1},		       /* mem */
		{S_IFCHR, 1, 11},		       /* kmsg */
		{S_IFCHR, 5, 1},		       /* the node's console */
		{S_IFCHR, 10, 232},		       /* kvm */
		{S_IFCHR, 10, 237},		       /* loop-control */
		{S_IFBLK, 7, 0},		       /* loop0 */
		{S_IFBLK, 8, 0},		       /* sda */
		{S_IFBLK, 253, 0},		       /* device mapper, or virtio */
		{S_IFBLK, 254, 0},  {S_IFBLK, 259, 0}, /* nvme */
	};
	char path[64];

	snprintf(path, sizeof(path), "%s/probe-node", directory);
	for (size_t i = 0; i < countof(nodes); i++) {
		must_refuse(attempt, mknod(path, nodes[i].type | 0600, makedev(nodes[i].major, nodes[i].minor)),
			    "mknod %s %u:%u", path, nodes[i].major, nodes[i].minor);
		unlink(path);
	}
}

static void try_mknod(struct attempt *attempt)
{
	try_mknod_in(attempt, "");
	try_mknod_in(attempt, "/dev");
	try_mknod_in(attempt, "/tmp");
	if (own_mounts(attempt) && mount("tmpfs", "/tmp", "tmpfs", 0, "mode=0755") == 0)
		try_mknod_in(attempt, "/tmp");
}

/* What of /proc is the VE's own to write: its network, its IPC, its names, and pressure, where a trigger is not a
 * change. */
static bool is_own(const char *path)
{
	static const char *const own[] = {
		"sys/net/",
		"sys/user/",
		"sys/fs/mqueue/",
		"sys/kernel/hostname",
		"sys/kernel/domainname",
		"sys/kernel/msg",
		"sys/kernel/sem",
		"sys/kernel/shm",
		"sys/kernel/auto_msgmni",
		"sys/kernel/ns_last_pid",
		"sys/kernel/pid_max",
		"pressure/",
	};

	for (size_t i = 0; i < countof(own); i++)
		if (starts(path, own[i]))
			return true;
	return false;
}

/* A cover is /dev/null, and LXCFS opens what it then refuses to write. */
static bool takes_nothing(int fd)
{
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return true;
	return S_ISCHR(st.st_mode) || (fs.f_type == FUSE_SUPER_MAGIC && write(fd, "0", 1) < 0);
}

static bool opens_for_writing(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;

	bool open = !takes_nothing(fd);
	close(fd);
	return open;
}

static void visit_proc(struct attempt *attempt, const char *path, const struct stat *st)
{
	const char *in_proc = strstr(path, "proc/");

	if (S_ISREG(st->st_mode) && !is_own(in_proc ? in_proc + 5 : path) && opens_for_writing(path))
		breach(attempt, "%s can be written", path);
}

/* Interfaces are the VE's own. */
static void visit_sysfs(struct attempt *attempt, const char *path, const struct stat *st)
{
	if (S_ISREG(st->st_mode) && !strstr(path, "/net/") && opens_for_writing(path))
		breach(attempt, "%s can be written", path);
}

/* Without privilege the kernel shows these without their addresses: all zeros. */
static void read_addresses(struct attempt *attempt, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		const char *address = strstr(line, "0x") ? strstr(line, "0x") + 2 : line;
		if (strtoull(address, NULL, 16) > 0xffff) {
			breach(attempt, "%s shows addresses: %.40s", path, line);
			break;
		}
	}
	if (file)
		fclose(file);
}

static void read_secret(struct attempt *attempt, const char *path)
{
	char bytes[16];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0)
		breach(attempt, "%s can be read", path);
	if (fd >= 0)
		close(fd);
}

static void read_secrets(struct attempt *attempt, const char *proc)
{
	static const char *const secrets[] = {
		"kcore",       "kmsg",	   "kpageflags", "kpagecount",	"kpagecgroup",
		"vmallocinfo", "slabinfo", "timer_list", "sched_debug", "sysrq-trigger",
	};
	static const char *const addresses[] = {"kallsyms", "iomem", "ioports", "modules"};
	char path[64];

	for (size_t i = 0; i < countof(secrets); i++) {
		snprintf(path, sizeof(path), "%s/%s", proc, secrets[i]);
		read_secret(attempt, path);
	}
	for (size_t i = 0; i < countof(addresses); i++) {
		snprintf(path, sizeof(path), "%s/%s", proc, addresses[i]);
		read_addresses(attempt, path);
	}
	read_secret(attempt, "/dev/kmsg");
	read_secret(attempt, "/dev/mem");
	read_secret(attempt, "/dev/port");
}

static void try_proc(struct attempt *attempt)
{
	walk(attempt, "/proc", visit_proc);
	read_secrets(attempt, "/proc");
}

static void try_sysfs(struct attempt *attempt)
{
	walk(attempt, "/sys", visit_sysfs);
}

static bool is_below(const char *path)
{
	return starts(path, "/proc/") || starts(path, "/sys/");
}

/* Take away all that is mounted below /proc and /sys, the last first. */
static void uncover(void)
{
	char paths[256][128];
	size_t n = 0;
	FILE *file = setmntent("/proc/self/mounts", "re");

	for (struct mntent *mount; file && n < countof(paths) && (mount = getmntent(file));)
		if (is_below(mount->mnt_dir))
			snprintf(paths[n++], sizeof(paths[0]), "%s", mount->mnt_dir);
	if (file)
		endmntent(file);
	while (n > 0)
		umount2(paths[--n], MNT_DETACH);
}

static void try_uncovered(struct attempt *attempt)
{
	if (!own_mounts(attempt))
		return;
	uncover();
	mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND, NULL);
	mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
	try_proc(attempt);
	try_sysfs(attempt);
}

/* A fresh mount of a kernel file system. False where the kernel refuses. */
static bool mount_anew(const char *type)
{
	mkdir(PLACE, 0700);
	return mount(type, PLACE, type, 0, NULL) == 0;
}

static void try_new_proc(struct attempt *attempt)
{
	if (!own_mounts(attempt))
		return;
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mkdir("/tmp/proc", 0700);
	if (mount("proc", "/tmp/proc", "proc", 0, NULL) < 0) {
		moot(attempt, "no new proc to be had");
		return;
	}
	walk(attempt, "/tmp/proc", visit_proc);
	read_secrets(attempt, "/tmp/proc");
}

static void try_new_sysfs(struct attempt *attempt)
{
	if (!own_mounts(attempt))
		return;
	unshare(CLONE_NEWNET);
	if (mount_anew("sysfs"))
		walk(attempt, PLACE, visit_sysfs);
	else
		moot(attempt, "no new sysfs to be had");
	rmdir(PLACE);
}

/* File systems that show the node's kernel, or read what a tenant wrote with a parser made for the node's own disks. */
static void try_file_systems(struct attempt *attempt)
{
	static const char *const types[] = {
		"devtmpfs", "debugfs", "tracefs",   "securityfs", "pstore",	"configfs", "fusectl",
		"efivarfs", "resctrl", "selinuxfs", "nfsd",	  "rpc_pipefs", "cpuset",   "cgroup",
	};

	if (!own_mounts(attempt))
		return;
	for (size_t i = 0; i < countof(types); i++)
		if (mount_anew(types[i])) {
			breach(attempt, "%s can be mounted", types[i]);
			umount2(PLACE, MNT_DETACH);
		}
	rmdir(PLACE);
}

/* The group at the root of what a VE sees is its own to fill, not to limit. What may be written there is what the
 * kernel lists in /sys/kernel/cgroup/delegate. */
static bool is_delegated(const char *file)
{
	static const char *const delegated[] = {
		"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group", "memory.reclaim",
	};

	for (size_t i = 0; i < countof(delegated); i++)
		if (strcmp(file, delegated[i]) == 0)
			return true;
	return strstr(file, ".pressure") != NULL;
}

static void try_limits(struct attempt *attempt)
{
	struct statfs fs;
	DIR *directory = opendir("/sys/fs/cgroup");

	if (!directory || statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		moot(attempt, "no cgroups to be seen");
		return;
	}
	for (struct dirent *entry; (entry = readdir(directory));) {
		char path[sizeof("/sys/fs/cgroup/") + NAME_MAX];
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", entry->d_name);
		if (entry->d_type == DT_REG && !is_delegated(entry->d_name) && opens_for_writing(path))
			breach(attempt, "%s can be written", path);
	}
	closedir(directory);
}

/* Only the hierarchy's own root has no cgroup.events. */
static void look_at_root(struct attempt *attempt, const char *how)
{
	if (mount_anew("cgroup2")) {
		if (access(PLACE "/cgroup.events", F_OK) < 0)
			breach(attempt, "a new mount of cgroup2 %s shows the node's root", how);
		umount2(PLACE, MNT_DETACH);
	}
	rmdir(PLACE);
}

static void try_escape(struct attempt *attempt)
{
	if (!own_mounts(attempt))
		return;
	look_at_root(attempt, "in our namespace");
	if (unshare(CLONE_NEWCGROUP) == 0)
		look_at_root(attempt, "in a namespace of its own");
}

static void set_project(struct attempt *attempt, int fd)
{
	struct fsxattr before, after;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &before) < 0)
		return;
	after = before;
	after.fsx_projid = before.fsx_projid + 1;
	ioctl(fd, FS_IOC_FSSETXATTR, &after);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &after) == 0 && after.fsx_projid != before.fsx_projid)
		breach(attempt, "a file leaves its project, and with it the disk quota");
}

/* Each of these would hit all who share the file system. */
static void try_file_ioctls(struct attempt *attempt)
{
	static const char path[] = "/probe-file";
	struct fstrim_range all = {.len = UINT64_MAX};
	uint32_t how = 2; /* XFS_FSOP_GOING_FLAGS_NOLOGFLUSH */
	int flags = FS_IMMUTABLE_FL;

	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		moot(attempt, "the root is read-only");
		return;
	}
	unlink(path);
	set_project(attempt, fd);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
		breach(attempt, "a file that even the node's root cannot remove");
	if (ioctl(fd, FITRIM, &all) == 0)
		breach(attempt, "the file system is trimmed");
	if (ioctl(fd, FIFREEZE, 0) == 0) {
		ioctl(fd, FITHAW, 0);
		breach(attempt, "the file system is frozen");
	}
	if (ioctl(fd, XFS_IOC_GOINGDOWN, &how) == 0)
		breach(attempt, "the file system is shut down");
	close(fd);
}

/* A forced unmount ends the connection of a FUSE file system for all its mounts, those of other VEs too, if the kernel
 * lets it come that far. */
static void try_forced_unmount(struct attempt *attempt)
{
	char bytes[16];
	struct statfs fs;
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC) {
		moot(attempt, "no FUSE file system is shared with others");
		return;
	}
	if (!own_mounts(attempt))
		return;
	umount2("/proc/meminfo", MNT_FORCE | MNT_DETACH);
	umount2("/proc/meminfo", MNT_FORCE);
	if (pread(fd, bytes, sizeof(bytes), 0) <= 0)
		breach(attempt, "LXCFS is gone: %s", strerror(errno));
	close(fd);
}

struct probes files_probes(void)
{
	static const struct probe list[] = {
		{"/dev holds harmless devices only", try_dev},
		{"no device node can be made", try_mknod},
		{"proc shows and takes nothing of the node's", try_proc},
		{"sysfs takes nothing of the node's", try_sysfs},
		{"proc and sysfs give no more when their covers are taken off", try_uncovered},
		{"a new mount of proc gives no more", try_new_proc},
		{"a new mount of sysfs gives no more", try_new_sysfs},
		{"file systems that are the kernel's own cannot be mounted", try_file_systems},
		{"the VE's own limits cannot be written", try_limits},
		{"no cgroup above the VE's can be reached", try_escape},
		{"files keep to their project and leave their file system alone", try_file_ioctls},
		{"a forced unmount does not end a shared FUSE file system", try_forced_unmount},
	};
	return (struct probes){list, countof(list)};
}
