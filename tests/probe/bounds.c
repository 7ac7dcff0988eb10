/* Where a VE ends: its ids, its root directory, the descriptors it was born with, its capabilities and limits. */
#include "tests/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDS 65536 /* that a VE has; the node's own ids are below */
#define NODE_IDS 65536
#define JAIL "tmp/probe-jail"

static void read_map(struct attempt *attempt, const char *path)
{
	unsigned inside, outside, count, total = 0;
	FILE *map = fopen(path, "re");

	while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
		total += count;
		if (outside < NODE_IDS)
			breach(attempt, "%s: %u is %u on the node", path, inside, outside);
	}
	if (total != IDS)
		breach(attempt, "%s holds %u ids", path, total);
	if (map)
		fclose(map);
}

static void try_ids(struct attempt *attempt)
{
	if (is_nested(attempt))
		return;
	read_map(attempt, "/proc/self/uid_map");
	read_map(attempt, "/proc/self/gid_map");
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The top of what the directory lies in, through `..`. Closes the descriptor. */
static bool climb(int directory, struct stat *ret_top)
{
	struct stat here, above;

	if (directory < 0 || fstat(directory, &here) < 0)
		return false;
	for (;;) {
		int parent = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(directory);
		if (parent < 0 || fstat(parent, &above) < 0)
			return false;
		directory = parent;
		if (is_same(&here, &above))
			break;
		here = above;
	}
	close(directory);
	*ret_top = here;
	return true;
}

static void must_be_root(struct attempt *attempt, const struct stat *top, const char *how)
{
	struct stat root;

	if (stat("/", &root) == 0 && !is_same(top, &root))
		breach(attempt, "%s leads out of the root", how);
}

static void climb_from(struct attempt *attempt, const char *path)
{
	struct stat top;

	if (climb(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), &top))
		must_be_root(attempt, &top, path);
}

/* A second chroot does not move the working directory, which then lies outside of it. */
static void try_chroot(struct attempt *attempt)
{
	struct stat root, top;
	int outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	climb_from(attempt, "/");
	climb_from(attempt, "/proc/1/root/.");
	if (stat("/", &root) < 0 || fchdir(outside) < 0 || (mkdir(JAIL, 0700) < 0 && errno != EEXIST) ||
	    chroot(JAIL) < 0) {
		moot(attempt, "no chroot to be had");
		return;
	}
	if (climb(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), &top) && !is_same(&top, &root))
		breach(attempt, "a second chroot leads out of the root");
	rmdir(JAIL);
}

static void try_unmounted_root(struct attempt *attempt)
{
	struct stat before, after;

	if (!own_mounts(attempt) || stat("/", &before) < 0)
		return;
	umount2("/", MNT_DETACH);
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &after) == 0 && !is_same(&before, &after))
		breach(attempt, "there is another root below the root");
	if (climb(fd, &after) && !is_same(&before, &after))
		breach(attempt, "there is another root above the root");
}

/* Every directory that any process of the VE holds. */
static void climb_from_all(struct attempt *attempt, int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	climb_from(attempt, path);
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	climb_from(attempt, path);
	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		climb_from(attempt, path);
	}
}

static void try_leaks(struct attempt *attempt)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *entry; proc && (entry = readdir(proc));)
		if (atoi(entry->d_name) > 0)
			climb_from_all(attempt, atoi(entry->d_name));
	if (proc)
		closedir(proc);
}

static void try_inherited(struct attempt *attempt)
{
	char path[32], target[256];

	for (int fd = 3; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n >= 0)
			breach(attempt, "descriptor %d: %.*s", fd, (int)n, target);
	}
}

static void try_processes(struct attempt *attempt)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		char path[300], name[32] = "";
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		FILE *comm = atoi(entry->d_name) > 0 ? fopen(path, "re") : NULL;
		if (comm && fgets(name, sizeof(name), comm) && strcmp(name, "kthreadd\n") == 0)
			breach(attempt, "the node's processes are to be seen");
		if (comm)
			fclose(comm);
	}
	if (proc)
		closedir(proc);
}

static uint64_t status_set(const char *set)
{
	FILE *status = fopen("/proc/self/status", "re");
	uint64_t caps = 0;
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, set, strlen(set)) == 0)
			caps = strtoull(line + strlen(set) + 1, NULL, 16);
	if (status)
		fclose(status);
	return caps;
}

static void try_capabilities(struct attempt *attempt)
{
	static const struct {
		const char *name;
		unsigned number; /* include/uapi/linux/capability.h */
	} gone[] = {
		{"SYS_MODULE", 16},    {"SYS_RAWIO", 17},	   {"SYS_RESOURCE", 24}, {"SYS_TIME", 25},
		{"AUDIT_CONTROL", 30}, {"MAC_OVERRIDE", 32},	   {"MAC_ADMIN", 33},	 {"SYSLOG", 34},
		{"WAKE_ALARM", 35},    {"BLOCK_SUSPEND", 36},	   {"AUDIT_READ", 37},	 {"PERFMON", 38},
		{"BPF", 39},	       {"CHECKPOINT_RESTORE", 40},
	};

	if (is_nested(attempt))
		return;
	for (size_t i = 0; i < countof(gone); i++)
		if ((status_set("CapBnd") | status_set("CapEff")) >> gone[i].number & 1)
			breach(attempt, "CAP_%s is there", gone[i].name);
	if (status_set("CapInh") || status_set("CapAmb"))
		breach(attempt, "capabilities are inherited");
}

