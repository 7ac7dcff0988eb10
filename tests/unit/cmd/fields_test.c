/* What vzlist prints: columns as scripts cut them, JSON as programs read it, from records as vzd sends them. */
#include "cmd/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-json.h>

#include "cmd/record.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

static const char running[] =
	"{\"ctid\":101,\"status\":\"running\",\"private\":\"/var/lib/vz/private/101\",\"root\":\"/var/lib/vz/root/"
	"101\","
	"\"privateExists\":true,\"settings\":{\"HOSTNAME\":\"web.example\",\"PHYSPAGES\":\"0:65536\","
	"\"SWAPPAGES\":\"0:131072\",\"NUMPROC\":\"100:120\",\"DISKSPACE\":\"2097152:2306867\",\"CPUUNITS\":\"1000\","
	"\"IP_ADDRESS\":\"192.0.2.101/24 fd00::1\",\"NETIF\":\"ifname=eth0,bridge=br0,mac=00:18:51:00:00:01,"
	"host_ifname=veth101.0,host_mac=fe:18:51:00:00:01,mac_filter=on,ip=10.0.0.2/24,gw=10.0.0.1;ifname=eth1,"
	"mac=00:18:51:00:00:02,host_ifname=veth101.1,host_mac=fe:18:51:00:00:02,mac_filter=off\","
	"\"RATE\":\"*:1:10240\","
	"\"NAMESERVER\":\"192.0.2.53 192.0.2.54\",\"SEARCHDOMAIN\":\"inherit\",\"NETFILTER\":\"full\","
	"\"FEATURES\":\"tun:on sit:off\","
	"\"CPUS\":\"2\",\"DESCRIPTION\":\"say \\\"hi\\\" \\\\ \\u00fc\",\"OF_A_NEWER_VZD\":\"x\"},"
	"\"numproc\":{\"held\":23,\"maxheld\":40,\"failcnt\":0},\"physpages\":{\"held\":12345678},\"swappages\":{},"
	"\"diskspace\":{\"usage\":123456789,\"soft\":1,\"hard\":2},\"diskinodes\":{},"
	"\"laverage\":[0.01,0.2,1.5],\"uptime\":93784.5,"
	"\"network\":{\"sent4\":{\"packets\":10,\"bytes\":1000},\"sent6\":{\"packets\":1,\"bytes\":60},"
	"\"received4\":{\"packets\":20,\"bytes\":30000},\"received6\":{\"packets\":2,\"bytes\":120},"
	"\"dropped\":{\"packets\":3,\"bytes\":180}}}";

static const char stopped[] =
	"{\"ctid\":1000000002,\"status\":\"stopped\",\"private\":\"/p\",\"root\":\"/r\",\"privateExists\":true,"
	"\"settings\":{\"NAME\":\"mail-server-of-the-shop\",\"HOSTNAME\":\"a-host-name-that-is-longer-than-its.column."
	"example\","
	"\"VE_LAYOUT\":\"private\",\"DISABLED\":\"yes\"},"
	"\"numproc\":{},\"physpages\":{},\"swappages\":{},\"diskspace\":{},\"diskinodes\":{},\"uptime\":0.0}";

struct world {
	struct record records[2];
	const void *pointers[2];
	const struct field **fields;
	struct listing listing;
	char *text;
	size_t len;
	FILE *out;
};

static void parse_record(const char *json, struct record *ret)
{
	sd_json_variant *v = NULL;
	struct err err = {0};

	assert_true(sd_json_parse(json, 0, &v, NULL, NULL) >= 0);
	if (record_parse(v, ret, &err) < 0)
		fail_msg("%s", err.text);
	sd_json_variant_unref(v);
}

