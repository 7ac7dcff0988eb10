#include "runtime/entry.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "quota/cgroup.h"
#include "runtime/base/creds.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* All but the pid namespace, which a process is born into. */
#define OTHER_NAMESPACES                                                                                               \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWTIME)

#define KILL_TIMEOUT_MS 1000

int entry_group(const char *ve_group, char **ret_group, struct err *err)
{
	cleanup_free char *parent = str_fmt("%s/exec", ve_group);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* A pid alone comes again, and what a former command left in the background may live there still. */
	cleanup_free char *group =
		str_fmt("%s/%d-%llx", parent, getpid(),
			(unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec);

	struct err first = {0};
	int r = cgroup_create(group, false, &first);
	if (r == -ENOENT) {
		r = cgroup_create(parent, true, err);
		if (r == 0)
			r = cgroup_create(group, false, err);
	}
	/* A command that runs out of memory goes with all it started. The VE itself is not such a unit: it lives on. */
	if (r == 0 && cgroup_has_controller(parent, "memory"))
		r = cgroup_write(group, "memory.oom.group", "1", err);
	if (r < 0)
		return r;
	*ret_group = steal_ptr(group);
	return 0;
}

void entry_clear(const char *group)
{
	struct err ignored = {0};

	if (!group)
		return;
	cgroup_kill(group, KILL_TIMEOUT_MS, &ignored);
	cgroup_remove(group, &ignored);
}

/* Into the group at once, since moving a running process there would wait for an RCU grace period. */
static int clone_into(const char *group, uint64_t flags, int *ret_pidfd, struct err *err)
{
	cleanup_fd int cgroup = cgroup_open(group, err);
	if (cgroup < 0)
		return cgroup;

	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD | flags,
		.cgroup = (uint64_t)cgroup,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	return pid < 0 ? err_set(err, errno, "clone into %s", group) : (int)pid;
}

/* Our children are born into the VE's pid namespace for the time of one clone. */
int entry_clone(int ve, const char *group, uint64_t flags, int *ret_pidfd, struct err *err)
{
	cleanup_fd int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(ve, CLONE_NEWPID) < 0)
		return err_set(err, errno, "enter the VE's pid namespace");

	int pid = clone_into(group, flags, ret_pidfd, err);
	if (pid != 0 && setns(own, CLONE_NEWPID) < 0)
		return err_set(err, errno, "leave the VE's pid namespace");
	return pid;
}

int entry_join(int ve, struct err *err)
{
	/* vzd's own protection from the OOM killer is not for VEs; taken back while /proc is still the node's. */
	int lowered = io_write_kernel(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	if (lowered < 0)
		return err_set(err, -lowered, "write /proc/self/oom_score_adj");
	if (setns(ve, OTHER_NAMESPACES) < 0)
		return err_set(err, errno, "enter the VE's namespaces");
	int r = creds_root(err);
	if (r < 0)
		return r;
	return chdir("/") < 0 ? err_set(err, errno, "enter the VE's root") : 0;
}
