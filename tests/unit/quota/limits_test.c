/* How limits become the text that cgroup-v2.rst describes, and which files are written at all. The group is played. */
#include "unit.h"

#include <errno.h>

#include "quota/cgroup.h"
#include "quota/limits.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define GROUP "openve/ve-101"

int cgroup_write(const char *name, const char *file, const char *value, struct err *err)
{
	assert_string_equal(name, GROUP);
	check_expected_ptr(file);
	check_expected_ptr(value);

	int r = mock_type(int);
	return r < 0 ? err_set(err, -r, "write %s", file) : 0;
}

int cgroup_read(const char *name, const char *file, char **ret_text)
{
	assert_string_equal(name, "openve");
	assert_string_equal(file, "cpuset.cpus.effective");

	const char *text = mock_ptr_type(const char *);
	*ret_text = mem_strdup(text);
	return text ? 0 : -ENOENT;
}

bool cgroup_has_controller(const char *base, const char *controller)
{
	assert_string_equal(base, "openve");
	check_expected_ptr(controller);
	return mock_type(bool);
}

int cgroup_no_controller(const char *controller, struct err *err)
{
	return err_say(err, ERR_NO_RESOURCE, "no %s controller", controller);
}

static void expect_write(const char *file, const char *value, int result)
{
	expect_string(cgroup_write, file, file);
	expect_string(cgroup_write, value, value);
	will_return(cgroup_write, result);
}

static void expect_missing(const char *controller)
{
	expect_string(cgroup_has_controller, controller, controller);
	will_return(cgroup_has_controller, false);
}

static struct limits unlimited(void)
{
	return (struct limits){
		.ram = LIMIT_NONE,
		.swap = LIMIT_NONE,
		.cpulimit = LIMIT_NONE,
		.cpuunits = LIMIT_NONE,
		.cpus = LIMIT_NONE,
		.numproc = LIMIT_NONE,
	};
}

/* A group that has had its limits before, so that only differences are written. */
static void assert_applies(const struct limits *wanted)
{
	struct limits before = unlimited();
	struct err err = {0};

	assert_int_equal(limits_apply(GROUP, wanted, &before, &err), 0);
	assert_int_equal(err.kind, ERR_NONE);
}

TEST(each_limit_has_its_file)
{
	static const struct {
		size_t field;
		uint64_t limit;
		const char *file, *text;
	} rows[] = {
		{offsetof(struct limits, ram), 536870912, "memory.max", "536870912"},
		{offsetof(struct limits, swap), 0, "memory.swap.max", "0"},
		{offsetof(struct limits, cpulimit), 50, "cpu.max", "50000 100000"},
		{offsetof(struct limits, cpulimit), 1, "cpu.max", "1000 100000"},
		{offsetof(struct limits, cpulimit), 250, "cpu.max", "250000 100000"},
		{offsetof(struct limits, cpuunits), 2000, "cpu.weight", "200"},
		{offsetof(struct limits, cpuunits), 8, "cpu.weight", "1"},
		{offsetof(struct limits, cpuunits), 500000, "cpu.weight", "10000"},
		{offsetof(struct limits, numproc), 400, "pids.max", "400"},
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct limits wanted = unlimited();
		*(uint64_t *)(void *)((char *)&wanted + rows[i].field) = rows[i].limit;
		expect_write(rows[i].file, rows[i].text, 0);
		assert_applies(&wanted);
	}
}

TEST(taking_a_limit_away_writes_the_default)
{
	struct limits before = {.ram = 1, .swap = 1, .cpulimit = 1, .cpuunits = 10, .cpus = 1, .numproc = 1};
	struct limits wanted = unlimited();
	struct err err = {0};

	will_return(cgroup_read, "0-3");
	expect_write("cpu.max", "max 100000", 0);
	expect_write("cpu.weight", "100", 0);
	expect_write("cpuset.cpus", "0,1,2,3\n", 0);
	expect_write("memory.swap.max", "max", 0);
	expect_write("memory.max", "max", 0);
	expect_write("pids.max", "max", 0);
	assert_int_equal(limits_apply(GROUP, &wanted, &before, &err), 0);
}

TEST(what_stays_as_it_is_is_not_written)
{
	struct limits before = {1 << 30, 1 << 20, 150, 1000, LIMIT_NONE, 7, 400}, wanted = before;
	struct err err = {0};

	wanted.ram *= 2;
	expect_write("memory.max", "2147483648", 0);
	assert_int_equal(limits_apply(GROUP, &wanted, &before, &err), 0);
}