static void world_open(struct world *world, const char *names)
{
	struct err err = {0};

	*world = (struct world){.listing = {.get = field_get, .n_records = 2}};
	parse_record(stopped, &world->records[0]);
	parse_record(running, &world->records[1]);
	world->pointers[0] = &world->records[0];
	world->pointers[1] = &world->records[1];
	world->listing.records = world->pointers;
	if (field_parse(names, false, &world->fields, &world->listing.n_fields, &err) < 0)
		fail_msg("%s", err.text);
	world->listing.fields = world->fields;
	world->out = open_memstream(&world->text, &world->len);
}

static void world_done(struct world *world)
{
	free(world->text);
	free(world->fields);
	record_done(&world->records[0]);
	record_done(&world->records[1]);
}

static void check_columns(const char *names, unsigned flags, const char *expected)
{
	struct world world;

	world_open(&world, names);
	print_columns(world.out, &world.listing, flags);
	fclose(world.out);
	assert_string_equal(world.text, expected);
	world_done(&world);
}

static void check_order(const char *by, bool reverse, const char *expected)
{
	const struct field *field;
	struct err err = {0};
	struct world world;

	world_open(&world, "ctid");
	assert_int_equal(field_find(by, "", &field, &err), 0);
	print_sort(&world.listing, field, reverse);
	print_columns(world.out, &world.listing, PRINT_NO_HEADER);
	fclose(world.out);
	assert_string_equal(world.text, expected);
	world_done(&world);
}

TEST(the_usual_columns_have_vzlists_widths)
{
	check_columns(
		"ctid,numproc,status,ip,hostname", 0,
		"      CTID      NPROC STATUS    IP_ADDR         HOSTNAME\n"
		"1000000002          - stopped   -               a-host-name-that-is-longer-than-its.column.example\n"
		"       101         23 running   192.0.2.101     web.example\n");
}

/* libvirt's parser: blanks, a number, one blank, a word, the end of the line. */
TEST(libvirt_can_parse_id_and_status)
{
	check_columns("vpsid,status", PRINT_NO_HEADER, "1000000002 stopped\n       101 running\n");
}

TEST(a_long_value_is_cut_unless_it_is_the_last)
{
	check_columns("hostname,ctid", PRINT_NO_HEADER,
		      "a-host-name-that-is-longer-than- 1000000002\n"
		      "web.example                             101\n");
	check_columns("smart_name,ctid", PRINT_NO_HEADER, "mail-serve 1000000002\n       101        101\n");
	check_columns("hostname,ctid", PRINT_NO_HEADER | PRINT_NO_TRIM,
		      "a-host-name-that-is-longer-than-its.column.example 1000000002\n"
		      "web.example                             101\n");
}

TEST(a_number_is_never_cut)
{
	check_columns("numproc.l,cpus", PRINT_NO_HEADER, "9223372036854775807     -\n       120     2\n");
}

TEST(interfaces_are_lists_in_one_order)
{
	check_columns(
		"ifname,host_ifname,mac,bridge,gw,netif", 0,
		"IFNAME   HOST_IFNAME      MAC               BRIDGE          GATEWAY         NET_INTERFACES\n"
		"-        -                -                 -               -               -\n"
		"eth0     veth101.0        00:18:51:00:00:01 br0             10.0.0.1        veth101.0 veth101.1\n");
	check_columns("host_mac,ip", PRINT_NO_HEADER,
		      "-                 -\n"
		      "fe:18:51:00:00:01 192.0.2.101 fd00::1 10.0.0.2\n");
}

TEST(names_and_rates_are_those_of_the_configuration)
{
	check_columns("nameserver,searchdomain,netfilter,rate,features", 0,
		      "NAMESERVER      SEARCHDOMAIN    NETFILTER       RATE FEATURES\n"
		      "-               -               -                  - -\n"
		      "192.0.2.53      inherit         full           10240 tun:on sit:off\n");
}

TEST(traffic_is_shown_in_bytes_and_what_is_dropped_in_packets)
{
	check_columns("sent,received,dropped", 0,
		      "          SENT       RECEIVED    DROPPED\n"
		      "             -              -          -\n"
		      "          1060          30120          3\n");
}

