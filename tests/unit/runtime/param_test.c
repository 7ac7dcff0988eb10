/* The tables of parameters: each row walked, each kind with what it takes, prints and refuses. */
#include "runtime/param.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/config.h"
#include "runtime/node.h"
#include "tests/unit/unit.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define OPTION PARAM_FROM_OPTION
#define IN_FILE PARAM_FROM_FILE

/* What a kind takes, and what a file has for it then. Counts have ranges of their own. */
static const struct {
	enum param_kind kind;
	enum param_form form;
	const char *text, *printed;
} accepted[] = {
	{PARAM_TEXT, OPTION, "a \"b\" $c \\ #d", "a \"b\" $c \\ #d"},
	{PARAM_TEXT, OPTION, "", ""},
	{PARAM_NAME, OPTION, "Web 1-a+b_c.d", "Web 1-a+b_c.d"},
	{PARAM_NAME, OPTION, "105", "105"},
	{PARAM_NAME, OPTION, "", ""},
	{PARAM_HOSTNAME, OPTION, "web-1.example.com", "web-1.example.com"},
	{PARAM_HOSTNAME, OPTION, "4chan", "4chan"},
	{PARAM_HOSTNAME, IN_FILE, "", ""},
	{PARAM_PATH, OPTION, "/vz/private/$VEID", "/vz/private/$VEID"},
	{PARAM_PATH, OPTION, "/vz/${VEID}/fs//", "/vz/${VEID}/fs"},
	{PARAM_DIGEST, IN_FILE, DIGEST, DIGEST},
	{PARAM_BOOL, OPTION, "yes", "yes"},
	{PARAM_BOOL, OPTION, "no", "no"},
	{PARAM_SIZE, IN_FILE, "0", "0"},
	{PARAM_SIZE, IN_FILE, "20G", "21474836480"},
	{PARAM_MEMORY, OPTION, "512M", "0:131072"},
	{PARAM_MEMORY, OPTION, "1.5g", "0:393216"},
	{PARAM_MEMORY, OPTION, "10485761", "0:2561"},
	{PARAM_MEMORY, OPTION, "unlimited", "0:unlimited"},
	{PARAM_MEMORY, IN_FILE, "0:131072", "0:131072"},
	{PARAM_MEMORY, IN_FILE, "65536", "0:65536"},
	{PARAM_MEMORY, IN_FILE, "65536:69632", "0:69632"},
	{PARAM_MEMORY, IN_FILE, "0:512M", "0:131072"},
	{PARAM_MEMORY, IN_FILE, "0:2097153B", "0:512"},
	{PARAM_MEMORY, IN_FILE, "0:unlimited", "0:unlimited"},
	{PARAM_MEMORY, IN_FILE, "unlimited", "0:unlimited"},
	{PARAM_MEMORY, IN_FILE, "0:9223372036854775807", "0:unlimited"},
	{PARAM_ITEMS, OPTION, "240", "240:240"},
	{PARAM_ITEMS, OPTION, "200:240", "200:240"},
	{PARAM_ITEMS, IN_FILE, "200K:unlimited", "204800:unlimited"},
	{PARAM_ITEMS, IN_FILE, "9223372036854775807:18446744073709551615", "unlimited:unlimited"},
	{PARAM_SPACE, OPTION, "1048576", "1048576:1048576"},
	{PARAM_SPACE, OPTION, "2G:2.2G", "2097152:2306867"},
	{PARAM_SPACE, IN_FILE, "2097152:2306867", "2097152:2306867"},
	{PARAM_SPACE, IN_FILE, "5000B:2P", "4:8"},
	{PARAM_SPACE, IN_FILE, "unlimited:unlimited", "unlimited:unlimited"},
	{PARAM_CPULIMIT, OPTION, "0", "0"},
	{PARAM_CPULIMIT, OPTION, "250", "250"},
	{PARAM_CPULIMIT, OPTION, "0%", "0"},
	{PARAM_WORD, OPTION, "overlay", "overlay"},
	{PARAM_WORD, OPTION, "private", "private"},
	{PARAM_WORD, OPTION, "simfs", "private"},
};

struct object {
	struct node_config node;
	struct ve_config ve;
};

static const struct param_table *const tables[] = {&node_table, &config_table};

static void *object_of(const struct param_table *table, struct object *object)
{
	return table == &node_table ? (void *)&object->node : &object->ve;
}

