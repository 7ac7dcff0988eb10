#include "runtime/amount.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

static const struct amount_scale bytes = {.suffixes = "TGMKPB", .unit = 1, .step = 1, .no_limit = true};
static const struct amount_scale kib = {.suffixes = "TGMKPB", .unit = 1024, .step = 1024, .no_limit = true};
static const struct amount_scale pages = {.suffixes = "TGMKPB", .unit = 4096, .step = 4096, .no_limit = true};
static const struct amount_scale items = {.suffixes = "TGMK", .unit = 1, .step = 1};

static void assert_amount(const struct amount_scale *scale, const char *text, uint64_t expected)
{
	uint64_t n = 1;
	const char *fault = amount_parse(scale, text, &n);

	if (fault || n != expected)
		fail_msg("%s is %ju (%s), not %ju", text, n, fault ? fault : "fine", expected);
}

static void assert_fault(const struct amount_scale *scale, const char *text, const char *expected)
{
	uint64_t n = 42;
	const char *fault = amount_parse(scale, text, &n);

	if (!fault || strcmp(fault, expected) != 0)
		fail_msg("%s: %s, not: %s", text, fault ? fault : "fine", expected);
	assert_int_equal(n, 42);
}

TEST(a_suffix_says_the_unit)
{
	assert_amount(&bytes, "2048", 2048);
	assert_amount(&bytes, "2048B", 2048);
	assert_amount(&bytes, "3P", 3 * 4096);
	assert_amount(&bytes, "3K", 3 * 1024);
	assert_amount(&bytes, "3m", 3ull << 20);
	assert_amount(&bytes, "3G", 3ull << 30);
	assert_amount(&bytes, "3t", 3ull << 40);
}

TEST(without_one_the_number_counts_what_the_parameter_counts)
{
	assert_amount(&kib, "2097152", 2ull << 30);
	assert_amount(&pages, "65536", 256ull << 20);
	assert_amount(&items, "0", 0);
	assert_amount(&items, "007", 7);
}

TEST(a_fraction_is_exact_and_rounds_down_to_whole_steps)
{
	assert_amount(&bytes, "2.5K", 2560);
	assert_amount(&bytes, "2.2G", 2362232012);
	assert_amount(&kib, "2.2G", 2306867ull * 1024);
	assert_amount(&pages, "5000B", 4096);
	assert_amount(&bytes, "1.5", 1);
	assert_amount(&bytes, "0.999999T", 1099510528264);
}

TEST(there_are_three_ways_to_say_unlimited)
{
	assert_amount(&bytes, "unlimited", AMOUNT_UNLIMITED);
	assert_amount(&pages, "9223372036854775807", AMOUNT_UNLIMITED);
	assert_amount(&kib, "18446744073709551615", AMOUNT_UNLIMITED);
	assert_fault(&items, "unlimited", "not a number");
	assert_fault(&items, "18446744073709551615", "the number is too large");
}

TEST(what_does_not_fit_is_refused)
{
	static const char too_large[] = "the number is too large";

	assert_amount(&bytes, "9223372036854775806", INT64_MAX - 1);
	assert_fault(&bytes, "9223372036854775808", too_large);
	assert_fault(&bytes, "18446744073709551616", too_large);
	assert_fault(&bytes, "99999999999999999999999999", too_large);
	assert_amount(&bytes, "8388607T", 8388607ull << 40);
	assert_fault(&bytes, "8388608T", too_large);
	assert_fault(&bytes, "16777216T", too_large);
	assert_fault(&bytes, "16777217T", too_large);
	assert_fault(&pages, "9223372036854775806", too_large);
	assert_fault(&kib, "9007199254740992", too_large);
}

TEST(what_is_no_amount_is_refused)
{
	static const char suffix[] = "a number may end with T, G, M, K, P (pages) or B (bytes)";
	static const char point[] = "after the point come 1 to 6 digits";

	assert_fault(&bytes, "", "not a number");
	assert_fault(&bytes, "-1", "not a number");
	assert_fault(&bytes, "+1", "not a number");
	assert_fault(&bytes, " 1", "not a number");
	assert_fault(&bytes, ".5G", "not a number");
	assert_fault(&bytes, "unlimitedly", "not a number");
	assert_fault(&bytes, "12x", suffix);
	assert_fault(&bytes, "1GB", suffix);
	assert_fault(&bytes, "1 G", suffix);
	assert_fault(&bytes, "0x10", suffix);
	assert_fault(&items, "1B", "a number may end with T, G, M or K");
	assert_fault(&bytes, "1.", point);
	assert_fault(&bytes, "1.G", point);
	assert_fault(&bytes, "1.0000001G", point);
	assert_fault(&bytes, "1.5.5G", suffix);
}

TEST(amounts_are_printed_in_units)
{
	cleanup_free char *number = amount_print(8192, 4096);
	cleanup_free char *none = amount_print(AMOUNT_UNLIMITED, 4096);

	assert_string_equal(number, "2");
	assert_string_equal(none, "unlimited");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suffix_says_the_unit),
		cmocka_unit_test(without_one_the_number_counts_what_the_parameter_counts),
		cmocka_unit_test(a_fraction_is_exact_and_rounds_down_to_whole_steps),
		cmocka_unit_test(there_are_three_ways_to_say_unlimited),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(what_is_no_amount_is_refused),
		cmocka_unit_test(amounts_are_printed_in_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
