/* What one node makes of what another says of itself. */
#include "cmd/peer.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "tests/unit/unit.h"

static struct kvfile *node(const char *machine, const char *flags, const char *boot)
{
	struct kvfile *facts = kvfile_new();

	kvfile_set(facts, "PROTOCOL", PEER_PROTOCOL);
	kvfile_set(facts, "MACHINE", machine);
	kvfile_set(facts, "FLAGS", flags);
	kvfile_set(facts, "BOOT", boot);
	return facts;
}

TEST(processes_go_on_where_the_processor_has_all_that_theirs_had)
{
	cleanup_kvfile struct kvfile *old = node("x86_64", "fpu sse sse2", "a"),
				     *new = node("x86_64", "avx fpu sse2 sse", "b");
	struct err err = {0};

	assert_int_equal(peer_runs(old, new, &err), 0);
	assert_true(peer_runs(new, old, &err) < 0);
	assert_int_equal(err.kind, ERR_RESTORE);
	assert_non_null(strstr(err.text, "\"avx\""));
}

TEST(a_flag_is_a_whole_word)
{
	cleanup_kvfile struct kvfile *a = node("x86_64", "sse", "a"), *b = node("x86_64", "sse2 ssse3", "b");
	struct err err = {0};

	assert_true(peer_runs(a, b, &err) < 0);
}

TEST(another_architecture_is_refused)
{
	cleanup_kvfile struct kvfile *a = node("x86_64", "", "a"), *b = node("aarch64", "", "b");
	struct err err = {0};

	assert_true(peer_runs(a, b, &err) < 0);
}

TEST(a_node_knows_itself_under_any_name)
{
	cleanup_kvfile struct kvfile *a = node("x86_64", "", "a"), *b = node("x86_64", "", "b"), *self = peer_self();

	assert_true(peer_is(a, a));
	assert_false(peer_is(a, b));
	assert_true(peer_is(self, self));
}

TEST(another_protocol_is_refused)
{
	cleanup_kvfile struct kvfile *self = peer_self(), *other = kvfile_new();
	struct err err = {0}, none = {0};

	assert_int_equal(peer_speaks(self, &err), 0);
	kvfile_set(other, "PROTOCOL", "999");
	assert_true(peer_speaks(other, &err) < 0);
	assert_int_equal(err.kind, ERR_NOT_SUPPORTED);
	kvfile_unset(other, "PROTOCOL");
	assert_true(peer_speaks(other, &none) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_go_on_where_the_processor_has_all_that_theirs_had),
		cmocka_unit_test(a_flag_is_a_whole_word),
		cmocka_unit_test(another_architecture_is_refused),
		cmocka_unit_test(a_node_knows_itself_under_any_name),
		cmocka_unit_test(another_protocol_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
