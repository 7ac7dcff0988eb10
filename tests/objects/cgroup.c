/* A group of the VE's own below its cgroup root, with this process in it. */
#include "tests/objects/helper.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/objects-held"

/* pids.max is there only if init has enabled the controller, as systemd does. It must not be enabled here: where the
 * root group has processes itself, no group below it could have any then. */
static bool prepare_cgroup(struct held *held)
{
	struct statfs fs;

	if (statfs(ROOT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return skip(held, ROOT " is no cgroup v2");
	rmdir(GROUP);
	if (mkdir(GROUP, 0755) < 0)
		return skip(held, "no group can be made: %m");
	held->id = file_write(GROUP "/pids.max", "17");
	return ok(held, file_write(GROUP "/cgroup.max.descendants", "5"), "set a limit: %m") &&
	       ok(held, file_write(GROUP "/cgroup.procs", "0"), "move there: %m");
}

static bool check_cgroup(struct held *held)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d\n", getpid());
	return ok(held, file_says("/proc/self/cgroup", "/objects-held\n"), "this process is elsewhere") &&
	       ok(held, file_says(GROUP "/cgroup.procs", pid), "the group does not name it") &&
	       ok(held, file_says(GROUP "/cgroup.max.descendants", "5"), "cgroup.max.descendants is another one") &&
	       ok(held, !held->id || file_says(GROUP "/pids.max", "17"), "pids.max is another one");
}

static bool spoil_cgroup(struct held *held)
{
	(void)held;
	return file_write(GROUP "/cgroup.max.descendants", "6");
}

struct kinds cgroup_kinds(void)
{
	static const struct kind list[] = {
		{"cgroup", prepare_cgroup, check_cgroup, spoil_cgroup},
	};
	return (struct kinds){list, countof(list)};
}
