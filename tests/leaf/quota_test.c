/* Groups, their limits, counters and device filter, against the kernel. Runs as root on a node with cgroup v2; all that
 * it makes is in one group of its own, which is gone afterwards. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quota/cgroup.h"
#include "quota/device.h"
#include "quota/limits.h"
#include "quota/usage.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/leaf/loop.h"

#define FROZEN_FD 200
#define PATIENCE_MS 30000

static const struct limits unlimited = {
	.ram = LIMIT_NONE,
	.swap = LIMIT_NONE,
	.cpulimit = LIMIT_NONE,
	.cpuunits = LIMIT_NONE,
	.cpus = LIMIT_NONE,
	.numproc = LIMIT_NONE,
};

/* Every test has a group `top` of its own, whose children have all controllers. */
struct env {
	char *base;
	char *top;
	char *leaf; /* top/leaf, not made yet */
};

static void assert_ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static int setup(void **state)
{
	struct env *env = mem_zero(1, sizeof(*env));
	struct err err = {0};

	if (cgroup_base(&env->base, &err) < 0)
		fail_msg("%s", err.text);
	env->top = str_fmt("%s/test-%d", env->base, getpid());
	env->leaf = str_fmt("%s/leaf", env->top);
	assert_ok(cgroup_create(env->top, true, &err), &err);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;
	struct err err = {0};

	assert_ok(cgroup_kill(env->top, PATIENCE_MS, &err), &err);
	while (wait(NULL) > 0)
		;
	assert_ok(cgroup_remove(env->top, &err), &err);
	free(env->base);
	free(env->top);
	free(env->leaf);
	free(env);
	return 0;
}

/* Start a process in the group; what `act` returns is its exit status. */
static pid_t start_in(const char *group, int (*act)(void))
{
	struct err err = {0};
	cleanup_fd int dir = cgroup_open(group, &err);
	assert_ok(dir, &err);

	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)dir};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(act());
	return pid;
}

/* What waitpid says. */
static int run_in(const char *group, int (*act)(void))
{
	int status;
	assert_true(waitpid(start_in(group, act), &status, 0) > 0);
	return status;
}

static int sleep_for_ever(void)
{
	while (pause() < 0)
		;
	return 0;
}

static char *file_of(const char *group, const char *file)
{
	char *text;
	assert_int_equal(cgroup_read(group, file, &text), 0);
	return str_chomp(text);
}

static void assert_file(const char *group, const char *file, const char *text)
{
	cleanup_free char *found = file_of(group, file);
	assert_string_equal(found, text);
}

static void assert_gone(const char *group)
{
	struct err err = {0};
	assert_int_equal(cgroup_open(group, &err), -ENOENT);
}

TEST(the_base_offers_what_the_kernel_has)
{
	struct env *env = *state_;
	static const char *const controllers[] = {"cpu", "cpuset", "io", "memory", "pids"};

	for (size_t i = 0; i < countof(controllers); i++)
		assert_true(cgroup_has_controller(env->base, controllers[i]));
	assert_false(cgroup_has_controller(env->base, "cp"));
	assert_false(cgroup_has_controller("no/such/group", "cpu"));
}

TEST(a_group_for_children_passes_all_on)
{
	struct env *env = *state_;
	struct err err = {0};

	cleanup_free char *offered = file_of(env->base, "cgroup.subtree_control");
	assert_file(env->top, "cgroup.subtree_control", offered);

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_file(env->leaf, "cgroup.controllers", offered);
	assert_file(env->leaf, "cgroup.subtree_control", "");
}

TEST(creating_twice_keeps_what_is_there)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(cgroup_write(env->leaf, "pids.max", "7", &err), &err);
	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(cgroup_create(env->top, true, &err), &err);
	assert_file(env->leaf, "pids.max", "7");
}

TEST(a_group_that_cannot_be_made_says_why)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_write(env->top, "cgroup.max.descendants", "0", &err), &err);
	assert_int_equal(cgroup_create(env->leaf, false, &err), -EAGAIN);
	assert_non_null(strstr(err.text, "create cgroup "));
	assert_non_null(strstr(err.text, "/leaf: Resource temporarily unavailable"));
}

