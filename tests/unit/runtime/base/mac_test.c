#include "runtime/base/mac.h"

#include <string.h>

#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

TEST(a_mac_is_six_pairs_of_digits)
{
	struct mac mac;
	char text[MAC_TEXT];

	assert_int_equal(mac_parse("00:18:51:AB:cd:0f", &mac), 0);
	assert_memory_equal(mac.bytes, ((uint8_t[]){0x00, 0x18, 0x51, 0xab, 0xcd, 0x0f}), 6);
	assert_string_equal(mac_print(&mac, text), "00:18:51:ab:cd:0f");
}

TEST(anything_else_is_refused)
{
	static const char *const bad[] = {
		"",
		"00:18:51",
		"00:18:51:ab:cd",
		"00:18:51:ab:cd:",
		"00:18:51:ab:cd:f",
		"0:18:51:ab:cd:ef",
		"00-18-51-ab-cd-ef",
		"001851abcdef",
		"00:18:51:ab:cd:eg",
		"00:18:51:ab:cd:ef ",
		" 0:18:51:ab:cd:ef",
		"00:18:51:ab:cd:+1",
		"00:18:51:ab:cd:0x",
		"00:18:51:ab:cd.ef",
		"00:18:51:ab:cd:ef:01",
	};
	struct mac mac = {{1, 2, 3, 4, 5, 6}};

	for (size_t i = 0; i < countof(bad); i++)
		if (mac_parse(bad[i], &mac) == 0)
			fail_msg("\"%s\" passed", bad[i]);
	assert_memory_equal(mac.bytes, ((uint8_t[]){1, 2, 3, 4, 5, 6}), 6);
}

TEST(a_generated_one_is_of_the_vendor_and_not_the_last_one_again)
{
	struct mac a, b, c;

	mac_generate(&a);
	mac_generate(&b);
	mac_generate(&c);
	assert_memory_equal(a.bytes, ((uint8_t[]){0x00, 0x18, 0x51}), 3);
	assert_false(mac_is_multicast(&a));
	assert_false(mac_same(&a, &b) && mac_same(&b, &c));
}

TEST(what_kind_it_is)
{
	struct mac zero, group, broadcast, one;

	assert_int_equal(mac_parse("00:00:00:00:00:00", &zero), 0);
	assert_int_equal(mac_parse("01:00:5e:00:00:01", &group), 0);
	assert_int_equal(mac_parse("ff:ff:ff:ff:ff:ff", &broadcast), 0);
	assert_int_equal(mac_parse("02:00:00:00:00:00", &one), 0);
	assert_true(mac_is_zero(&zero));
	assert_false(mac_is_zero(&one));
	assert_true(mac_is_multicast(&group));
	assert_true(mac_is_multicast(&broadcast));
	assert_false(mac_is_multicast(&one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_is_six_pairs_of_digits),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_generated_one_is_of_the_vendor_and_not_the_last_one_again),
		cmocka_unit_test(what_kind_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
