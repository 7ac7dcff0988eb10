#include "netns/element.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

static const struct element_set sets[] = {{"t a"}, {"t b"}, {"t counted", .counts = true}};

static void add(struct elements *elements, size_t set, const char *key, const char *value)
{
	elements_add(elements, &sets[set], mem_strdup(key), mem_strdup(value));
}

static void check(const char *verb, const struct elements *elements, const struct elements *without,
		  const char *expected)
{
	cleanup_text struct text text = {0};

	elements_print(&text, verb, elements, without);
	assert_string_equal(text.s ? text.s : "", expected);
}

TEST(one_command_for_each_set)
{
	cleanup_elements struct elements elements = {0};

	add(&elements, 1, "2", " : x");
	add(&elements, 0, "1", "");
	add(&elements, 1, "1", " : y");
	elements_sort(&elements);
	check("add", &elements, NULL, "add element t a { 1 }\nadd element t b { 1 : y, 2 : x }\n");
	check("destroy", &elements, NULL, "destroy element t a { 1 }\ndestroy element t b { 1, 2 }\n");
}

TEST(of_one_key_there_is_one)
{
	cleanup_elements struct elements elements = {0}, none = {0};

	add(&elements, 0, "1", " comment \"b\"");
	add(&elements, 0, "1", " comment \"a\"");
	add(&elements, 0, "1", " comment \"a\"");
	elements_sort(&elements);
	assert_int_equal(elements.n, 1);
	elements_sort(&none);
	check("add", &none, NULL, "");
}

TEST(what_both_have_is_no_difference)
{
	cleanup_elements struct elements old = {0}, new = {0};

	add(&old, 0, "1", "");
	add(&new, 0, "1", "");
	add(&old, 0, "gone", "");
	add(&new, 1, "come", "");
	add(&old, 1, "changed", " : x");
	add(&new, 1, "changed", " : y");
	add(&old, 2, "1", " counter packets 0 bytes 0");
	add(&new, 2, "1", " counter packets 7 bytes 7");
	elements_sort(&old);
	elements_sort(&new);
	check("destroy", &old, &new, "destroy element t a { gone }\ndestroy element t b { changed }\n");
	check("create", &new, &old, "create element t b { changed : y, come }\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_command_for_each_set),
		cmocka_unit_test(of_one_key_there_is_one),
		cmocka_unit_test(what_both_have_is_no_difference),
	};
	return cmocka_run_group_tests_name("element", tests, NULL, NULL);
}