static void object_done(struct object *object)
{
	param_done(&node_table, &object->node);
	param_done(&config_table, &object->ve);
}

/* Parse in a fresh object, print, parse what was printed, print again. */
static void assert_prints(const struct param_table *table, const struct param *row, const char *text,
			  enum param_form form, const char *printed)
{
	__attribute__((cleanup(object_done))) struct object object = {0};
	void *o = object_of(table, &object);
	struct err err = {0};

	if (param_parse(table, row, o, text, form, &err) < 0)
		fail_msg("%s", err.text);
	cleanup_free char *once = param_print(table, row, o);
	if (!str_eq(once, printed))
		fail_msg("%s: %s is printed as %s, not as %s", row->key, text, once, printed);
	assert_int_equal(*(uint64_t *)o, 1ull << (row - table->rows));

	if (param_parse(table, row, o, once, PARAM_FROM_FILE, &err) < 0)
		fail_msg("%s", err.text);
	cleanup_free char *twice = param_print(table, row, o);
	assert_string_equal(twice, once);
}

static size_t walk_kind(const struct param_table *table, const struct param *row)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(accepted); i++) {
		if (accepted[i].kind != row->kind)
			continue;
		assert_prints(table, row, accepted[i].text, accepted[i].form, accepted[i].printed);
		n++;
	}
	return n;
}

static size_t walk_count(const struct param_table *table, const struct param *row)
{
	cleanup_free char *min = str_fmt("%ju", row->min), *max = str_fmt("%ju", row->max);

	assert_true(row->min < row->max);
	assert_prints(table, row, min, PARAM_FROM_OPTION, min);
	assert_prints(table, row, max, PARAM_FROM_FILE, max);
	return 2;
}

TEST(every_parameter_prints_what_it_parses_and_parses_what_it_prints)
{
	for (size_t t = 0; t < countof(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct param *row = &tables[t]->rows[i];
			size_t n = row->kind == PARAM_COUNT ? walk_count(tables[t], row) : walk_kind(tables[t], row);
			if (n == 0)
				fail_msg("no value of the kind of %s was tried", row->key);
		}
}

static void assert_unique(const struct param_table *table, const struct param *row)
{
	assert_ptr_equal(param_by_key(table, row->key), row);
	if (row->option)
		assert_ptr_equal(param_by_option(table, row->option), row);
}

TEST(every_parameter_can_be_shown_to_people)
{
	for (size_t t = 0; t < countof(tables); t++) {
		assert_true(tables[t]->n <= 64);
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct param *row = &tables[t]->rows[i];
			assert_unique(tables[t], row);
			assert_non_null(row->argument);
			assert_non_null(row->help);
			assert_false(str_ends(row->help, "."));
			for (const char *c = row->key; *c; c++)
				assert_true(isupper((unsigned char)*c) || *c == '_');
		}
	}
}

TEST(options_have_vzctls_other_names)
{
	for (const struct param_alias *a = config_table.option_aliases; a->alias; a++) {
		assert_non_null(param_by_option(&config_table, a->alias));
		assert_ptr_equal(param_by_option(&config_table, a->alias), param_by_option(&config_table, a->name));
	}
	assert_string_equal(param_by_option(&config_table, "velayout")->key, "VE_LAYOUT");
	assert_string_equal(param_by_option(&config_table, "ve_layout")->key, "VE_LAYOUT");
	assert_null(param_by_option(&config_table, "nothing"));
	assert_null(param_by_option(&config_table, "local_uid"));
	assert_null(param_by_key(&config_table, "ram"));
}

TEST(a_share_of_the_node_becomes_a_share_of_one_cpu)
{
	cleanup_free char *quarter = str_fmt("%ld", 25 * sysconf(_SC_NPROCESSORS_ONLN));
	assert_prints(&config_table, param_by_option(&config_table, "cpulimit"), "25%", PARAM_FROM_OPTION, quarter);
}

#define BYTE_SUFFIX "a number may end with T, G, M, K, P (pages) or B (bytes)"
#define ITEM_SUFFIX "a number may end with T, G, M or K"
#define RFC1123 "a host name is letters, digits and hyphens between dots (RFC 1123)"

