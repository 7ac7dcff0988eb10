#include "unit.h"

#include "checkpoint/obstacle.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

TEST(every_kind_has_words_and_a_remedy)
{
	for (int kind = 0; kind < OBSTACLE_COUNT; kind++) {
		struct obstacle obstacle = {.kind = (enum obstacle_kind)kind, .pid = 1, .comm = "init"};
		cleanup_free char *text = obstacle_text(&obstacle);
		const char *words = str_after(text, "process 1 (init) has ");
		assert_non_null(words);
		assert_true(strlen(words) > 3);
		assert_true(strlen(obstacle_remedy((enum obstacle_kind)kind)) > 3);
	}
}

TEST(only_what_works_at_first_is_a_warning)
{
	for (int kind = 0; kind < OBSTACLE_COUNT; kind++)
		assert_int_equal(obstacle_is_fatal((enum obstacle_kind)kind),
				 kind != OBSTACLE_PRESSURE && kind != OBSTACLE_INOTIFY);
}

TEST(warnings_alone_do_not_forbid)
{
	cleanup_obstacles struct obstacles obstacles = {0};

	obstacle_add(&obstacles, OBSTACLE_PRESSURE, 1, "systemd", "/proc/pressure/memory");
	assert_int_equal(obstacles.fatal, 0);
	obstacle_add(&obstacles, OBSTACLE_IO_URING, 1, "systemd", "anon_inode:[io_uring]");
	assert_int_equal(obstacles.fatal, 1);
}

TEST(the_text_names_process_and_object)
{
	cleanup_obstacles struct obstacles obstacles = {0};

	obstacle_add(&obstacles, OBSTACLE_IO_URING, 12, "redis-server", "anon_inode:[io_uring]");
	obstacle_add(&obstacles, OBSTACLE_NS_UTS, 40, "systemd-logind", "");
	obstacle_add(&obstacles, OBSTACLE_LINK, 0, "", "wg0: wireguard");
	static const char *const expected[] = {
		"process 12 (redis-server) has an io_uring (anon_inode:[io_uring])",
		"process 40 (systemd-logind) has a UTS namespace of its own",
		"the network has a link of a kind that cannot be saved (wg0: wireguard)",
	};
	for (size_t i = 0; i < countof(expected); i++) {
		cleanup_free char *text = obstacle_text(&obstacles.items[i]);
		assert_string_equal(text, expected[i]);
	}
}

TEST(what_the_guest_named_is_made_printable)
{
	cleanup_obstacles struct obstacles obstacles = {0};
	char name[300];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';

	obstacle_add(&obstacles, OBSTACLE_DEVICE, 3, "\033[31mred\n", "/dev/\xc3\xa4\x7f\r");
	obstacle_add(&obstacles, OBSTACLE_DEVICE, 4, name, name);
	assert_string_equal(obstacles.items[0].comm, "?[31mred?");
	assert_string_equal(obstacles.items[0].object, "/dev/????");
	assert_int_equal(strlen(obstacles.items[1].comm), sizeof(obstacles.items[1].comm) - 1);
	assert_int_equal(strlen(obstacles.items[1].object), sizeof(obstacles.items[1].object) - 1);
}

TEST(the_same_is_said_once)
{
	cleanup_obstacles struct obstacles obstacles = {0};

	for (int i = 0; i < 3; i++)
		obstacle_add(&obstacles, OBSTACLE_DEVICE, 3, "qemu", "/dev/kvm");
	obstacle_add(&obstacles, OBSTACLE_DEVICE, 4, "qemu", "/dev/kvm");
	obstacle_add(&obstacles, OBSTACLE_DEVICE, 3, "qemu", "/dev/fuse");
	assert_int_equal(obstacles.n, 3);
}

TEST(a_list_that_is_full_counts_what_it_leaves_off_and_has_a_fatal_one)
{
	cleanup_obstacles struct obstacles obstacles = {0};

	for (pid_t pid = 1; pid <= OBSTACLES_MAX; pid++)
		obstacle_add(&obstacles, OBSTACLE_PRESSURE, pid, "x", "");
	assert_int_equal(obstacles.left_off, 0);
	obstacle_add(&obstacles, OBSTACLE_PERF, 9, "x", "");
	obstacle_add(&obstacles, OBSTACLE_PERF, 10, "x", "");
	assert_int_equal(obstacles.n, OBSTACLES_MAX);
	assert_int_equal(obstacles.left_off, 2);
	assert_int_equal(obstacles.fatal, 2);
	assert_int_equal(obstacles.items[OBSTACLES_MAX - 1].kind, OBSTACLE_PERF);
	assert_int_equal(obstacles.items[OBSTACLES_MAX - 1].pid, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_words_and_a_remedy),
		cmocka_unit_test(only_what_works_at_first_is_a_warning),
		cmocka_unit_test(warnings_alone_do_not_forbid),
		cmocka_unit_test(the_text_names_process_and_object),
		cmocka_unit_test(what_the_guest_named_is_made_printable),
		cmocka_unit_test(the_same_is_said_once),
		cmocka_unit_test(a_list_that_is_full_counts_what_it_leaves_off_and_has_a_fatal_one),
	};
	return cmocka_run_group_tests_name("obstacle", tests, NULL, NULL);
}
