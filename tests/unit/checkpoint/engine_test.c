/* Which criu is refused on which kernel, and with what words. */
#include "unit.h"

#include "checkpoint/engine.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

TEST(what_goes_together_is_accepted)
{
	static const struct {
		unsigned version;
		const char *release;
	} pairs[] = {
		{40101, "6.12.48+deb13-amd64"}, {40101, "6.15.11"}, {40101, "5.10.0"}, {40200, "6.16.0"},
		{40201, "6.18.3-amd64"},	{40200, "7.0.0"},   {50000, "6.12"},   {40200, "linux"},
	};

	for (size_t i = 0; i < countof(pairs); i++) {
		struct err err = {0};
		if (engine_check(pairs[i].version, pairs[i].release, &err) != 0)
			fail_msg("%u on %s: %s", pairs[i].version, pairs[i].release, err.text);
	}
}

TEST(a_criu_that_knows_no_new_sockets_is_refused_on_a_new_kernel)
{
	static const char *const releases[] = {"6.16.0", "6.16.0-rc1", "6.18.44", "7.0.0-1-amd64", "10.2", "unknown"};

	for (size_t i = 0; i < countof(releases); i++) {
		struct err err = {0};
		assert_true(engine_check(40101, releases[i], &err) < 0);
		assert_int_equal(err.kind, ERR_NOT_SUPPORTED);
	}

	struct err err = {0};
	engine_check(40199, "6.18.44", &err);
	assert_string_equal(err.text, "criu 4.1.99 cannot save sockets on kernel 6.18.44 (6.16 or newer): install criu "
				      "4.2 or newer");
}

TEST(an_old_criu_is_refused_everywhere)
{
	struct err err = {0};
	assert_true(engine_check(40100, "6.12.0", &err) < 0);
	assert_int_equal(err.kind, ERR_NOT_SUPPORTED);

	err = (struct err){0};
	assert_true(engine_check(31701, "6.18.0", &err) < 0);
	assert_string_equal(err.text, "criu 3.17.1 is too old: install criu 4.1.1 or newer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_together_is_accepted),
		cmocka_unit_test(a_criu_that_knows_no_new_sockets_is_refused_on_a_new_kernel),
		cmocka_unit_test(an_old_criu_is_refused_everywhere),
	};
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