static const struct {
	const char *key;
	enum param_form form;
	const char *text, *reason;
} refused[] = {
	{"PHYSPAGES", OPTION, "12x", BYTE_SUFFIX},
	{"PHYSPAGES", OPTION, "", "not a number"},
	{"PHYSPAGES", OPTION, "0:512M", BYTE_SUFFIX},
	{"PHYSPAGES", OPTION, "8388608T", "the number is too large"},
	{"PHYSPAGES", OPTION, "512", "must be 1048576 bytes or more"},
	{"PHYSPAGES", IN_FILE, "0:0", "must be 1048576 bytes or more"},
	{"PHYSPAGES", IN_FILE, "0:9223372036854775806", "the number is too large"},
	{"PHYSPAGES", IN_FILE, "0:", "not a number"},
	{"PHYSPAGES", IN_FILE, ":1M", "not a number"},
	{"PHYSPAGES", IN_FILE, "0:1M:2M", BYTE_SUFFIX},
	{"SWAPPAGES", OPTION, "-1", "not a number"},
	{"CPUS", OPTION, "two", "not a number"},
	{"CPUS", OPTION, "8193", "must be 0 to 8192"},
	{"CPUUNITS", OPTION, "7", "must be 8 to 500000"},
	{"CPUUNITS", OPTION, "500001", "must be 8 to 500000"},
	{"CPUUNITS", OPTION, "99999999999999999999", "must be 8 to 500000"},
	{"CPULIMIT", OPTION, "101%", "must be 0 to 100"},
	{"CPULIMIT", OPTION, "%", "not a number"},
	{"CPULIMIT", OPTION, "819201", "must be 0 to 819200"},
	{"NUMPROC", OPTION, "12x", ITEM_SUFFIX},
	{"NUMPROC", OPTION, "1:2:3", ITEM_SUFFIX},
	{"DISKSPACE", OPTION, "9007199254740992", "the number is too large"},
	{"DISKSPACE", OPTION, "1G:much", "not a number"},
	{"HOSTNAME", OPTION, "my_host", RFC1123},
	{"HOSTNAME", OPTION, "a..b", RFC1123},
	{"HOSTNAME", OPTION, "-a", RFC1123},
	{"HOSTNAME", OPTION, "a.b-", RFC1123},
	{"HOSTNAME", OPTION, "aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa",
	 "the kernel keeps host names of up to 64 characters"},
	{"NAME", OPTION, "a/b", "a name is made of letters, digits, spaces and - + _ ."},
	{"NAME", OPTION, "..", "this cannot be the name of a visible file, as a name must"},
	{"NAME", OPTION, ".web", "this cannot be the name of a visible file, as a name must"},
	{"DESCRIPTION", OPTION, "a\nPHYSPAGES=0", "a value is one line"},
	{"VE_PRIVATE", OPTION, "vz/private", "a path begins with /"},
	{"VE_PRIVATE", OPTION, "//", "the root directory of the node is no place for it"},
	{"VE_PRIVATE", OPTION, "/vz/../etc", "a path does without .."},
	{"VE_ROOT", OPTION, "/vz/$HOME", "the only variable in a path is $VEID"},
	{"VE_LAYOUT", OPTION, "ploop", "must be overlay or private"},
	{"VE_LAYOUT", OPTION, "ploop:expanded", "must be overlay or private"},
	{"VE_LAYER", IN_FILE, "../../etc", "a digest is 64 hexadecimal digits"},
	{"LOCAL_UID", IN_FILE, "4294967296", "must be 0 to 4294967295"},
	{"DISABLED", OPTION, "true", "must be yes or no"},
	{"STOP_TIMEOUT", OPTION, "2147483648", "must be 0 to 2147483647"},
};

TEST(a_bad_value_is_refused_with_the_reason_and_changes_nothing)
{
	for (size_t i = 0; i < countof(refused); i++) {
		cleanup_config struct ve_config config = {0}, zero = {0};
		struct err err = {0};
		const struct param *row = param_by_key(&config_table, refused[i].key);
		const char *label = row->option ? row->option : row->key;

		int r = param_parse(&config_table, row, &config, refused[i].text, refused[i].form, &err);
		assert_true(r < 0);
		assert_int_equal(err.kind, ERR_BAD_VALUE);
		cleanup_free char *message = str_fmt("Bad parameter for %s%s: %s: %s", row->option ? "--" : "", label,
						     refused[i].text, refused[i].reason);
		assert_string_equal(err.text, message);
		assert_memory_equal(&config, &zero, sizeof(config));
	}
}

