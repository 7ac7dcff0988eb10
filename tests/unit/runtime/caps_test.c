/* What a VE's processes are born with. Each test changes a child for good and looks at it; a machine on which root
 * lacks CAP_SYS_RESOURCE, or a chroot, where no user namespace can be made, skips what it cannot try. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/caps.h"

#define SKIP 77		 /* also what meson takes for it */
#define OWNER 0x10000000 /* a base uid */

static const cap_value_t gone[] = {
	CAP_SYS_MODULE, CAP_SYS_RAWIO,	  CAP_SYS_TIME,	  CAP_SYS_RESOURCE,	  CAP_SYSLOG,
	CAP_MAC_ADMIN,	CAP_MAC_OVERRIDE, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND,	  CAP_AUDIT_CONTROL,
	CAP_AUDIT_READ, CAP_PERFMON,	  CAP_BPF,	  CAP_CHECKPOINT_RESTORE,
};

/* A failed check in a child ends it with the line's number modulo 64, which is not SKIP. */
#define check(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%d: %s: %m\n", __LINE__, #condition);                                         \
			_exit(__LINE__ % 64 + 1);                                                                      \
		}                                                                                                      \
	} while (0)

static void in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP)
		skip();
	assert_int_equal(status, 0);
}

static bool is_gone(cap_value_t cap)
{
	for (size_t i = 0; i < countof(gone); i++)
		if (gone[i] == cap)
			return true;
	return false;
}

static bool has(cap_flag_t set, cap_value_t cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t own = cap_get_proc();

	cap_get_flag(own, cap, set, &value);
	cap_free(own);
	return value == CAP_SET;
}

static void give(cap_flag_t set, cap_value_t cap)
{
	cap_t own = cap_get_proc();
	check(cap_set_flag(own, set, 1, &cap, CAP_SET) == 0 && cap_set_proc(own) == 0);
	cap_free(own);
}

static void drop_and_look(void)
{
	struct err err = {0};
	bool had[CAP_LAST_CAP + 1];

	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++)
		had[cap] = cap_get_bound(cap) == 1;
	give(CAP_INHERITABLE, CAP_CHOWN);
	check(cap_set_ambient(CAP_CHOWN, CAP_SET) == 0);

	check(caps_drop(&err) == 0);
	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool stays = had[cap] && !is_gone(cap);
		check((cap_get_bound(cap) == 1) == stays);
		check(has(CAP_PERMITTED, cap) == stays && has(CAP_EFFECTIVE, cap) == stays);
		check(!has(CAP_INHERITABLE, cap) && cap_get_ambient(cap) == 0);
	}
}

TEST(the_listed_capabilities_go_and_the_others_stay)
{
	in_child(drop_and_look);
}

static void look_after_exec(void)
{
	for (size_t i = 0; i < countof(gone); i++)
		check(!has(CAP_EFFECTIVE, gone[i]) && !has(CAP_PERMITTED, gone[i]));
	check(has(CAP_EFFECTIVE, CAP_SYS_ADMIN) && has(CAP_EFFECTIVE, CAP_NET_ADMIN) && has(CAP_EFFECTIVE, CAP_SETUID));
}

static void drop_and_exec(void)
{
	struct err err = {0};

	check(caps_drop(&err) == 0);
	execl("/proc/self/exe", "caps_test", "look_after_exec", NULL);
	check(false);
}

TEST(exec_does_not_bring_them_back)
{
	in_child(drop_and_exec);
}

static void drop_without_privilege(void)
{
	struct err err = {0};

	check(setresuid(OWNER, OWNER, OWNER) == 0);
	check(caps_drop(&err) == -EPERM);
	check(str_after(err.text, "drop capability "));
}

TEST(a_capability_that_cannot_be_dropped_is_an_error)
{
	in_child(drop_without_privilege);
}

#define MIB (UINT64_C(1) << 20)
#define ANY RLIM_INFINITY

static const struct {
	rlim_t soft, hard;
} initial[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = {ANY, ANY},
	[RLIMIT_FSIZE] = {ANY, ANY},
	[RLIMIT_DATA] = {ANY, ANY},
	[RLIMIT_STACK] = {8 * MIB, ANY},
	[RLIMIT_CORE] = {0, ANY},
	[RLIMIT_RSS] = {ANY, ANY},
	[RLIMIT_NPROC] = {262144, 262144},
	[RLIMIT_NOFILE] = {1024, 1048576},
	[RLIMIT_MEMLOCK] = {8 * MIB, 64 * MIB},
	[RLIMIT_AS] = {ANY, ANY},
	[RLIMIT_LOCKS] = {ANY, ANY},
	[RLIMIT_SIGPENDING] = {65536, 65536},
	[RLIMIT_MSGQUEUE] = {819200, 819200},
	[RLIMIT_NICE] = {0, 0},
	[RLIMIT_RTPRIO] = {0, 0},
	[RLIMIT_RTTIME] = {ANY, ANY},
};

static struct rlimit limit_of(int resource)
{
	struct rlimit now;
	check(getrlimit(resource, &now) == 0);
	return now;
}

static void needs_node_privilege(void)
{
	if (!has(CAP_EFFECTIVE, CAP_SYS_RESOURCE))
		_exit(SKIP);
}

