#include "runtime/uptime.h"

#include <stdbool.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static bool near(double a, double b)
{
	return a > b - 0.001 && a < b + 0.001;
}

TEST(the_offset_of_the_boot_clock_counts_and_no_other)
{
	assert_true(near(uptime_from("monotonic         -90         0\nboottime         -100         0\n", 160), 60));
	assert_true(near(uptime_from("monotonic 0 0\nboottime -100 500000000\n", 160), 60.5));
	assert_true(near(uptime_from("monotonic 0 0\nboottime 100 0\n", 1), 101));
}

TEST(a_clock_does_not_show_less_than_nothing)
{
	assert_true(near(uptime_from("boottime -2 999999999\n", 1), 0));
	assert_true(near(uptime_from("monotonic -5 0\n", 10), 0));
	assert_true(near(uptime_from("", 10), 0));
}

TEST(a_process_lives_by_the_clock_of_its_namespace_and_one_that_is_gone_by_none)
{
	assert_true(uptime_of(getpid()) > 0);
	assert_true(near(uptime_of(0), 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_offset_of_the_boot_clock_counts_and_no_other),
		cmocka_unit_test(a_clock_does_not_show_less_than_nothing),
		cmocka_unit_test(a_process_lives_by_the_clock_of_its_namespace_and_one_that_is_gone_by_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
