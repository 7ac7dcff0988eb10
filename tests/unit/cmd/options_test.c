/* Command lines as people and programs write them, and the calls that come of them. */
#include "cmd/options.h"

#include <string.h>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/request.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

#define WORDS_MAX 16

/* "set 101 --ram 512M", split at blanks. */
struct line {
	char *copy;
	char *argv[WORDS_MAX + 1];
	int argc;
};

static void split(const char *text, struct line *ret)
{
	*ret = (struct line){.copy = mem_strdup(text)};
	for (char *rest = ret->copy, *word; (word = strsep(&rest, " "));)
		ret->argv[ret->argc++] = word;
}

static int parse(struct line *line, struct request *ret, struct err *err)
{
	const struct command *command = command_find(command_table, line->argv[0]);

	*ret = (struct request){.command = command, .err = err};
	return options_parse(command->options, command->settings, line->argc, line->argv, &ret->options, err);
}

static void check_call(const char *text, const char *expected)
{
	cleanup_json sd_json_variant *parameters = NULL;
	cleanup_free char *json = NULL;
	struct request request;
	struct err err = {0};
	struct line line;

	split(text, &line);
	if (parse(&line, &request, &err) < 0 || request_parameters(&request, &parameters) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_true(sd_json_variant_format(parameters, 0, &json) >= 0);
	assert_string_equal(json, expected);
	options_done(&request.options);
	free(line.copy);
}

static void check_refused(const char *text, const char *expected)
{
	struct request request;
	struct err err = {0};
	struct line line;

	split(text, &line);
	assert_true(parse(&line, &request, &err) < 0);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.kind, ERR_BAD_VALUE);
	free(line.copy);
}

TEST(options_and_words_come_in_any_order)
{
	const char *expected = "{\"ve\":\"101\",\"save\":true,\"settings\":{\"PHYSPAGES\":\"0:131072\","
			       "\"SWAPPAGES\":\"0:262144\"}}";

	check_call("set 101 --ram 512M --swap 1G --save", expected);
	check_call("set --save --swap=1G 101 --ram=512M", expected);
	check_call("set --ram 512M --sav 101 --swap 1024M", expected);
}

/* What libvirt sends. */
TEST(a_name_may_be_a_number)
{
	check_call("create 105 --name 105", "{\"ve\":\"105\",\"settings\":{\"NAME\":\"105\"}}");
	check_call("set 105 --save --diskspace 1048576",
		   "{\"ve\":\"105\",\"save\":true,\"settings\":{\"DISKSPACE\":\"1048576:1048576\"}}");
}

TEST(create_needs_no_id)
{
	check_call("create --ostemplate debian-13", "{\"ve\":\"\",\"settings\":{\"OSTEMPLATE\":\"debian-13\"}}");
	check_call("create --config basic mail", "{\"ve\":\"mail\",\"sample\":\"basic\",\"settings\":{}}");
}

TEST(vzctls_other_names_of_options_are_taken)
{
	check_call("create 101 --velayout simfs", "{\"ve\":\"101\",\"settings\":{\"VE_LAYOUT\":\"private\"}}");
}

TEST(flags_become_fields_and_what_has_none_stays_here)
{
	check_call("start 101 --wait --skip-fsck", "{\"ve\":\"101\",\"wait\":true}");
	check_call("stop --fast 101 --skip-umount", "{\"ve\":\"101\",\"fast\":true,\"skipUmount\":true}");
}

TEST(a_name_of_one_character_is_a_short_option)
{
	check_call("snapshot-list -H 101 -o uuid,name --uuid U -j", "{\"ve\":\"101\",\"id\":\"U\"}");
	check_call("snapshot-list -Houuid 101", "{\"ve\":\"101\"}");
	check_refused("snapshot-list 101 -o", "vzctl: option '-o' requires an argument");
	check_refused("snapshot-list 101 -x", "vzctl: invalid option -- 'x'");
}

TEST(the_last_of_several_is_meant)
{
	check_call("set 101 --cpus 1 --cpus 2", "{\"ve\":\"101\",\"settings\":{\"CPUS\":\"2\"}}");
}

TEST(a_list_is_made_of_all_options_of_its_name)
{
	check_call("set 101 --ipadd 10.0.0.1 --ip fd00::1/64 --ipdel all --save",
		   "{\"ve\":\"101\",\"save\":true,\"settings\":{\"IPADD\":\"10.0.0.1 fd00::1/64\",\"IPDEL\":\"all\"}}");
	check_call("set 101 --nameserver 192.0.2.1 --nameserver 192.0.2.2",
		   "{\"ve\":\"101\",\"settings\":{\"NAMESERVER\":\"192.0.2.1 192.0.2.2\"}}");
	check_call("create 101 --port_add 192.0.2.1:80:80 --port_add udp:[::]:53:53",
		   "{\"ve\":\"101\",\"settings\":{\"PORT_ADD\":\"tcp:192.0.2.1:80:80 udp:[::]:53:53\"}}");
}

