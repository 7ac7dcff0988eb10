/* What callers may call an image. */
#include "runtime/dumps.h"

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "tests/unit/unit.h"

#define CTID 101

TEST(a_name_is_one_in_the_dump_directory_with_the_path_or_without)
{
	static const char *const paths[] = {"mine", PATH_DUMP "/mine"};

	for (size_t i = 0; i < countof(paths); i++) {
		const char *name = NULL;
		struct err err = {0};
		assert_int_equal(dumps_name(paths[i], CTID, &name, &err), 0);
		assert_string_equal(name, "mine");
	}
}

TEST(elsewhere_is_refused)
{
	static const char *const paths[] = {"/tmp/mine", "../mine", "a/b", PATH_DUMP "/../x", PATH_DUMP "//mine", "/"};

	for (size_t i = 0; i < countof(paths); i++) {
		const char *name = "untouched";
		struct err err = {0};
		assert_true(dumps_name(paths[i], CTID, &name, &err) < 0);
		assert_int_equal(err.kind, ERR_BAD_VALUE);
		assert_string_equal(name, "untouched");
	}
}

TEST(the_name_by_which_another_ve_is_suspended_is_refused)
{
	const char *name = NULL;
	struct err err = {0};

	assert_int_equal(dumps_name("101", CTID, &name, &err), 0);
	assert_true(dumps_name("102", CTID, &name, &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_VALUE);
	assert_int_equal(dumps_name("102.old", CTID, &name, &(struct err){0}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_one_in_the_dump_directory_with_the_path_or_without),
		cmocka_unit_test(elsewhere_is_refused),
		cmocka_unit_test(the_name_by_which_another_ve_is_suspended_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