TEST(files_are_read_as_what_they_are)
{
	struct env *env = *state_;
	struct err err = {0};
	uint64_t n = 5;

	assert_int_equal(cgroup_read_u64(env->top, "pids.max", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_ok(cgroup_write(env->top, "pids.max", "100", &err), &err);
	assert_int_equal(cgroup_read_u64(env->top, "pids.max", &n), 0);
	assert_int_equal(n, 100);
	assert_int_equal(cgroup_read_key(env->top, "cgroup.events", "frozen", &n), 0);
	assert_int_equal(n, 0);

	assert_int_equal(cgroup_read_u64(env->leaf, "pids.max", &n), -ENOENT);
	assert_int_equal(cgroup_read_u64(env->top, "no.such", &n), -ENOENT);
	assert_int_equal(cgroup_read_key(env->top, "cgroup.events", "froze", &n), -ENOENT);
}

TEST(what_the_kernel_refuses_is_told)
{
	struct env *env = *state_;
	struct err err = {0};

	cleanup_free char *told = str_fmt("write \"many\" to pids.max of cgroup %s: Invalid argument", env->top);
	assert_int_equal(cgroup_write(env->top, "pids.max", "many", &err), -EINVAL);
	assert_string_equal(err.text, told);
}

static uid_t owner_of(const char *group, const char *file)
{
	struct err err = {0};
	struct stat st;
	cleanup_fd int dir = cgroup_open(group, &err);

	assert_int_equal(fstatat(dir, file, &st, 0), 0);
	return st.st_uid;
}

TEST(a_delegate_gets_the_processes_and_not_the_limits)
{
	struct env *env = *state_;
	struct err err = {0};
	static const struct {
		const char *file;
		uid_t owner;
	} files[] = {
		{".", 100000},
		{"cgroup.procs", 100000},
		{"cgroup.subtree_control", 100000},
		{"cgroup.threads", 100000},
		{"cgroup.kill", 0},
		{"cgroup.freeze", 0},
		{"cgroup.type", 0},
		{"cgroup.max.depth", 0},
		{"memory.max", 0},
		{"pids.max", 0},
		{"cpu.max", 0},
	};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(cgroup_delegate(env->leaf, 100000, 100000, &err), &err);
	for (size_t i = 0; i < countof(files); i++)
		assert_int_equal(owner_of(env->leaf, files[i].file), files[i].owner);
}

TEST(a_process_starts_in_its_group)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_false(cgroup_populated(env->leaf));
	cleanup_free char *pid = str_fmt("%d", start_in(env->leaf, sleep_for_ever));
	assert_file(env->leaf, "cgroup.procs", pid);
	assert_true(cgroup_populated(env->leaf));
	assert_true(cgroup_populated(env->top));
}

TEST(killing_leaves_nobody)
{
	struct env *env = *state_;
	struct err err = {0};
	cleanup_free char *below = str_fmt("%s/below", env->leaf);

	assert_ok(cgroup_create(env->leaf, true, &err), &err);
	assert_ok(cgroup_create(below, false, &err), &err);
	for (int i = 0; i < 20; i++)
		start_in(below, sleep_for_ever);
	assert_ok(cgroup_kill(env->top, PATIENCE_MS, &err), &err);
	assert_false(cgroup_populated(env->top));
}

static int fork_for_ever(void)
{
	while (fork() >= 0 || errno == EAGAIN)
		usleep(100);
	return 0;
}

TEST(a_fork_bomb_dies)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(cgroup_write(env->leaf, "pids.max", "200", &err), &err);
	start_in(env->leaf, fork_for_ever);
	for (uint64_t n = 0; n < 200; usleep(10000))
		assert_int_equal(cgroup_read_u64(env->leaf, "pids.current", &n), 0);
	assert_ok(cgroup_kill(env->leaf, PATIENCE_MS, &err), &err);
	assert_false(cgroup_populated(env->leaf));
}

