/* Both ends of the wire mean the same by a failure, and scripts get the exit code that vzctl gave them. */
#include "cmd/errors.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

TEST(every_kind_has_a_name_and_a_line_of_help)
{
	for (enum err_kind kind = ERR_NONE + 1; kind < ERR_COUNT; kind++) {
		assert_non_null(error_table[kind].name);
		assert_non_null(str_after(error_table[kind].name, INTERFACE_NAME "."));
		assert_non_null(error_table[kind].help);
		assert_int_not_equal(error_table[kind].exit_code, 0);
	}
}

TEST(no_two_kinds_have_one_name)
{
	for (enum err_kind a = ERR_NONE + 1; a < ERR_COUNT; a++)
		for (enum err_kind b = a + 1; b < ERR_COUNT; b++)
			assert_string_not_equal(error_table[a].name, error_table[b].name);
}

TEST(a_name_leads_back_to_its_kind)
{
	for (enum err_kind kind = ERR_NONE + 1; kind < ERR_COUNT; kind++)
		assert_int_equal(error_kind(error_table[kind].name), kind);
}

TEST(what_varlink_says_by_itself_has_a_kind)
{
	assert_int_equal(error_kind("org.varlink.service.InvalidParameter"), ERR_BAD_VALUE);
	assert_int_equal(error_kind("io.systemd.Disconnected"), ERR_INTERRUPTED);
	assert_int_equal(error_kind("io.openve.ErrorOfAnotherVersion"), ERR_SYSTEM);
}

/* vzctl(8), EXIT STATUS, and vzerror.h of vzctl 4. */
TEST(exit_codes_are_vzctls)
{
	static const struct {
		enum err_kind kind;
		int exit_code;
	} vzctl[] = {
		{ERR_SYSTEM, 3},
		{ERR_NO_RESOURCE, 6},
		{ERR_LOCKED, 9},
		{ERR_NODE_CONFIG, 10},
		{ERR_PERMISSION, 12},
		{ERR_NO_SUCH_VE, 14},
		{ERR_TIMEOUT, 15},
		{ERR_CHECKPOINT, 16},
		{ERR_RESTORE, 17},
		{ERR_BAD_OPTION, 20},
		{ERR_BAD_VALUE, 21},
		{ERR_BAD_CTID, 21},
		{ERR_MISSING_PARAM, 27},
		{ERR_MISSING_LIMIT, 28},
		{ERR_NO_TEMPLATE_NAME, 29},
		{ERR_NOT_RUNNING, 31},
		{ERR_RUNNING, 32},
		{ERR_STOP_FAILED, 33},
		{ERR_OVERCOMMIT, 36},
		{ERR_NOT_MOUNTED, 40},
		{ERR_MOUNTED, 41},
		{ERR_NO_PRIVATE, 43},
		{ERR_PRIVATE_EXISTS, 44},
		{ERR_NO_SPACE, 46},
		{ERR_BAD_TEMPLATE, 47},
		{ERR_MOUNT, 50},
		{ERR_UMOUNT, 51},
		{ERR_DELETE, 52},
		{ERR_QUOTA, 62},
		{ERR_BAD_HOSTNAME, 70},
		{ERR_BAD_ADDRESS, 71},
		{ERR_BAD_NAMESERVER, 72},
		{ERR_ADDRESS_IN_USE, 78},
		{ERR_ADD_ADDRESS, 34},
		{ERR_NETDEV, 104},
		{ERR_NETFILTER_RUNNING, 106},
		{ERR_VETH, 130},
		{ERR_SCRIPT, 79},
		{ERR_CONFIG_EXISTS, 82},
		{ERR_BAD_CONFIG, 85},
		{ERR_NO_TEMPLATE, 91},
		{ERR_DISABLED, 105},
		{ERR_APPLY_CONFIG, 109},
		{ERR_NAME, 131},
		{ERR_WAIT_FAILED, 133},
		{ERR_CONFIG_SAVE, 139},
		{ERR_SNAPSHOT, 156},
		{ERR_SNAPSHOT_DELETE, 158},
		{ERR_SNAPSHOT_SWITCH, 159},
		{ERR_SNAPSHOT_MOUNT, 160},
		{ERR_SNAPSHOT_UMOUNT, 161},
		{ERR_SNAPSHOT_LIST, 167},
	};

	for (size_t i = 0; i < countof(vzctl); i++)
		assert_int_equal(error_table[vzctl[i].kind].exit_code, vzctl[i].exit_code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_name_and_a_line_of_help),
		cmocka_unit_test(no_two_kinds_have_one_name),
		cmocka_unit_test(a_name_leads_back_to_its_kind),
		cmocka_unit_test(what_varlink_says_by_itself_has_a_kind),
		cmocka_unit_test(exit_codes_are_vzctls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
