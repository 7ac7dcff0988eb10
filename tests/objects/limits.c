/* What a process may use, how it is scheduled, and where it stands: limits, priority, umask, directories. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	int resource;
	const char *name;
	rlim_t soft, hard;
} limits[] = {
	{RLIMIT_NOFILE, "NOFILE", 123, 456},	    {RLIMIT_CORE, "CORE", 0, 7 << 20},
	{RLIMIT_STACK, "STACK", 3 << 20, 64 << 20}, {RLIMIT_FSIZE, "FSIZE", 50 << 20, 60 << 20},
	{RLIMIT_CPU, "CPU", 100000, 200000},	    {RLIMIT_MEMLOCK, "MEMLOCK", 4096, 8192},
};

static bool prepare_rlimits(struct held *held)
{
	for (size_t i = 0; i < countof(limits); i++) {
		const struct rlimit limit = {limits[i].soft, limits[i].hard};
		if (!ok(held, setrlimit(limits[i].resource, &limit) == 0, "set %s: %m", limits[i].name))
			return false;
	}
	return true;
}

static bool check_rlimits(struct held *held)
{
	struct rlimit limit;

	for (size_t i = 0; i < countof(limits); i++) {
		getrlimit(limits[i].resource, &limit);
		if (!ok(held, limit.rlim_cur == limits[i].soft && limit.rlim_max == limits[i].hard,
			"%s is %lu, at most %lu", limits[i].name, limit.rlim_cur, limit.rlim_max))
			return false;
	}
	return ok(held, dup2(0, 123) < 0 && errno == EBADF, "more files can be opened than may be");
}

static bool spoil_rlimits(struct held *held)
{
	(void)held;
	return setrlimit(RLIMIT_NOFILE, &(struct rlimit){124, 456}) == 0;
}

static bool prepare_nice(struct held *held)
{
	return ok(held, setpriority(PRIO_PROCESS, 0, 7) == 0, "setpriority: %m");
}

static bool check_nice(struct held *held)
{
	int is = getpriority(PRIO_PROCESS, 0);

	return ok(held, is == 7, "it is %d", is);
}

static bool spoil_nice(struct held *held)
{
	(void)held;
	return setpriority(PRIO_PROCESS, 0, 8) == 0;
}

static bool set_policy(int policy)
{
	return sched_setscheduler(0, policy, &(struct sched_param){0}) == 0;
}

static bool prepare_batch(struct held *held)
{
	return ok(held, set_policy(SCHED_BATCH), "sched_setscheduler: %m");
}

static bool check_batch(struct held *held)
{
	int policy = sched_getscheduler(0);

	return ok(held, policy == SCHED_BATCH, "the policy is %d", policy);
}

static bool spoil_batch(struct held *held)
{
	(void)held;
	return set_policy(SCHED_OTHER);
}

static bool prepare_oom(struct held *held)
{
	return ok(held, file_write("/proc/self/oom_score_adj", "500"), "write: %m");
}

static bool check_oom(struct held *held)
{
	return ok(held, file_says("/proc/self/oom_score_adj", "500"), "it is not 500");
}

static bool spoil_oom(struct held *held)
{
	(void)held;
	return file_write("/proc/self/oom_score_adj", "600");
}

static bool prepare_umask(struct held *held)
{
	(void)held;
	umask(0137);
	return true;
}

static bool check_umask(struct held *held)
{
	struct stat st = {0};

	unlink("umask-file");
	int fd = open("umask-file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	fstat(fd, &st);
	close(fd);
	return ok(held, (st.st_mode & 0777) == 0640, "a new file's mode is %o", st.st_mode);
}

static bool spoil_umask(struct held *held)
{
	(void)held;
	umask(0);
	return true;
}

static bool prepare_cwd(struct held *held)
{
	mkdir("cwd", 0755);
	mkdir("cwd/below", 0755);
	return ok(held, chdir("cwd/below") == 0, "chdir: %m") &&
	       ok(held, file_write("file", "in the cwd"), "write: %m");
}

static bool check_cwd(struct held *held)
{
	char path[256] = "", wanted[256];

	snprintf(wanted, sizeof(wanted), "%.200s/cwd/below", held->where);
	return ok(held, getcwd(path, sizeof(path)) && strcmp(path, wanted) == 0, "it is %s", path) &&
	       ok(held, file_says("file", "in the cwd"), "another file is there");
}

static bool spoil_cwd(struct held *held)
{
	(void)held;
	return chdir("..") == 0;
}

static bool prepare_chroot(struct held *held)
{
	mkdir("chroot", 0755);
	mkdir("chroot/inside", 0755);
	return ok(held, file_write("chroot/inside/file", "in the chroot"), "write: %m") &&
	       ok(held, chroot("chroot") == 0 && chdir("/inside") == 0, "chroot: %m");
}

static bool check_chroot(struct held *held)
{
	char path[64] = "";

	return ok(held, file_says("/inside/file", "in the chroot"), "another file is there") &&
	       ok(held, getcwd(path, sizeof(path)) && strcmp(path, "/inside") == 0, "its working directory is %s",
		  path) &&
	       ok(held, access("/../../proc/self", F_OK) < 0, "it sees out");
}

static bool spoil_chroot(struct held *held)
{
	(void)held;
	return unlink("/inside/file") == 0;
}

struct kinds limits_kinds(void)
{
	static const struct kind list[] = {
		{"rlimits", prepare_rlimits, check_rlimits, spoil_rlimits},
		{"nice", prepare_nice, check_nice, spoil_nice},
		{"sched-batch", prepare_batch, check_batch, spoil_batch},
		{"oom-score", prepare_oom, check_oom, spoil_oom},
		{"umask", prepare_umask, check_umask, spoil_umask},
		{"cwd", prepare_cwd, check_cwd, spoil_cwd},
		{"chroot", prepare_chroot, check_chroot, spoil_chroot},
	};
	return (struct kinds){list, countof(list)};
}