static void set(struct ve_config *config, const char *key, const char *text)
{
	struct err err = {0};
	if (param_parse(&config_table, param_by_key(&config_table, key), config, text, PARAM_FROM_FILE, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_printed(const struct ve_config *config, const char *key, const char *expected)
{
	cleanup_free char *text = param_print(&config_table, param_by_key(&config_table, key), config);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

TEST(a_merge_takes_over_what_is_given_and_nothing_else)
{
	cleanup_config struct ve_config config = {0}, change = {0};

	set(&config, "HOSTNAME", "old");
	set(&config, "NAME", "old");
	set(&config, "CPUUNITS", "1000");
	set(&change, "HOSTNAME", "new");
	set(&change, "NAME", "");
	set(&change, "DISABLED", "no");
	param_merge(&config_table, &config, &change);

	assert_printed(&config, "HOSTNAME", "new");
	assert_printed(&config, "NAME", "");
	assert_null(config.name);
	assert_printed(&config, "CPUUNITS", "1000");
	assert_printed(&config, "DISABLED", "no");
	assert_printed(&config, "DESCRIPTION", NULL);
	assert_ptr_not_equal(config.hostname, change.hostname);
}

static struct kvfile *parse_file(const char *text)
{
	struct kvfile *file = NULL;
	struct err err = {0};
	assert_int_equal(kvfile_parse("101.conf", text, strlen(text), &file, &err), 0);
	return file;
}

TEST(a_bad_value_in_a_file_is_named_with_the_file)
{
	cleanup_kvfile struct kvfile *file = parse_file("# c\nCPUUNITS=\"1000\"\nPHYSPAGES=\"0:lots\"\n");
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	assert_true(param_load(&config_table, &config, file, "101.conf", &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_CONFIG);
	assert_string_equal(err.text, "101.conf: bad value PHYSPAGES=\"0:lots\": not a number");
}

TEST(a_part_of_the_rows_can_be_loaded)
{
	cleanup_kvfile struct kvfile *file =
		parse_file("HOSTNAME=a\nCPUUNITS=10\nVE_ROOT=/r\nSTOP_TIMEOUT=5\nLOCAL_UID=x\n");
	cleanup_config struct ve_config sample = {0}, node = {0};
	struct err err = {0};

	assert_int_equal(param_load_some(&config_table, 0, PARAM_OWN, &sample, file, "f", &err), 0);
	assert_printed(&sample, "HOSTNAME", NULL);
	assert_printed(&sample, "CPUUNITS", "10");
	assert_printed(&sample, "VE_ROOT", NULL);
	assert_printed(&sample, "STOP_TIMEOUT", "5");

	assert_int_equal(param_load_some(&config_table, PARAM_NODE, 0, &node, file, "f", &err), 0);
	assert_printed(&node, "CPUUNITS", NULL);
	assert_printed(&node, "VE_ROOT", "/r");
	assert_printed(&node, "STOP_TIMEOUT", "5");
}

TEST(storing_writes_what_is_given_and_keeps_the_rest)
{
	cleanup_kvfile struct kvfile *file =
		parse_file("#UUID: 7a9f\nIP_ADDRESS=\"10.0.0.5\"\nCPUUNITS=\"10\"\nCPUS=\"2\"\n");
	cleanup_config struct ve_config config = {0};

	set(&config, "CPUUNITS", "1000");
	set(&config, "PHYSPAGES", "0:1G");
	param_store(&config_table, &config, file);
	cleanup_free char *text = kvfile_text(file);
	assert_string_equal(text, "#UUID: 7a9f\nIP_ADDRESS=\"10.0.0.5\"\nCPUUNITS=\"1000\"\nCPUS=\"2\"\n"
				  "PHYSPAGES=\"0:262144\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_prints_what_it_parses_and_parses_what_it_prints),
		cmocka_unit_test(every_parameter_can_be_shown_to_people),
		cmocka_unit_test(options_have_vzctls_other_names),
		cmocka_unit_test(a_share_of_the_node_becomes_a_share_of_one_cpu),
		cmocka_unit_test(a_bad_value_is_refused_with_the_reason_and_changes_nothing),
		cmocka_unit_test(a_merge_takes_over_what_is_given_and_nothing_else),
		cmocka_unit_test(a_bad_value_in_a_file_is_named_with_the_file),
		cmocka_unit_test(a_part_of_the_rows_can_be_loaded),
		cmocka_unit_test(storing_writes_what_is_given_and_keeps_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