TEST(frozen_and_stopped_processes_die)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_int_equal(kill(start_in(env->leaf, sleep_for_ever), SIGSTOP), 0);
	assert_ok(cgroup_write(env->leaf, "cgroup.freeze", "1", &err), &err);
	for (uint64_t frozen = 0; !frozen; usleep(1000))
		assert_int_equal(cgroup_read_key(env->leaf, "cgroup.events", "frozen", &frozen), 0);
	assert_ok(cgroup_kill(env->leaf, PATIENCE_MS, &err), &err);
	assert_false(cgroup_populated(env->leaf));
}

/* A write to a file system that is frozen waits in the kernel and cannot be interrupted, not even by a kill. */
static int write_to_frozen(void)
{
	return mkdirat(FROZEN_FD, "directory", 0700) < 0;
}

static bool waits_in_kernel(pid_t pid)
{
	cleanup_free char *path = str_fmt("/proc/%d/stat", pid);
	cleanup_free char *stat = NULL;

	assert_int_equal(io_read_file(AT_FDCWD, path, &stat, NULL), 0);
	return str_after(strrchr(stat, ')'), ") D");
}

TEST(what_does_not_die_in_time_is_told)
{
	struct env *env = *state_;
	struct err err = {0};
	cleanup_fd int frozen = loop_make(loop_ext4, "defaults", &err);

	assert_ok(frozen, &err);
	assert_int_equal(dup2(frozen, FROZEN_FD), FROZEN_FD);
	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_int_equal(ioctl(frozen, FIFREEZE, 0), 0);
	pid_t pid = start_in(env->leaf, write_to_frozen);
	while (!waits_in_kernel(pid))
		usleep(1000);

	int r = cgroup_kill(env->leaf, 100, &err);
	assert_int_equal(ioctl(frozen, FITHAW, 0), 0);
	close(FROZEN_FD);

	cleanup_free char *told =
		str_fmt("processes of cgroup %s still exist 100 ms after they were killed", env->leaf);
	assert_true(r < 0);
	assert_int_equal(err.kind, ERR_STOP_FAILED);
	assert_non_null(str_after(err.text, told));
}

TEST(nothing_to_kill_or_remove_is_success)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_kill(env->leaf, PATIENCE_MS, &err), &err);
	assert_ok(cgroup_kill(env->top, 0, &err), &err);
	assert_ok(cgroup_remove(env->leaf, &err), &err);
}

/* Directories `depth` levels below a group, deeper than any path name. */
static void make_deep(const char *group, unsigned depth)
{
	struct err err = {0};
	char name[201];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';

	cleanup_fd int dir = cgroup_open(group, &err);
	for (unsigned i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd_close(dir);
		dir = next;
		assert_true(dir >= 0);
	}
}

static void make_wide(const char *group, unsigned width)
{
	struct err err = {0};
	cleanup_fd int dir = cgroup_open(group, &err);

	for (unsigned i = 0; i < width; i++) {
		char name[32], below[64];
		snprintf(name, sizeof(name), ".%u group", i);
		snprintf(below, sizeof(below), "%s/memory.max", name);
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		assert_int_equal(mkdirat(dir, below, 0755), 0);
	}
}

TEST(whatever_a_delegate_made_is_removed)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	make_deep(env->leaf, 50);
	make_wide(env->leaf, 50);
	assert_ok(cgroup_remove(env->leaf, &err), &err);
	assert_gone(env->leaf);
}

TEST(a_group_with_processes_is_not_removed)
{
	struct env *env = *state_;
	struct err err = {0};
	cleanup_free char *below = str_fmt("%s/below", env->leaf);

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(cgroup_create(below, false, &err), &err);
	start_in(below, sleep_for_ever);
	assert_int_equal(cgroup_remove(env->leaf, &err), -EBUSY);
	assert_non_null(strstr(err.text, "which still has processes"));
	assert_true(cgroup_populated(below));
}

