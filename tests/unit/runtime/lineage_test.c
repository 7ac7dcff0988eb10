/* Which snapshot follows from which, written down and read back. */
#include "runtime/lineage.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define A "11111111-1111-4111-8111-111111111111"
#define B "22222222-2222-4222-8222-222222222222"

static struct kvfile *load(int store)
{
	struct kvfile *lineage = NULL;
	struct err err = {0};

	if (lineage_load(store, &lineage, &err) < 0)
		fail_msg("%s", err.text);
	return lineage;
}

TEST(without_a_file_nothing_is_known)
{
	cleanup_scratch struct scratch store = scratch_new();
	cleanup_kvfile struct kvfile *lineage = load(store.fd);

	assert_string_equal(lineage_current(lineage), "");
	assert_string_equal(lineage_parent(lineage, A, ""), "");
	assert_string_equal(lineage_parent(lineage, A, B), B);
}

TEST(what_is_saved_is_read_back)
{
	cleanup_scratch struct scratch store = scratch_new();
	cleanup_kvfile struct kvfile *lineage = load(store.fd);
	struct err err = {0};

	lineage_set_current(lineage, B);
	lineage_set_parent(lineage, A, B);
	assert_int_equal(lineage_save(store.fd, lineage, &err), 0);
	cleanup_kvfile struct kvfile *same = load(store.fd);
	assert_string_equal(lineage_current(same), B);
	assert_string_equal(lineage_parent(same, A, ""), B);
	assert_string_equal(lineage_parent(same, B, A), A);
	lineage_remove(store.fd);
	cleanup_kvfile struct kvfile *none = load(store.fd);
	assert_string_equal(lineage_current(none), "");
}

TEST(one_whose_parent_was_the_first_has_none)
{
	cleanup_scratch struct scratch store = scratch_new();
	cleanup_kvfile struct kvfile *lineage = load(store.fd);

	lineage_set_parent(lineage, A, "");
	assert_string_equal(lineage_parent(lineage, A, B), "");
	lineage_forget(lineage, A);
	assert_string_equal(lineage_parent(lineage, A, B), B);
}

TEST(what_says_nothing_is_no_file)
{
	cleanup_scratch struct scratch store = scratch_new();
	cleanup_kvfile struct kvfile *lineage = load(store.fd);
	struct err err = {0};

	lineage_set_current(lineage, A);
	assert_int_equal(lineage_save(store.fd, lineage, &err), 0);
	assert_int_equal(faccessat(store.fd, "tree", F_OK, 0), 0);
	lineage_set_current(lineage, "");
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(lineage_save(store.fd, lineage, &err), 0);
		assert_int_equal(faccessat(store.fd, "tree", F_OK, 0), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_nothing_is_known),
		cmocka_unit_test(what_is_saved_is_read_back),
		cmocka_unit_test(one_whose_parent_was_the_first_has_none),
		cmocka_unit_test(what_says_nothing_is_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
