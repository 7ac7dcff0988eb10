/* Nothing that a VE writes reaches the operator's terminal, the log or JSON as anything but text. */
#include "cmd/plain.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

static void check(const char *text, const char *expected)
{
	cleanup_free char *plain = plain_text(text);
	assert_string_equal(plain, expected);
}

TEST(text_stays_as_it_is)
{
	check("", "");
	check("cannot start 101: write memory.max", "cannot start 101: write memory.max");
	check("Größe €, \xf0\x9f\x90\xb3", "Größe €, \xf0\x9f\x90\xb3");
}

TEST(no_line_is_forged)
{
	check("one\n2026-11-23 two\tthree\r", "one 2026-11-23 two three?");
	check("\tindented\tonce", "\tindented once");
}

TEST(no_escape_sequence_gets_through)
{
	check("\033[2J\x7f", "?[2J?");
	check("\xc2\x9b"
	      "2J",
	      "??2J"); /* CSI in eight bits, as UTF-8 */
}

TEST(what_is_not_utf_8_is_marked)
{
	check("a\xff"
	      "b",
	      "a?b");
	check("\xc3", "?");		   /* cut short */
	check("\xe0\x83\xbf", "???");	   /* longer than need be */
	check("\xed\xa0\x80", "???");	   /* a surrogate */
	check("\xf4\x90\x80\x80", "????"); /* beyond Unicode */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays_as_it_is),
		cmocka_unit_test(no_line_is_forged),
		cmocka_unit_test(no_escape_sequence_gets_through),
		cmocka_unit_test(what_is_not_utf_8_is_marked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