TEST(limits_reach_the_kernel_and_leave_again)
{
	struct env *env = *state_;
	struct err err = {0};
	const struct limits limits = {
		.ram = 64 << 20,
		.swap = 32 << 20,
		.cpulimit = 150,
		.cpuunits = 500,
		.cpus = 1,
		.cpu_first = 1,
		.numproc = 40,
	};
	cleanup_free char *online = file_of(env->top, "cpuset.cpus.effective");
	const struct {
		const char *file, *limited, *unlimited;
	} files[] = {
		{"memory.max", "67108864", "max"},
		{"memory.swap.max", "33554432", "max"},
		{"cpu.max", "150000 100000", "max 100000"},
		{"cpu.weight", "50", "100"},
		{"cpuset.cpus", "1", online},
		{"pids.max", "40", "max"},
	};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(limits_apply(env->leaf, &limits, NULL, &err), &err);
	for (size_t i = 0; i < countof(files); i++)
		assert_file(env->leaf, files[i].file, files[i].limited);

	assert_ok(limits_apply(env->leaf, &unlimited, &limits, &err), &err);
	for (size_t i = 0; i < countof(files); i++)
		assert_file(env->leaf, files[i].file, files[i].unlimited);
}

TEST(a_limit_without_its_controller_is_an_error)
{
	struct env *env = *state_;
	struct err err = {0};
	cleanup_free char *bare = str_fmt("%s/bare", env->leaf);
	struct limits limits = unlimited;

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(cgroup_create(bare, false, &err), &err);
	assert_ok(limits_apply(bare, &limits, NULL, &err), &err);

	limits.ram = 64 << 20;
	assert_true(limits_apply(bare, &limits, NULL, &err) < 0);
	assert_int_equal(err.kind, ERR_NO_RESOURCE);
	assert_non_null(strstr(err.text, "the memory controller is not delegated"));
}

TEST(a_controller_that_is_nowhere_is_named_with_the_remedy)
{
	struct err err = {0};

	assert_true(cgroup_no_controller("freezer", &err) < 0);
	assert_non_null(strstr(err.text, "no freezer controller"));
	assert_non_null(strstr(err.text, "boot with cgroup_no_v1=all"));
}

static int fork_until_refused(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		if (pid == 0)
			sleep_for_ever();
		if (pid < 0)
			return errno;
	}
	return 0;
}

TEST(too_many_processes_are_refused_and_counted)
{
	struct env *env = *state_;
	struct err err = {0};
	struct limits limits = unlimited;
	struct usage usage;

	limits.numproc = 10;
	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(limits_apply(env->leaf, &limits, NULL, &err), &err);
	assert_int_equal(WEXITSTATUS(run_in(env->leaf, fork_until_refused)), EAGAIN);

	usage_read(env->leaf, &usage);
	assert_int_equal(usage.numproc, 9);
	assert_int_equal(usage.numproc_max, 10);
	assert_true(usage.numproc_fail >= 1);
}

static int use_memory(void)
{
	size_t size = 128 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	return 0;
}

TEST(too_much_memory_kills_who_takes_it_and_spares_the_rest)
{
	struct env *env = *state_;
	struct err err = {0};
	struct limits limits = unlimited;
	struct usage usage;

	limits.ram = 32 << 20;
	limits.swap = 0;
	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	assert_ok(limits_apply(env->leaf, &limits, NULL, &err), &err);
	start_in(env->leaf, sleep_for_ever);
	assert_int_equal(WTERMSIG(run_in(env->leaf, use_memory)), SIGKILL);
	assert_true(cgroup_populated(env->leaf));
	assert_ok(cgroup_kill(env->leaf, 5000, &err), &err);
	assert_true(wait(NULL) > 0);

	usage_read(env->leaf, &usage);
	assert_in_range(usage.ram_max, 16 << 20, 32 << 20);
	assert_int_equal(usage.swap_max, 0);
	assert_true(usage.ram_fail > 0);
	assert_true(usage.cpu_usec > 0);
}

TEST(counters_that_are_not_there_say_so)
{
	struct env *env = *state_;
	struct usage usage = {0};

	usage_read(env->leaf, &usage);
	for (size_t i = 0; i < sizeof(usage) / sizeof(uint64_t); i++)
		assert_true(((const uint64_t *)(const void *)&usage)[i] == UINT64_MAX);
}

