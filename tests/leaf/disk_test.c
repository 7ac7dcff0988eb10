/* Project quota against the kernel, once on XFS and once on ext4. Runs as root on a node. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "quota/disk.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "tests/leaf/loop.h"

#define MIB ((uint64_t)1 << 20)
#define FIRST_PROJECT 4711
#define OTHER_PROJECT 17

static const struct disk_limits no_limits = {DISK_NO_LIMIT, DISK_NO_LIMIT, DISK_NO_LIMIT, DISK_NO_LIMIT};

/* Every test has a fresh directory with a fresh project, on the file system of its group. */
struct env {
	int pool;
	int dir;
	uint32_t project;
};

static void assert_ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static int setup_group(void **state, const char *const mkfs[])
{
	struct env *env = mem_zero(1, sizeof(*env));
	struct err err = {0};

	env->project = FIRST_PROJECT;
	env->pool = loop_make(mkfs, "prjquota", &err);
	assert_ok(env->pool, &err);
	*state = env;
	return 0;
}

static int setup_xfs(void **state)
{
	return setup_group(state, loop_xfs);
}

static int setup_ext4(void **state)
{
	return setup_group(state, loop_ext4);
}

static int teardown_group(void **state)
{
	struct env *env = *state;
	fd_close(env->pool);
	free(env);
	return 0;
}

