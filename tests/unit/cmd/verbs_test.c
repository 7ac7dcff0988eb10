/* The verb table and the interface say the same; each state of a VE has a way out, and each refusal has words of its
 * own. */
#include "cmd/verbs.h"

#include "cmd/errors.h"
#include "cmd/interface.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (str_eq(verb_table[i].name, name) || str_eq(verb_table[i].method, name))
			return &verb_table[i];
	return NULL;
}

static const sd_varlink_symbol *symbol(const sd_varlink_interface *interface, const char *name)
{
	for (size_t i = 0; interface->symbols[i]; i++)
		if (interface->symbols[i]->symbol_type != _SD_VARLINK_SYMBOL_COMMENT && interface->symbols[i]->name &&
		    str_eq(interface->symbols[i]->name, name))
			return interface->symbols[i];
	return NULL;
}

TEST(each_verb_is_a_method_of_the_interface)
{
	sd_varlink_interface *interface = interface_new();

	for (size_t i = 0; i < verb_count; i++) {
		const sd_varlink_symbol *method = symbol(interface, verb_table[i].method);
		assert_non_null(method);
		assert_int_equal(method->symbol_type, SD_VARLINK_METHOD);
	}
	interface_free(interface);
}

TEST(each_method_of_the_interface_is_a_verb)
{
	sd_varlink_interface *interface = interface_new();

	for (size_t i = 0; interface->symbols[i]; i++)
		if (interface->symbols[i]->symbol_type == SD_VARLINK_METHOD)
			assert_non_null(find(interface->symbols[i]->name));
	interface_free(interface);
}

TEST(each_error_is_in_the_interface)
{
	sd_varlink_interface *interface = interface_new();

	for (enum err_kind kind = ERR_NONE + 1; kind < ERR_COUNT; kind++) {
		const sd_varlink_symbol *error =
			symbol(interface, str_after(error_table[kind].name, INTERFACE_NAME "."));
		assert_non_null(error);
		assert_int_equal(error->symbol_type, SD_VARLINK_ERROR);
	}
	interface_free(interface);
}

TEST(the_interface_can_be_introspected)
{
	sd_varlink_interface *interface = interface_new();
	cleanup_free char *text = NULL;

	assert_true(sd_varlink_idl_format(interface, &text) >= 0);
	assert_non_null(strstr(text, "interface io.openve\n"));
	assert_non_null(strstr(text, "# Boot a VE\n"));
	assert_non_null(strstr(text, "error NoSuchVE(\n\treason: string,\n\tstep: ?string,\n\terrno: ?int\n)"));
	interface_free(interface);
}

TEST(each_state_has_a_verb_that_leaves_it)
{
	static const char *const leaving[] = {"start", "stop", "umount", "destroy"};

	for (enum ve_state state = VE_STOPPED; state <= VE_BROKEN; state++) {
		bool found = false;
		for (size_t i = 0; i < countof(leaving); i++)
			found |= find(leaving[i])->states & (1u << state);
		assert_true(found);
	}
}

TEST(what_is_recorded_has_a_word_for_it)
{
	for (size_t i = 0; i < verb_count; i++)
		assert_int_equal(!!(verb_table[i].flags & VERB_RECORDED), verb_table[i].done != NULL);
}

TEST(each_refusal_has_words_of_its_own)
{
	for (size_t i = 0; i < verb_count; i++) {
		for (enum ve_state state = VE_STOPPED; verb_table[i].states && state <= VE_BROKEN; state++) {
			struct err err = {0};
			int r = verb_check(&verb_table[i], state, &err);
			assert_int_equal(r < 0, !(verb_table[i].states & (1u << state)));
			assert_null(strstr(err.text, "is not possible"));
		}
	}
}

static void check_words(const char *verb, enum ve_state state, enum err_kind kind, const char *text)
{
	struct err err = {0};

	assert_true(verb_check(find(verb), state, &err) < 0);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, text);
}

TEST(refusals_are_vzctls)
{
	check_words("start", VE_RUNNING, ERR_RUNNING, "Container is already running");
	check_words("stop", VE_STOPPED, ERR_NOT_RUNNING, "Unable to stop: container is not running");
	check_words("exec", VE_MOUNTED, ERR_NOT_RUNNING, "Container is not running");
	check_words("destroy", VE_RUNNING, ERR_RUNNING, "Container is currently running. Stop it first.");
	check_words("destroy", VE_MOUNTED, ERR_MOUNTED, "Container is currently mounted. Unmount it first.");
	check_words("umount", VE_RUNNING, ERR_RUNNING, "Container is currently running. Stop it first.");
	check_words("umount", VE_STOPPED, ERR_NOT_MOUNTED, "Container is not mounted");
	check_words("mount", VE_MOUNTED, ERR_MOUNTED, "Container is already mounted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verb_is_a_method_of_the_interface),
		cmocka_unit_test(each_method_of_the_interface_is_a_verb),
		cmocka_unit_test(each_error_is_in_the_interface),
		cmocka_unit_test(the_interface_can_be_introspected),
		cmocka_unit_test(each_state_has_a_verb_that_leaves_it),
		cmocka_unit_test(what_is_recorded_has_a_word_for_it),
		cmocka_unit_test(each_refusal_has_words_of_its_own),
		cmocka_unit_test(refusals_are_vzctls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