static void limit_creator_then_init(void)
{
	struct err err = {0};

	needs_node_privilege();
	check(setrlimit(RLIMIT_CORE, &(struct rlimit){7, 7}) == 0 &&
	      setrlimit(RLIMIT_NOFILE, &(struct rlimit){99, 99}) == 0);

	check(caps_limit_creator(&err) == 0);
	check(limit_of(RLIMIT_NOFILE).rlim_cur == 99 && limit_of(RLIMIT_NPROC).rlim_cur == 262144);
	check(limit_of(RLIMIT_MEMLOCK).rlim_cur == 64 * MIB && limit_of(RLIMIT_MSGQUEUE).rlim_cur == 8192000);
	check(limit_of(RLIMIT_SIGPENDING).rlim_cur == 65536);

	check(setresuid(OWNER, OWNER, OWNER) == 0);
	check(caps_limit_init(&err) == 0);
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit now = limit_of(resource);
		check(now.rlim_cur == initial[resource].soft && now.rlim_max == initial[resource].hard);
	}
}

TEST(nothing_of_vzds_own_limits_reaches_a_ve)
{
	in_child(limit_creator_then_init);
}

static void limit_init_alone(void)
{
	struct err err = {0};

	check(setrlimit(RLIMIT_NOFILE, &(struct rlimit){99, 99}) == 0 && setresuid(OWNER, OWNER, OWNER) == 0);
	check(caps_limit_init(&err) == -EPERM);
	check(str_after(err.text, "set the VE's limit "));
}

TEST(a_limit_that_cannot_be_raised_is_an_error)
{
	in_child(limit_init_alone);
}

/* Only who has an id in a user namespace can make another one there. */
static void map_self(int proc)
{
	check(prctl(PR_SET_DUMPABLE, 1) == 0);				      /* or the files are the node root's */
	check(io_write_kernel(proc, "self/uid_map", "0 268435456 1\n") == 0); /* OWNER */
	check(io_write_kernel(proc, "self/setgroups", "deny") == 0);
	check(io_write_kernel(proc, "self/gid_map", "0 0 1\n") == 0);
}

/* As the launch does it: limits, then the owner's uid, then the namespace. */
static int enter_namespace(void)
{
	struct err err = {0};

	needs_node_privilege();
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(proc >= 0 && caps_limit_creator(&err) == 0 && setresuid(OWNER, OWNER, OWNER) == 0);
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(errno == EPERM ? SKIP : 1);
	map_self(proc);
	check(caps_limit_init(&err) == 0 && caps_limit_namespaces(proc, &err) == 0);
	return proc;
}

static bool reads(int proc, const char *file, const char *value)
{
	cleanup_free char *path = str_fmt("sys/user/%s", file);
	cleanup_free char *text = NULL;
	return io_read_file(proc, path, &text, NULL) == 0 && str_eq(str_chomp(text), value);
}

static void set_ceilings(void)
{
	int proc = enter_namespace();

	check(reads(proc, "max_user_namespaces", "1024") && reads(proc, "max_mnt_namespaces", "4096"));
	check(reads(proc, "max_net_namespaces", "512") && reads(proc, "max_pid_namespaces", "1024"));
	check(reads(proc, "max_uts_namespaces", "1024") && reads(proc, "max_ipc_namespaces", "1024"));
	check(reads(proc, "max_cgroup_namespaces", "1024") && reads(proc, "max_time_namespaces", "1024"));
	check(reads(proc, "max_inotify_instances", "4096") && reads(proc, "max_inotify_watches", "524288"));
}

TEST(ceilings_are_set_in_the_ves_own_namespace)
{
	in_child(set_ceilings);
}

/* Without CAP_SYS_RESOURCE the files are read-only; a nested namespace has its own, which loosen nothing outside. */
static void keep_ceilings(void)
{
	struct err err = {0};
	int proc = enter_namespace();

	check(caps_drop(&err) == 0);
	check(io_write_kernel(proc, "sys/user/max_uts_namespaces", "2000") == -EACCES);
	check(caps_limit_namespaces(proc, &err) == -EACCES && str_after(err.text, "write /proc/sys/user/max_"));

	check(unshare(CLONE_NEWUSER) == 0);
	check(io_write_kernel(proc, "sys/user/max_uts_namespaces", "2000") == 0);
	check(setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 1048576}) == 0);
	int made = 0;
	while (made < 2000 && unshare(CLONE_NEWUTS) == 0 && open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC) >= 0)
		made++;
	check(errno == ENOSPC && made == 1024);
}

TEST(ceilings_cannot_be_raised_from_inside)
{
	in_child(keep_ceilings);
}

static void raise_limits(void)
{
	struct err err = {0};

	enter_namespace();
	check(caps_drop(&err) == 0 && unshare(CLONE_NEWUSER) == 0);
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit more = limit_of(resource);
		if (more.rlim_max == ANY)
			continue;
		more.rlim_max++;
		check(setrlimit(resource, &more) < 0 && errno == EPERM);
	}
}

TEST(limits_cannot_be_raised_from_inside)
{
	in_child(raise_limits);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_listed_capabilities_go_and_the_others_stay),
		cmocka_unit_test(exec_does_not_bring_them_back),
		cmocka_unit_test(a_capability_that_cannot_be_dropped_is_an_error),
		cmocka_unit_test(nothing_of_vzds_own_limits_reaches_a_ve),
		cmocka_unit_test(a_limit_that_cannot_be_raised_is_an_error),
		cmocka_unit_test(ceilings_are_set_in_the_ves_own_namespace),
		cmocka_unit_test(ceilings_cannot_be_raised_from_inside),
		cmocka_unit_test(limits_cannot_be_raised_from_inside),
	};

	if (argc == 2 && str_eq(argv[1], "look_after_exec")) {
		look_after_exec();
		return 0;
	}
	if (geteuid() != 0)
		return SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