static int setup(void **state)
{
	struct env *env = *state;
	struct err err = {0};
	char name[16];

	snprintf(name, sizeof(name), "%u", ++env->project);
	assert_int_equal(mkdirat(env->pool, name, 0700), 0);
	env->dir = openat(env->pool, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(disk_join(env->dir, env->project, &err), &err);
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;
	env->dir = fd_close(env->dir);
	return 0;
}

/* Write `size` bytes. Returns how many were written; errno tells why not all. */
static uint64_t fill(int dir, const char *name, uint64_t size)
{
	static const char zeros[1 << 16];
	uint64_t written = 0;

	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (written < size) {
		ssize_t n = write(fd, zeros, sizeof(zeros));
		if (n < 0)
			break;
		written += (uint64_t)n;
	}
	return written;
}

TEST(project_quota_is_found)
{
	struct env *env = *state_;
	struct err err = {0};
	assert_ok(disk_check(env->pool, &err), &err);
}

TEST(what_is_written_is_counted)
{
	struct env *env = *state_;
	struct err err = {0};
	struct disk_usage before, after;

	assert_ok(disk_usage(env->pool, env->project, &before, &err), &err);
	assert_int_equal(mkdirat(env->dir, "below", 0700), 0);
	assert_int_equal(fill(env->dir, "below/file", 4 * MIB), 4 * MIB);
	assert_ok(disk_usage(env->pool, env->project, &after, &err), &err);

	assert_int_equal(after.inodes - before.inodes, 2);
	assert_in_range(after.space - before.space, 4 * MIB, 5 * MIB);
	assert_memory_equal(&after.limits, &no_limits, sizeof(no_limits));
}

TEST(limits_are_read_back)
{
	struct env *env = *state_;
	struct err err = {0};
	struct disk_usage usage;
	const struct disk_limits limits = {16 * MIB, 32 * MIB, 100, 200};

	assert_ok(disk_limit(env->pool, env->project, &limits, &err), &err);
	assert_ok(disk_usage(env->pool, env->project, &usage, &err), &err);
	assert_memory_equal(&usage.limits, &limits, sizeof(limits));
}

TEST(space_beyond_the_limit_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	const struct disk_limits limits = {DISK_NO_LIMIT, 8 * MIB, DISK_NO_LIMIT, DISK_NO_LIMIT};

	assert_ok(disk_limit(env->pool, env->project, &limits, &err), &err);
	assert_in_range(fill(env->dir, "file", 16 * MIB), 7 * MIB, 8 * MIB);
	assert_true(errno == ENOSPC || errno == EDQUOT);
	assert_int_equal(fill(env->pool, "others", 16 * MIB), 16 * MIB);
}

TEST(inodes_beyond_the_limit_are_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	struct disk_usage usage;
	struct disk_limits limits = no_limits;

	assert_ok(disk_usage(env->pool, env->project, &usage, &err), &err);
	limits.inodes_hard = usage.inodes + 1;
	assert_ok(disk_limit(env->pool, env->project, &limits, &err), &err);
	assert_int_equal(mkdirat(env->dir, "below", 0700), 0);
	assert_int_equal(mkdirat(env->dir, "below/file", 0700), -1);
	assert_true(errno == ENOSPC || errno == EDQUOT);
}

TEST(df_shows_the_limit)
{
	struct env *env = *state_;
	struct err err = {0};
	struct statvfs df;
	const struct disk_limits limits = {32 * MIB, 32 * MIB, 500, 500};

	assert_ok(disk_limit(env->pool, env->project, &limits, &err), &err);
	assert_int_equal(fstatvfs(env->dir, &df), 0);
	assert_int_equal(df.f_blocks * df.f_frsize, 32 * MIB);
	assert_int_equal(df.f_files, 500);
}

TEST(a_limit_that_is_taken_away_is_gone)
{
	struct env *env = *state_;
	struct err err = {0};
	struct statvfs df;
	const struct disk_limits limits = {DISK_NO_LIMIT, MIB, DISK_NO_LIMIT, 10};

	assert_ok(disk_limit(env->pool, env->project, &limits, &err), &err);
	assert_ok(disk_limit(env->pool, env->project, &no_limits, &err), &err);
	assert_int_equal(fill(env->dir, "file", 16 * MIB), 16 * MIB);
	assert_int_equal(fstatvfs(env->dir, &df), 0);
	assert_true(df.f_blocks * df.f_frsize > 256 * MIB);
}

TEST(the_smallest_limit_is_one)
{
	struct env *env = *state_;
	struct err err = {0};
	const struct disk_limits limits = {DISK_NO_LIMIT, 0, DISK_NO_LIMIT, 0};

	assert_ok(disk_limit(env->pool, env->project, &limits, &err), &err);
	assert_int_equal(fill(env->pool, "others", MIB), MIB);
	assert_int_equal(mkdirat(env->dir, "below", 0700), -1);
}

TEST(a_soft_limit_above_the_hard_one_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	struct disk_usage usage;
	const struct disk_limits good = {4 * MIB, 8 * MIB, 10, 20}, bad = {9 * MIB, 8 * MIB, 10, 20};

	assert_ok(disk_limit(env->pool, env->project, &good, &err), &err);
	assert_true(disk_limit(env->pool, env->project, &bad, &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_VALUE);

	struct err none = {0};
	assert_ok(disk_usage(env->pool, env->project, &usage, &none), &none);
	assert_memory_equal(&usage.limits, &good, sizeof(good));
}

TEST(a_project_that_never_was_is_empty)
{
	struct env *env = *state_;
	struct err err = {0};
	struct disk_usage usage;

	assert_ok(disk_usage(env->pool, OTHER_PROJECT, &usage, &err), &err);
	assert_int_equal(usage.space, 0);
	assert_int_equal(usage.inodes, 0);
	assert_memory_equal(&usage.limits, &no_limits, sizeof(no_limits));
	assert_ok(disk_limit(env->pool, OTHER_PROJECT + 1, &no_limits, &err), &err);
}

/* What a file system without project quota answers to everything. */
static void assert_refused(int dir)
{
	const struct disk_limits limits = {MIB, MIB, 10, 10};
	struct disk_usage usage;
	struct err check = {0}, set = {0}, read = {0}, none = {0};

	assert_int_equal(disk_check(dir, &check), -ENOTSUP);
	assert_int_equal(check.kind, ERR_QUOTA);
	assert_non_null(strstr(check.text, "mounted with -o prjquota"));
	assert_int_equal(disk_limit(dir, OTHER_PROJECT, &limits, &set), -ENOTSUP);
	assert_int_equal(disk_usage(dir, OTHER_PROJECT, &usage, &read), -ENOTSUP);
	assert_ok(disk_limit(dir, OTHER_PROJECT, &no_limits, &none), &none);
}

TEST(without_project_quota_nothing_is_promised)
{
	static const char *const plain_ext4[] = {"mkfs.ext4", "-q", NULL};
	struct err err = {0};

	cleanup_fd int xfs = loop_make(loop_xfs, "noquota", &err);
	assert_ok(xfs, &err);
	assert_refused(xfs);

	cleanup_fd int counting = loop_make(loop_xfs, "pqnoenforce", &err);
	assert_ok(counting, &err);
	assert_int_equal(disk_check(counting, &err), -ENOTSUP);

	struct err fresh = {0};
	cleanup_fd int ext4 = loop_make(plain_ext4, "defaults", &fresh);
	assert_ok(ext4, &fresh);
	assert_refused(ext4);

	cleanup_fd int tmpfs = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_refused(tmpfs);
}

/* The processes of users have no CAP_SYS_RESOURCE on the node; with it, ext4 lets everything pass. */
static void become_like_a_user(void)
{
	static const cap_value_t above_quota[] = {CAP_SYS_RESOURCE};
	cap_t caps = cap_get_proc();

	if (!caps || cap_set_flag(caps, CAP_EFFECTIVE, 1, above_quota, CAP_CLEAR) < 0 || cap_set_proc(caps) < 0)
		abort();
	cap_free(caps);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(project_quota_is_found),
		test(what_is_written_is_counted),
		test(limits_are_read_back),
		test(space_beyond_the_limit_is_refused),
		test(inodes_beyond_the_limit_are_refused),
		test(df_shows_the_limit),
		test(a_limit_that_is_taken_away_is_gone),
		test(the_smallest_limit_is_one),
		test(a_soft_limit_above_the_hard_one_is_refused),
		test(a_project_that_never_was_is_empty),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(without_project_quota_nothing_is_promised),
	};

	become_like_a_user();
	return cmocka_run_group_tests_name("disk quota on XFS", tests, setup_xfs, teardown_group) +
	       cmocka_run_group_tests_name("disk quota on ext4", tests, setup_ext4, teardown_group) +
	       cmocka_run_group_tests_name("no disk quota", others, NULL, NULL);
}
