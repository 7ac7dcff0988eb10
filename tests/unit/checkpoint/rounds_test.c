/* The directories of what was written before a dump. */
#include "unit.h"

#include <string.h>

#include "checkpoint/rounds.h"
#include "runtime/base/err.h"
#include "tests/unit/scratch.h"

TEST(they_are_counted_from_one)
{
	cleanup_scratch struct scratch files = scratch_new();
	struct err err = {0};

	assert_int_equal(rounds_count(files.fd), 0);
	for (int n = 1; n <= 3; n++) {
		assert_int_equal(rounds_add(files.fd, &err), n);
		assert_int_equal(rounds_count(files.fd), n);
	}
	assert_int_equal(faccessat(files.fd, "pre-3", F_OK, 0), 0);
}

TEST(what_follows_one_that_is_missing_does_not_count)
{
	cleanup_scratch struct scratch files = scratch_new();
	struct err err = {0};

	rounds_add(files.fd, &err);
	rounds_add(files.fd, &err);
	assert_int_equal(unlinkat(files.fd, "pre-1", AT_REMOVEDIR), 0);
	assert_int_equal(rounds_count(files.fd), 0);
}

TEST(one_that_cannot_be_made_is_told)
{
	cleanup_scratch struct scratch files = scratch_new();
	struct err err = {0};

	assert_int_equal(unlinkat(AT_FDCWD, files.path, AT_REMOVEDIR), 0);
	assert_true(rounds_add(files.fd, &err) < 0);
	assert_non_null(strstr(err.text, "pre-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_counted_from_one),
		cmocka_unit_test(what_follows_one_that_is_missing_does_not_count),
		cmocka_unit_test(one_that_cannot_be_made_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