static const struct device_rule devices[] = {
	{'c', 1, 3, true, true},
	{'c', 1, 5, true, false},
};

static const struct {
	const char *path;
	int flags;
	int no; /* what open says */
} opens[] = {
	{"/dev/null", O_RDWR, 0},	/* its rule allows both */
	{"/dev/zero", O_RDONLY, 0},	/* its rule allows just that */
	{"/dev/zero", O_WRONLY, EPERM}, /* and not that */
	{"/dev/zero", O_RDWR, EPERM},	/* nor more */
	{"/dev/full", O_RDONLY, EPERM}, /* it has no rule */
};

static const struct {
	mode_t type;
	unsigned major, minor;
	int no;
} nodes[] = {
	{S_IFCHR, 1, 3, EPERM},
	{S_IFBLK, 7, 0, EPERM},
	{S_IFCHR, 0, 0, 0}, /* a whiteout */
	{S_IFIFO, 0, 0, 0},
};

/* 0, or one more than the row that is not as it should be. */
static int try_devices(void)
{
	for (size_t i = 0; i < countof(opens); i++) {
		cleanup_fd int fd = open(opens[i].path, opens[i].flags | O_CLOEXEC);
		if ((fd < 0 ? errno : 0) != opens[i].no)
			return (int)i + 1;
	}

	for (size_t i = 0; i < countof(nodes); i++) {
		cleanup_free char *path = str_fmt("/dev/shm/openve-test-%d", getpid());
		int no = mknod(path, nodes[i].type | 0600, makedev(nodes[i].major, nodes[i].minor)) < 0 ? errno : 0;
		unlink(path);
		if (no != nodes[i].no)
			return (int)i + 101;
	}
	return 0;
}

TEST(devices_are_what_the_rules_say)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_ok(cgroup_create(env->leaf, false, &err), &err);
	cleanup_fd int filter = device_filter_load(devices, countof(devices), &err);
	assert_ok(filter, &err);
	cleanup_fd int top = cgroup_open(env->top, &err);
	assert_ok(device_filter_attach(top, filter, &err), &err);
	assert_int_equal(run_in(env->leaf, try_devices), 0);

	/* Once more, and another one in its place. */
	assert_ok(device_filter_attach(top, filter, &err), &err);
	assert_int_equal(run_in(env->leaf, try_devices), 0);
	cleanup_fd int nothing = device_filter_load(NULL, 0, &err);
	assert_ok(device_filter_attach(top, nothing, &err), &err);
	assert_int_equal(WEXITSTATUS(run_in(env->leaf, try_devices)), 1);
}

static int setup_all(void **state)
{
	struct err err = {0};
	(void)state;
	assert_ok(cgroup_setup(&err), &err);
	return 0;
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(the_base_offers_what_the_kernel_has),
		test(a_group_for_children_passes_all_on),
		test(creating_twice_keeps_what_is_there),
		test(a_group_that_cannot_be_made_says_why),
		test(files_are_read_as_what_they_are),
		test(what_the_kernel_refuses_is_told),
		test(a_delegate_gets_the_processes_and_not_the_limits),
		test(a_process_starts_in_its_group),
		test(killing_leaves_nobody),
		test(a_fork_bomb_dies),
		test(frozen_and_stopped_processes_die),
		test(what_does_not_die_in_time_is_told),
		test(nothing_to_kill_or_remove_is_success),
		test(whatever_a_delegate_made_is_removed),
		test(a_group_with_processes_is_not_removed),
		test(limits_reach_the_kernel_and_leave_again),
		test(a_limit_without_its_controller_is_an_error),
		test(a_controller_that_is_nowhere_is_named_with_the_remedy),
		test(too_many_processes_are_refused_and_counted),
		test(too_much_memory_kills_who_takes_it_and_spares_the_rest),
		test(counters_that_are_not_there_say_so),
		test(devices_are_what_the_rules_say),
	};
	return cmocka_run_group_tests_name("quota", tests, setup_all, NULL);
}
