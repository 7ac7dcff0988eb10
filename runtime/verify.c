#include "runtime/verify.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "quota/cgroup.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/caps.h"

static int check_seccomp(pid_t pid, const char *status, struct err *err)
{
	return atoi(str_field(status, "Seccomp")) == 2
		       ? 0
		       : err_say(err, ERR_RESTORE, "process %d came back without its seccomp filter", pid);
}

/* The bounding set of a user namespace of its own is full; there is none in what was restored. */
static int check_caps(pid_t pid, const char *status, struct err *err)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};

	for (size_t i = 0; i < countof(sets); i++)
		if (strtoull(str_field(status, sets[i]), NULL, 16) & caps_dropped())
			return err_say(err, ERR_RESTORE, "process %d came back with capabilities that no VE has (%s)",
				       pid, sets[i]);
	return 0;
}

static int check_process(pid_t pid, struct err *err)
{
	cleanup_free char *path = str_fmt("/proc/%d/status", pid);
	cleanup_free char *status = NULL;

	int r = io_read_file(AT_FDCWD, path, &status, NULL);
	if (r == -ENOENT || r == -ESRCH)
		return 0;
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	if (*str_field(status, "State") == 'Z')
		return 0;
	r = check_seccomp(pid, status, err);
	return r < 0 ? r : check_caps(pid, status, err);
}

static int check_listed(int procs, struct err *err)
{
	cleanup_free char *text = NULL;

	int r = io_read_fd(procs, &text, NULL);
	if (r < 0)
		return err_set(err, -r, "list the processes of the VE");
	for (char *line = text; *line && r == 0; line += strcspn(line, "\n"), line += *line == '\n')
		r = check_process((pid_t)atoi(line), err);
	return r;
}

static int check_group(int dir, struct err *err)
{
	cleanup_fd int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int r = procs < 0 ? err_set(err, errno, "list the processes of the VE") : check_listed(procs, err);
	DIR *children = r < 0 ? NULL : fdopendir(fcntl(dir, F_DUPFD_CLOEXEC, 0));

	for (struct dirent *entry; r == 0 && children && (entry = readdir(children));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		cleanup_fd int child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = child < 0 ? err_set(err, errno, "open a group of the VE") : check_group(child, err);
	}
	if (children)
		closedir(children);
	return r;
}

static int check_owner(pid_t init, uint32_t base, struct err *err)
{
	cleanup_free char *path = str_fmt("/proc/%d/ns/user", init);
	cleanup_fd int ns = open(path, O_RDONLY | O_CLOEXEC);
	uid_t owner;

	if (ns < 0 || ioctl(ns, NS_GET_OWNER_UID, &owner) < 0)
		return err_set(err, errno, "look at the user namespace");
	return owner == base
		       ? 0
		       : err_say(err, ERR_RESTORE, "the user namespace came back owned by uid %u, not %u", owner, base);
}

static int check_map(pid_t init, const char *file, uint32_t base, struct err *err)
{
	cleanup_free char *path = str_fmt("/proc/%d/%s", init, file);
	cleanup_free char *map = NULL;
	unsigned inside, outside, count;

	int r = io_read_file(AT_FDCWD, path, &map, NULL);
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	if (sscanf(map, "%u %u %u", &inside, &outside, &count) != 3 || inside != 0 || outside != base ||
	    count != USERNS_RANGE || strchr(map, '\n') != strrchr(map, '\n'))
		return err_say(err, ERR_RESTORE, "%s of what came back is not the VE's", file);
	return 0;
}

int verify_namespace(pid_t init, uint32_t base, struct err *err)
{
	int r;

	if ((r = check_owner(init, base, err)) < 0 || (r = check_map(init, "uid_map", base, err)) < 0)
		return r;
	return check_map(init, "gid_map", base, err);
}

int verify_processes(const char *group, struct err *err)
{
	cleanup_fd int dir = cgroup_open(group, err);
	return dir < 0 ? dir : check_group(dir, err);
}
