#include "runtime/feature.h"

#include "runtime/base/mem.h"
#include "runtime/value.h"
#include "tests/unit/unit.h"

TEST(the_last_word_on_a_feature_counts)
{
	assert_int_equal(feature_said("tun:on sit:off", "tun"), 1);
	assert_int_equal(feature_said("tun:on sit:off", "sit"), 0);
	assert_int_equal(feature_said("tun:on,tun:off", "tun"), 0);
}

TEST(nothing_is_said_of_what_is_not_mentioned)
{
	assert_int_equal(feature_said(NULL, "tun"), -1);
	assert_int_equal(feature_said("", "tun"), -1);
	assert_int_equal(feature_said("tunnel:on atun:on tu:on", "tun"), -1);
	assert_int_equal(feature_said("tun", "tun"), -1);
}

TEST(a_file_may_have_features_of_tomorrow_an_option_not)
{
	char *list = NULL;
	struct why why;

	assert_int_equal(features_parse("hologram:on,tun:on", false, &list, &why), 0);
	assert_string_equal(list, "hologram:on tun:on");
	free(list);
	assert_true(features_parse("hologram:on,tun:on", true, &list, &why) < 0);
	assert_string_equal(why.text, "hologram is not a feature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_word_on_a_feature_counts),
		cmocka_unit_test(nothing_is_said_of_what_is_not_mentioned),
		cmocka_unit_test(a_file_may_have_features_of_tomorrow_an_option_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