TEST(characters_are_counted_not_bytes)
{
	check_columns("description,ctid", PRINT_NO_HEADER,
		      "-                                1000000002\n"
		      "say \"hi\" \\ ü                            101\n");
}

TEST(units_are_those_of_vzlist)
{
	check_columns("physpages,physpages.l,swappages.l,diskspace,diskspace.s,diskspace.h", PRINT_NO_HEADER,
		      "         - 9223372036854775807 9223372036854775807          -          -          -\n"
		      "      3014      65536     131072     120563    2097152    2306867\n");
	check_columns("laverage,uptime", 0,
		      "      LAVERAGE          UPTIME\n"
		      "             -               -\n"
		      "0.01/0.20/1.50 001d02h:03m:04s\n");
}

TEST(what_is_limited_and_disabled_is_told_by_words)
{
	check_columns("vswap,disabled,layout,name", 0,
		      "VSWAP DISABL LAYOUT  NAME\n"
		      "   no    yes private mail-server-of-the-shop\n"
		      "  yes     no overlay -\n");
}

TEST(records_are_sorted_by_any_field)
{
	check_order("ctid", false, "       101\n1000000002\n");
	check_order("ctid", true, "1000000002\n       101\n");
	check_order("hostname", false, "1000000002\n       101\n");
	check_order("uptime", true, "       101\n1000000002\n");
	check_order("numproc", false, "1000000002\n       101\n");
}

static const char json_of_running[] = "    \"ctid\": 101,\n"
				      "    \"hostname\": \"web.example\",\n"
				      "    \"name\": null,\n"
				      "    \"smart_name\": 101,\n"
				      "    \"description\": \"say \\\"hi\\\" \\\\ ü\",\n"
				      "    \"ip\": [\"192.0.2.101\", \"fd00::1\", \"10.0.0.2\"],\n"
				      "    \"features\": {\n"
				      "      \"tun\": true,\n"
				      "      \"sit\": false\n"
				      "    },\n"
				      "    \"dropped\": {\n"
				      "      \"packets\": 3,\n"
				      "      \"bytes\": 180\n"
				      "    },\n"
				      "    \"numproc\": {\n"
				      "      \"held\": 23,\n"
				      "      \"maxheld\": 40,\n"
				      "      \"barrier\": 100,\n"
				      "      \"limit\": 120,\n"
				      "      \"failcnt\": 0\n"
				      "    },\n"
				      "    \"diskspace\": {\n"
				      "      \"usage\": 120563,\n"
				      "      \"softlimit\": 2097152,\n"
				      "      \"hardlimit\": 2306867\n"
				      "    },\n"
				      "    \"laverage\": [0.01, 0.20, 1.50],\n"
				      "    \"uptime\": 93784.500,\n"
				      "    \"cpus\": 2,\n"
				      "    \"cpulimit\": null,\n"
				      "    \"disabled\": false\n";

static const char json_of_stopped[] = "    \"ctid\": 1000000002,\n"
				      "    \"hostname\": \"a-host-name-that-is-longer-than-its.column.example\",\n"
				      "    \"name\": \"mail-server-of-the-shop\",\n"
				      "    \"smart_name\": \"mail-server-of-the-shop\",\n"
				      "    \"description\": null,\n"
				      "    \"ip\": [],\n"
				      "    \"features\": null,\n"
				      "    \"dropped\": null,\n"
				      "    \"numproc\": {\n"
				      "      \"held\": 0,\n"
				      "      \"maxheld\": 0,\n"
				      "      \"barrier\": 9223372036854775807,\n"
				      "      \"limit\": 9223372036854775807,\n"
				      "      \"failcnt\": 0\n"
				      "    },\n"
				      "    \"diskspace\": null,\n"
				      "    \"laverage\": null,\n"
				      "    \"uptime\": 0.000,\n"
				      "    \"cpus\": 0,\n"
				      "    \"cpulimit\": null,\n"
				      "    \"disabled\": true\n";