static void try_rlimits(struct attempt *attempt)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit more;
		if (getrlimit(resource, &more) < 0 || more.rlim_max == RLIM_INFINITY)
			continue;
		more.rlim_max++;
		must_refuse(attempt, setrlimit(resource, &more), "raise rlimit %d", resource);
		must_refuse(attempt, prlimit(1, resource, &more, NULL), "raise rlimit %d of init", resource);
	}
}

static void try_oom_score(struct attempt *attempt)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		must_refuse(attempt, write(fd, "-1000", 5), "be spared by the OOM killer");
	if (fd >= 0)
		close(fd);
}

static void try_ceilings(struct attempt *attempt)
{
	DIR *ceilings = opendir("/proc/sys/user");

	if (is_nested(attempt))
		return;
	for (struct dirent *entry; ceilings && (entry = readdir(ceilings));) {
		char path[300];
		snprintf(path, sizeof(path), "/proc/sys/user/%s", entry->d_name);
		if (entry->d_type == DT_REG)
			must_refuse(attempt, open(path, O_WRONLY | O_CLOEXEC), "open %s for writing", path);
	}
	if (ceilings)
		closedir(ceilings);
}

static void raise_file_limit(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* A descriptor holds each namespace. */
static void flood(struct attempt *attempt, int namespace, const char *file, int ceiling)
{
	int made = 0;

	raise_file_limit();
	while (made <= ceiling && unshare(namespace) == 0 && open(file, O_RDONLY | O_CLOEXEC) >= 0)
		made++;
	if (made > ceiling)
		breach(attempt, "more than %d namespaces", ceiling);
}

static void try_flood_of_networks(struct attempt *attempt)
{
	flood(attempt, CLONE_NEWNET, "/proc/self/ns/net", 512);
}

static void try_flood_of_names(struct attempt *attempt)
{
	flood(attempt, CLONE_NEWUTS, "/proc/self/ns/uts", 1024);
}

static void try_flood_of_watches(struct attempt *attempt)
{
	int made = 0;

	raise_file_limit();
	while (made <= 4096 && inotify_init1(IN_CLOEXEC) >= 0)
		made++;
	if (made > 4096)
		breach(attempt, "more than %d inotify instances", made);
}

/* Memory of the kernel that is charged to nobody. */
static void try_settings(struct attempt *attempt)
{
	static const char *const ceilings[] = {
		"/proc/sys/net/ipv4/ipfrag_high_thresh",    "/proc/sys/net/ipv4/ipfrag_time",
		"/proc/sys/net/ipv4/tcp_max_tw_buckets",    "/proc/sys/net/ipv6/ip6frag_high_thresh",
		"/proc/sys/net/ipv6/ip6frag_time",	    "/proc/sys/net/netfilter/nf_conntrack_frag6_high_thresh",
		"/proc/sys/net/netfilter/nf_conntrack_max",
	};

	for (size_t i = 0; i < countof(ceilings); i++) {
		int fd = open(ceilings[i], O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		must_refuse(attempt, write(fd, "1000000000", 10), "write %s", ceilings[i]);
		close(fd);
	}
}

static bool is_loaded(const char *module)
{
	FILE *modules = fopen("/proc/modules", "re");
	char line[1024], name[64];
	bool found = false;

	while (modules && !found && fgets(line, sizeof(line), modules))
		found = sscanf(line, "%63s", name) == 1 && strcmp(name, module) == 0;
	if (modules)
		fclose(modules);
	return found;
}

static void try_modules(struct attempt *attempt)
{
	static const struct {
		const char *type, *module;
	} file_systems[] = {
		{"btrfs", "btrfs"}, {"cifs", "cifs"},	{"f2fs", "f2fs"}, {"iso9660", "isofs"},
		{"nfs", "nfs"},	    {"ntfs3", "ntfs3"}, {"udf", "udf"},	  {"vfat", "vfat"},
	};

	if (!own_mounts(attempt))
		return;
	for (size_t i = 0; i < countof(file_systems); i++) {
		if (is_loaded(file_systems[i].module))
			continue;
		mount("none", "/tmp", file_systems[i].type, 0, NULL);
		if (is_loaded(file_systems[i].module))
			breach(attempt, "a mount of %s made the kernel load a module", file_systems[i].type);
	}
}

struct probes bounds_probes(void)
{
	static const struct probe list[] = {
		{"the VE's ids are its own and none is the node's", try_ids},
		{"no chroot leads out of the root", try_chroot},
		{"nothing lies below or above the root", try_unmounted_root},
		{"no process holds a directory outside of the root", try_leaks},
		{"no descriptor is inherited", try_inherited},
		{"the node's processes are not to be seen", try_processes},
		{"dropped capabilities are gone", try_capabilities},
		{"rlimits cannot be raised", try_rlimits},
		{"the OOM killer spares nobody", try_oom_score},
		{"ceilings of the user namespace cannot be raised", try_ceilings},
		{"ceilings of the kernel's memory for packets cannot be raised", try_settings},
		{"mounts make the kernel load no modules", try_modules},
		{"network namespaces are limited", try_flood_of_networks},
		{"UTS namespaces are limited", try_flood_of_names},
		{"inotify instances are limited", try_flood_of_watches},
	};
	return (struct probes){list, countof(list)};
}
