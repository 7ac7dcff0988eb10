#include "runtime/path.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* A root as a hostile tenant makes it, beside a file that is none of its business. */
struct hostile {
	struct scratch scratch;
	int root;
};

static struct hostile hostile_new(void)
{
	struct hostile hostile = {.scratch = scratch_new()};
	int top = hostile.scratch.fd;

	mkdirat(top, "root", 0755);
	mkdirat(top, "outside", 0755);
	close(openat(top, "outside/program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	hostile.root = openat(top, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(hostile.root >= 0);
	return hostile;
}

static void hostile_done(struct hostile *hostile)
{
	fd_close(hostile->root);
	scratch_done(&hostile->scratch);
}
#define cleanup_hostile __attribute__((cleanup(hostile_done)))

TEST(a_directory_that_is_a_link_is_refused)
{
	cleanup_hostile struct hostile hostile = hostile_new();
	struct err err = {0};

	assert_int_equal(symlinkat("../outside", hostile.root, "proc"), 0);
	assert_true(path_dir(hostile.root, "proc", true, &err) < 0);
	assert_string_equal(err.text, "/proc in the VE is or passes through a symbolic link, which is refused here");
}

TEST(a_directory_below_a_link_is_neither_found_nor_made)
{
	cleanup_hostile struct hostile hostile = hostile_new();
	struct err err = {0};
	struct stat st;

	assert_int_equal(symlinkat("../outside", hostile.root, "dev"), 0);
	assert_true(path_dir(hostile.root, "dev/pts", true, &err) < 0);
	assert_int_equal(fstatat(hostile.scratch.fd, "outside/pts", &st, 0), -1);
}

TEST(dot_dot_and_absolute_paths_stay_inside)
{
	cleanup_hostile struct hostile hostile = hostile_new();
	struct err err = {0};
	struct stat inside, top;

	cleanup_fd int up = path_dir(hostile.root, "../../..", false, &err);
	assert_int_equal(fstat(up, &inside), 0);
	assert_int_equal(fstat(hostile.root, &top), 0);
	assert_int_equal(inside.st_ino, top.st_ino);
}

TEST(missing_directories_are_made)
{
	cleanup_hostile struct hostile hostile = hostile_new();
	struct err err = {0};
	struct stat st;

	cleanup_fd int made = path_dir(hostile.root, "sys/fs/cgroup", true, &err);
	assert_true(made >= 0);
	assert_int_equal(fstatat(hostile.root, "sys/fs/cgroup", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISDIR(st.st_mode));
}

TEST(a_program_is_found_through_links_that_stay_inside_only)
{
	cleanup_hostile struct hostile hostile = hostile_new();

	mkdirat(hostile.root, "bin", 0755);
	mkdirat(hostile.root, "sbin", 0755);
	close(openat(hostile.root, "bin/systemd", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	assert_int_equal(symlinkat("/bin/systemd", hostile.root, "sbin/init"), 0);
	assert_int_equal(symlinkat("../../outside/program", hostile.root, "sbin/escape"), 0);
	assert_true(path_is_program(hostile.root, "/sbin/init"));
	assert_false(path_is_program(hostile.root, "/sbin/escape"));
	assert_false(path_is_program(hostile.root, "/bin"));
}

TEST(a_fifo_in_place_of_a_device_neither_hangs_nor_passes)
{
	cleanup_hostile struct hostile hostile = hostile_new();
	struct err err = {0};

	mkfifoat(hostile.root, "ptmx", 0666);
	assert_true(path_device(hostile.root, "ptmx", makedev(5, 2), &err) < 0);
	assert_string_equal(err.text, "/ptmx in the VE is not the device it should be");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_that_is_a_link_is_refused),
		cmocka_unit_test(a_directory_below_a_link_is_neither_found_nor_made),
		cmocka_unit_test(dot_dot_and_absolute_paths_stay_inside),
		cmocka_unit_test(missing_directories_are_made),
		cmocka_unit_test(a_program_is_found_through_links_that_stay_inside_only),
		cmocka_unit_test(a_fifo_in_place_of_a_device_neither_hangs_nor_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