TEST(json_has_vzlists_types)
{
	cleanup_free char *expected = str_fmt("[\n  {\n%s  },\n  {\n%s  }\n]\n", json_of_stopped, json_of_running);
	struct world world;

	world_open(&world, "ctid,hostname,name,smart_name,description,ip,features,dropped,numproc,diskspace,laverage,"
			   "uptime,cpus,cpulimit,disabled");
	print_json(world.out, &world.listing);
	fclose(world.out);
	assert_string_equal(world.text, expected);
	world_done(&world);
}

TEST(json_of_all_fields_is_json)
{
	sd_json_variant *v = NULL;
	struct world world;

	world_open(&world, "ctid");
	free(world.fields);
	field_json(&world.fields, &world.listing.n_fields);
	world.listing.fields = world.fields;
	print_json(world.out, &world.listing);
	fclose(world.out);
	assert_true(sd_json_parse(world.text, 0, &v, NULL, NULL) >= 0);
	assert_int_equal(sd_json_variant_elements(v), 2);
	assert_int_equal(sd_json_variant_elements(sd_json_variant_by_index(v, 0)), 2 * world.listing.n_fields);
	sd_json_variant_unref(v);
	world_done(&world);
}

TEST(json_of_nothing_is_an_empty_array)
{
	struct world world;

	world_open(&world, "ctid");
	world.listing.n_records = 0;
	print_json(world.out, &world.listing);
	fclose(world.out);
	assert_string_equal(world.text, "[]\n");
	world_done(&world);
}

static void check_refused(const char *names, bool json, const char *expected)
{
	const struct field **fields;
	struct err err = {0};
	size_t n;

	assert_true(field_parse(names, json, &fields, &n, &err) < 0);
	assert_string_equal(err.text, expected);
}

TEST(a_field_that_is_not_there_is_refused_by_name)
{
	check_refused("ctid,colour", false, "Unknown field: colour");
	check_refused("ctid,,status", false, "Unknown field: ");
	check_refused("ioprio", false, "Field `ioprio' is not supported yet");
	check_refused("privvmpages.l", true, "Field `privvmpages.l' is not supported yet");
	check_refused("numproc.l", true, "Field `numproc.l' is not available in JSON output");
}

/* Each name once, and each a name that -o finds again. */
TEST(every_row_of_the_table_can_be_asked_for)
{
	for (size_t i = 0; i < field_count; i++) {
		const struct field *found;
		struct err err = {0};

		assert_int_equal(field_find(field_table[i].name, "", &found, &err), 0);
		assert_ptr_equal(found, &field_table[i]);
		assert_true(strlen(field_table[i].header) <= (size_t)abs(field_table[i].width));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_columns_have_vzlists_widths),
		cmocka_unit_test(libvirt_can_parse_id_and_status),
		cmocka_unit_test(a_long_value_is_cut_unless_it_is_the_last),
		cmocka_unit_test(a_number_is_never_cut),
		cmocka_unit_test(interfaces_are_lists_in_one_order),
		cmocka_unit_test(names_and_rates_are_those_of_the_configuration),
		cmocka_unit_test(traffic_is_shown_in_bytes_and_what_is_dropped_in_packets),
		cmocka_unit_test(characters_are_counted_not_bytes),
		cmocka_unit_test(units_are_those_of_vzlist),
		cmocka_unit_test(what_is_limited_and_disabled_is_told_by_words),
		cmocka_unit_test(records_are_sorted_by_any_field),
		cmocka_unit_test(json_has_vzlists_types),
		cmocka_unit_test(json_of_all_fields_is_json),
		cmocka_unit_test(json_of_nothing_is_an_empty_array),
		cmocka_unit_test(a_field_that_is_not_there_is_refused_by_name),
		cmocka_unit_test(every_row_of_the_table_can_be_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
