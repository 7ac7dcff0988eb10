/* The line of `vzctl status`, which scripts cut at blanks or compare as a whole. */
#include "cmd/operations.h"

#include "cmd/client.h"
#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

static void check(const char *json, const char *expected)
{
	cleanup_json sd_json_variant *answer = NULL;

	assert_true(sd_json_parse(json, 0, &answer, NULL, NULL) >= 0);
	cleanup_free char *line = operation_status_line("web", answer);
	assert_string_equal(line, expected);
}

TEST(status_has_vzctls_words)
{
	check("{\"ctid\":101,\"exists\":true,\"mounted\":true,\"running\":true,\"suspended\":false}",
	      "CTID 101 exist mounted running");
	check("{\"ctid\":101,\"exists\":true,\"mounted\":false,\"running\":false,\"suspended\":true}",
	      "CTID 101 exist unmounted down suspended");
	check("{\"ctid\":999,\"exists\":false,\"mounted\":false,\"running\":false,\"suspended\":false}",
	      "CTID 999 deleted unmounted down");
}

TEST(a_name_that_nobody_has_is_told_as_it_was_asked)
{
	check("{\"exists\":false,\"mounted\":false,\"running\":false,\"suspended\":false}",
	      "CTID web deleted unmounted down");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_has_vzctls_words),
		cmocka_unit_test(a_name_that_nobody_has_is_told_as_it_was_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
