/* UUIDs as people write them, and as we do. */
#include "runtime/uuid.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

#define BARE "5d4fd4ff-0b9c-4f3c-a3e4-8a6e0d9c4b51"

static void check(const char *text)
{
	struct err err = {0};
	char id[UUID_SIZE];

	if (uuid_parse(text, id, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(id, BARE);
}

TEST(braces_and_case_do_not_matter)
{
	check(BARE);
	check("{" BARE "}");
	check("{5D4FD4FF-0B9C-4F3C-A3E4-8A6E0D9C4B51}");
}

TEST(anything_else_is_refused)
{
	static const char *const bad[] = {
		"",
		"{}",
		"-",
		"1",
		"{" BARE,
		BARE "}",
		"{{" BARE "}}",
		BARE "0",
		" " BARE,
		"5d4fd4ff0b9c-4f3c-a3e4-8a6e0d9c4b51-",
		"5d4fd4fg-0b9c-4f3c-a3e4-8a6e0d9c4b51",
		"../../../../../../../../../etc/passwd",
		"/d4fd4ff-0b9c-4f3c-a3e4-8a6e0d9c4b51",
		"5d4fd4ff-0b9c-4f3c-a3e4-8a6e0d9c4b5\n",
	};

	for (size_t i = 0; i < countof(bad); i++) {
		struct err err = {0};
		char id[UUID_SIZE] = "untouched";
		if (uuid_parse(bad[i], id, &err) >= 0)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(err.kind, ERR_BAD_VALUE);
		assert_string_equal(id, "untouched");
	}
}

TEST(a_new_one_is_one_and_no_two_are_the_same)
{
	struct err err = {0};
	char a[UUID_SIZE], b[UUID_SIZE], parsed[UUID_SIZE];

	assert_int_equal(uuid_make(a, &err), 0);
	assert_int_equal(uuid_make(b, &err), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(uuid_parse(a, parsed, &err), 0);
	assert_string_equal(a, parsed);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(braces_and_case_do_not_matter),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_new_one_is_one_and_no_two_are_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