TEST(a_fresh_group_is_bounded_even_without_limits)
{
	struct limits wanted = unlimited();
	struct err err = {0};

	expect_write("cgroup.max.depth", "64", 0);
	expect_write("cgroup.max.descendants", "10000", 0);
	assert_int_equal(limits_apply(GROUP, &wanted, NULL, &err), 0);
}

TEST(swap_is_set_before_the_memory_that_needs_it)
{
	struct limits wanted = unlimited();

	wanted.ram = 1 << 20;
	wanted.swap = 1 << 30;
	expect_write("memory.swap.max", "1073741824", 0);
	expect_write("memory.max", "1048576", 0);
	assert_applies(&wanted);
}

static void assert_cpus(const char *online, uint64_t count, uint64_t first, const char *text)
{
	struct limits wanted = unlimited();

	wanted.cpus = count;
	wanted.cpu_first = first;
	will_return(cgroup_read, online);
	if (text)
		expect_write("cpuset.cpus", text, 0);
	assert_applies(&wanted);
}

TEST(cpus_follow_one_another_and_wrap)
{
	assert_cpus("0-7\n", 2, 0, "0,1\n");
	assert_cpus("0-7\n", 2, 3, "3,4\n");
	assert_cpus("0-7\n", 3, 6, "0,6,7\n");
	assert_cpus("0-7\n", 2, 8, "0,1\n");
	assert_cpus("0-7\n", 1, 4294967295u, "7\n");
}

TEST(only_cpus_that_are_online_count)
{
	assert_cpus("0,2,4,6\n", 2, 1, "2,4\n");
	assert_cpus("0-1,4-5\n", 3, 3, "0,1,5\n");
}

TEST(as_many_cpus_as_there_are_is_no_limit)
{
	assert_cpus("0-3\n", 4, 1, NULL);
	assert_cpus("0-3\n", 64, 1, NULL);
}

TEST(a_limit_without_its_controller_is_an_error)
{
	struct limits wanted = unlimited(), before = wanted;
	struct err err = {0};

	wanted.ram = 1 << 30;
	expect_write("memory.max", "1073741824", -ENOENT);
	expect_missing("memory");
	assert_true(limits_apply(GROUP, &wanted, &before, &err) < 0);
	assert_int_equal(err.kind, ERR_NO_RESOURCE);
	assert_string_equal(err.text, "no memory controller");
}

TEST(no_limit_needs_no_controller)
{
	struct limits wanted = unlimited(), before = wanted;
	struct err err = {0};

	before.ram = 1 << 30;
	expect_write("memory.max", "max", -ENOENT);
	expect_missing("memory");
	assert_int_equal(limits_apply(GROUP, &wanted, &before, &err), 0);

	expect_write("cgroup.max.depth", "64", 0);
	expect_write("cgroup.max.descendants", "10000", 0);
	assert_int_equal(limits_apply(GROUP, &wanted, NULL, &err), 0);
	assert_int_equal(err.kind, ERR_NONE);
}

TEST(what_the_kernel_refuses_is_told)
{
	struct limits wanted = unlimited(), before = wanted;
	struct err err = {0};

	wanted.numproc = UINT64_MAX - 1;
	expect_write("pids.max", "18446744073709551614", -EINVAL);
	assert_int_equal(limits_apply(GROUP, &wanted, &before, &err), -EINVAL);
	assert_string_equal(err.text, "write pids.max: Invalid argument");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_limit_has_its_file),
		cmocka_unit_test(taking_a_limit_away_writes_the_default),
		cmocka_unit_test(what_stays_as_it_is_is_not_written),
		cmocka_unit_test(a_fresh_group_is_bounded_even_without_limits),
		cmocka_unit_test(swap_is_set_before_the_memory_that_needs_it),
		cmocka_unit_test(cpus_follow_one_another_and_wrap),
		cmocka_unit_test(only_cpus_that_are_online_count),
		cmocka_unit_test(as_many_cpus_as_there_are_is_no_limit),
		cmocka_unit_test(a_limit_without_its_controller_is_an_error),
		cmocka_unit_test(no_limit_needs_no_controller),
		cmocka_unit_test(what_the_kernel_refuses_is_told),
	};
	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