/* What libvirt sends. */
TEST(an_interface_is_described_as_vzctl_does)
{
	check_call("set 105 --netif_add eth0,00:18:51:00:00:01,veth105.0,52:54:00:00:00:02,br0 --save",
		   "{\"ve\":\"105\",\"save\":true,\"settings\":{\"NETIF_ADD\":\"ifname=eth0,bridge=br0,"
		   "mac=00:18:51:00:00:01,host_ifname=veth105.0,host_mac=52:54:00:00:00:02,mac_filter=on\"}}");
	check_call("set 105 --ifname eth0 --bridge br1 --mac_filter off --vlan 7",
		   "{\"ve\":\"105\",\"settings\":{\"IFNAME\":\"eth0\",\"BRIDGE\":\"br1\",\"MAC_FILTER\":\"off\","
		   "\"VLAN\":\"7\"}}");
}

TEST(a_setting_may_be_a_flag)
{
	check_call("set 101 --skip_arpdetect --ipadd 10.0.0.1",
		   "{\"ve\":\"101\",\"settings\":{\"IPADD\":\"10.0.0.1\",\"SKIP_ARPDETECT\":\"yes\"}}");
	check_refused("set 101 --skip_arpdetect=no", "vzctl: option '--skip_arpdetect' doesn't allow an argument");
}

/* The first would be lost. */
TEST(one_command_changes_one_interface)
{
	check_refused("set 101 --ifname eth0 --mac 00:18:51:00:00:01 --ifname eth1 --mac 00:18:51:00:00:02",
		      "--ifname is given twice: a command changes one interface");
	check_refused("set 101 --ifname eth0 --mac 00:18:51:00:00:01 --mac 00:18:51:00:00:02",
		      "--mac is given twice: a command changes one interface");
}

TEST(what_is_wrong_is_named)
{
	check_refused("set 101 --colour red", "vzctl: unrecognized option '--colour'");
	check_refused("set 101 --colour=red", "vzctl: unrecognized option '--colour'");
	check_refused("start 101 --ram 1G", "vzctl: unrecognized option '--ram'");
	check_refused("set 101 --ram", "vzctl: option '--ram' requires an argument");
	check_refused("set 101 --save=1", "vzctl: option '--save' doesn't allow an argument");
	check_refused("set 101 -x", "vzctl: invalid option -- 'x'");
}

TEST(what_is_not_built_is_never_taken)
{
	check_refused("set 101 --dhcp yes --save", "--dhcp is not supported yet");
	check_refused("set 101 --features nfs:on", "Bad parameter for --features: nfs:on: nfs:on is not supported yet");
	check_refused("set 101 --setmode=restart", "--setmode is not supported yet");
	check_refused("set 101 --ioprio 4", "--ioprio is not supported yet");
	check_refused("start 101 --skip_ve_setup", "--skip_ve_setup is not supported yet");
}

TEST(every_option_of_the_parameter_table_is_taken)
{
	for (size_t i = 0; i < config_table.n; i++) {
		const struct param *row = &config_table.rows[i];
		if (!row->option || !row->argument)
			continue;
		cleanup_free char *text = str_fmt("set 101 --%s", row->option);
		cleanup_free char *expected = str_fmt("vzctl: option '--%s' requires an argument", row->option);
		check_refused(text, expected);
	}
}

static void walk(const struct command *table)
{
	for (const struct command *c = table; c->name; c++) {
		assert_ptr_equal(command_find(table, c->name), c);
		if (c->alias)
			assert_ptr_equal(command_find(table, c->alias), c);
		if (c->commands)
			walk(c->commands);
		assert_true(!c->help == (!c->run && !c->commands));
		size_t n = 0;
		while (c->options && c->options[n].name)
			n++;
		assert_true(n <= OPTIONS_MAX);
	}
}

TEST(every_subcommand_is_found_and_has_help_or_is_refused)
{
	walk(command_table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_words_come_in_any_order),
		cmocka_unit_test(a_name_may_be_a_number),
		cmocka_unit_test(create_needs_no_id),
		cmocka_unit_test(vzctls_other_names_of_options_are_taken),
		cmocka_unit_test(flags_become_fields_and_what_has_none_stays_here),
		cmocka_unit_test(a_name_of_one_character_is_a_short_option),
		cmocka_unit_test(the_last_of_several_is_meant),
		cmocka_unit_test(a_list_is_made_of_all_options_of_its_name),
		cmocka_unit_test(an_interface_is_described_as_vzctl_does),
		cmocka_unit_test(a_setting_may_be_a_flag),
		cmocka_unit_test(one_command_changes_one_interface),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_not_built_is_never_taken),
		cmocka_unit_test(every_option_of_the_parameter_table_is_taken),
		cmocka_unit_test(every_subcommand_is_found_and_has_help_or_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
