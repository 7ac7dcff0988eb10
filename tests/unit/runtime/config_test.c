/* Configurations as they are found in the field, tests/golden/NAME.conf, against what is made of them, NAME.golden:
 * what was loaded, what config_check says of it, and the file after a change was saved into it. With GOLDEN_UPDATE in
 * the environment the goldens are written anew: read the difference. Run in the root of the source tree. */
#include "runtime/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/node.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define GOLDEN "tests/golden"
#define CTID 101

static char *read_text(int dir, const char *name)
{
	char *text = NULL;
	if (io_read_file(dir, name, &text, NULL) < 0)
		fail_msg("cannot read %s", name);
	return text;
}

static void write_text(int dir, const char *name, const char *text)
{
	assert_int_equal(io_replace_file(dir, name, text, strlen(text), 0644), 0);
}

static void load_node(struct node_config *node)
{
	struct err err = {0};
	cleanup_fd int dir = open("etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (node_load_at(dir, node, &err) < 0)
		fail_msg("%s", err.text);
}

static void set(struct ve_config *config, const char *option, const char *text)
{
	struct err err = {0};
	const struct param *row = param_by_option(&config_table, option);
	if (param_parse(&config_table, row, config, text, PARAM_FROM_OPTION, &err) < 0)
		fail_msg("%s", err.text);
}

static void add_settings(struct text *out, const struct ve_config *config)
{
	for (size_t i = 0; i < config_table.n; i++) {
		const struct param *row = &config_table.rows[i];
		cleanup_free char *value = param_print(&config_table, row, config);
		if (value)
			text_add(out, "%s=%s\n", row->key, value);
	}
}

static void add_saved(struct text *out, int dir)
{
	cleanup_config struct ve_config change = {0};
	struct err err = {0};

	set(&change, "ram", "1G");
	set(&change, "swap", "2G");
	set(&change, "name", "web 1");
	set(&change, "description", "`id` \"$HOME\"");
	set(&change, "private", "/vz/private/$VEID");
	if (config_save_at(dir, CTID, &change, &err) < 0)
		fail_msg("%s", err.text);

	cleanup_free char *text = read_text(dir, "101.conf");
	text_add(out, "== saved ==\n%s", text);
}

/* All that is made of a configuration, as text. */
static char *make_of(const char *conf, const struct ve_config *defaults)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_config struct ve_config config = {0};
	struct text out = {0};
	struct err err = {0};

	write_text(scratch.fd, "101.conf", conf);
	text_add(&out, "== loaded ==\n");
	if (config_load_at(scratch.fd, CTID, defaults, &config, &err) < 0) {
		assert_int_equal(err.kind, ERR_BAD_CONFIG);
		text_add(&out, "%s\n", err.text);
		return out.s;
	}
	add_settings(&out, &config);
	text_add(&out, "== checked ==\n%s\n", config_check(&config, &err) < 0 ? err.text : "fine");
	add_saved(&out, scratch.fd);
	return out.s;
}

static void check_golden(int dir, const char *name, const struct ve_config *defaults)
{
	cleanup_free char *golden = str_fmt("%.*s.golden", (int)(strlen(name) - strlen(".conf")), name);
	cleanup_free char *conf = read_text(dir, name);
	cleanup_free char *made = make_of(conf, defaults);

	if (getenv("GOLDEN_UPDATE"))
		write_text(dir, golden, made);
	cleanup_free char *expected = read_text(dir, golden);
	if (!str_eq(made, expected))
		fail_msg("%s is not what is made of it now:\n%s", golden, made);
}

TEST(configurations_from_the_field_are_read_and_kept_as_the_goldens_say)
{
	cleanup_node struct node_config node = {0};
	size_t n = 0;

	load_node(&node);
	DIR *dir = opendir(GOLDEN);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (!str_ends(entry->d_name, ".conf"))
			continue;
		check_golden(dirfd(dir), entry->d_name, &node.ve);
		n++;
	}
	closedir(dir);
	assert_true(n >= 12);
}

TEST(a_missing_configuration_is_a_missing_ve)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_config struct ve_config config = {0};
	const struct ve_config defaults = {0};
	struct err err = {0};

	assert_true(config_load_at(scratch.fd, CTID, &defaults, &config, &err) < 0);
	assert_int_equal(err.kind, ERR_NO_SUCH_VE);
	assert_string_equal(err.text, "Container config file does not exist");
}

TEST(saving_makes_a_missing_file_and_says_why_it_cannot)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	set(&config, "cpus", "2");
	assert_int_equal(config_save_at(scratch.fd, CTID, &config, &err), 0);
	cleanup_free char *text = read_text(scratch.fd, "101.conf");
	assert_string_equal(text, "CPUS=\"2\"\n");

	assert_int_equal(unlinkat(scratch.fd, "101.conf", 0), 0);
	assert_int_equal(mkdirat(scratch.fd, "101.conf", 0755), 0);
	assert_true(config_save_at(scratch.fd, CTID, &config, &err) < 0);
	assert_int_equal(err.kind, ERR_CONFIG_SAVE);
	assert_string_equal(err.text, "read 101.conf: Is a directory");
}

TEST(a_sample_carries_no_ones_own_settings)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_config struct ve_config config = {0};
	cleanup_text struct text settings = {0};
	struct err err = {0};

	write_text(scratch.fd, "ve-x.conf-sample",
		   "HOSTNAME=a\nNAME=b\nCPUUNITS=10\nVE_PRIVATE=relative\nLOCAL_UID=0\nONBOOT=yes\n");
	assert_int_equal(config_sample_at(scratch.fd, "x", ERR_CONFIG_EXISTS, &config, &err), 0);
	add_settings(&settings, &config);
	assert_string_equal(settings.s, "CPUUNITS=10\n");
}

static void assert_no_sample(int dir, const char *name, int kind, const char *message)
{
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	assert_true(config_sample_at(dir, name, kind, &config, &err) < 0);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, message);
}

TEST(a_sample_that_cannot_be_had_is_the_error_of_who_asked)
{
	cleanup_scratch struct scratch scratch = scratch_new();

	write_text(scratch.fd, "ve-bad.conf-sample", "CPUUNITS=1\n");
	assert_no_sample(scratch.fd, "none", ERR_CONFIG_EXISTS,
			 "Sample config /etc/vz/conf/ve-none.conf-sample not found");
	assert_no_sample(scratch.fd, "none", ERR_APPLY_CONFIG,
			 "Sample config /etc/vz/conf/ve-none.conf-sample not found");
	assert_no_sample(scratch.fd, "bad", ERR_APPLY_CONFIG,
			 "ve-bad.conf-sample: bad value CPUUNITS=\"1\": must be 8 to 500000");
	assert_no_sample(scratch.fd, "../../x", ERR_CONFIG_EXISTS, "../../x is no name of a sample configuration");
	assert_no_sample(scratch.fd, "", ERR_CONFIG_EXISTS, " is no name of a sample configuration");
}

TEST(every_shipped_sample_makes_a_ve_that_can_start)
{
	static const char *const names[] = {"basic",	"light",    "vswap-256m", "vswap-512m",
					    "vswap-1g", "vswap-2g", "vswap-4g"};
	cleanup_fd int dir = open("etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < countof(names); i++) {
		cleanup_config struct ve_config config = {0};
		struct err err = {0};
		if (config_sample_at(dir, names[i], ERR_CONFIG_EXISTS, &config, &err) < 0 ||
		    config_check(&config, &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		assert_true(config.ram != 0 && config.ram != PARAM_UNLIMITED);
		assert_true(config.diskspace.limit != 0 && config.numproc.limit != 0);
		assert_int_equal(config.cpuunits, 1000);
	}
}

static void assert_checked(const char *settings, enum err_kind kind, const char *message)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_config struct ve_config config = {0};
	const struct ve_config defaults = {0};
	struct err err = {0};

	write_text(scratch.fd, "101.conf", settings);
	if (config_load_at(scratch.fd, CTID, &defaults, &config, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(config_check(&config, &err) < 0, kind != ERR_NONE);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, message);
}

TEST(the_parts_of_a_network_must_go_together)
{
	assert_checked("IP_ADDRESS='10.0.0.1 fd00::1'\nPORTS='tcp:0.0.0.0:80:80 udp:[::]:53:53'\n", ERR_NONE, "");
	assert_checked("IP_ADDRESS=10.0.0.1\nNETIF='ifname=eth0,ip=10.0.0.2/24'\nNETDEV=eth1\n", ERR_NONE, "");
	assert_checked(
		"IP_ADDRESS=10.0.0.1\nPORTS=udp:[::]:53:53\n", ERR_BAD_ADDRESS,
		"the port udp:[::]:53:53 leads nowhere: the container has no IPv6 address of its own; give it one with "
		"--ipadd, or take the port back with --port_del");
	assert_checked("IP_ADDRESS=10.0.0.1\nNETIF='ifname=eth0,ip=10.0.0.1/24'\n", ERR_BAD_ADDRESS,
		       "10.0.0.1 is an address of eth0 and of the container itself");
	assert_checked("NETIF=ifname=eth0\nNETDEV=eth0\n", ERR_VETH,
		       "eth0 cannot be an interface (--netif_add) and a device of the node (--netdev_add)");
}

TEST(an_interface_of_which_a_file_says_little_is_complete_and_the_same_each_time)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_config struct ve_config once = {0}, twice = {0};
	const struct ve_config defaults = {0};
	struct err err = {0};

	write_text(scratch.fd, "101.conf", "NETIF=\"ifname=eth0,bridge=br0\"\n");
	assert_int_equal(config_load_at(scratch.fd, CTID, &defaults, &once, &err), 0);
	assert_int_equal(config_load_at(scratch.fd, CTID, &defaults, &twice, &err), 0);
	assert_non_null(strstr(once.netif, ",mac=00:18:51:"));
	assert_non_null(strstr(once.netif, ",host_ifname=veth101.0,host_mac=fe:18:51:"));
	assert_string_equal(once.netif, twice.netif);
}

static void assert_path(const char *value, const char *expected)
{
	cleanup_free char *path = config_path(value, CTID);
	assert_string_equal(path, expected);
}

TEST(the_ctid_is_put_into_paths)
{
	assert_path("/vz/private/$VEID", "/vz/private/101");
	assert_path("/vz/$VEID/${VEID}.d", "/vz/101/101.d");
	assert_path("/vz/private", "/vz/private");
	assert_path("/vz/$VEIDENCE", "/vz/101ENCE");
	assert_path("/vz/$$X", "/vz/$$X");
}

TEST(what_vzctl_knows_and_we_do_not_build_is_told_from_nonsense)
{
	static const char *const known[] = {"dhcp",	"NETWORK",   "ioprio",	 "IOPRIO",
					    "kmemsize", "local_uid", "physpages"};
	static const char *const ours_or_nonsense[] = {"ram", "PHYSPAGES",  "LOCAL_UID",      "velayout", "ipadd",
						       "ip",  "IP_ADDRESS", "skip_arpdetect", "nonsense", "save",
						       ""};

	for (size_t i = 0; i < countof(known); i++)
		if (!config_unsupported(known[i]))
			fail_msg("%s is one of vzctl's", known[i]);
	for (size_t i = 0; i < countof(ours_or_nonsense); i++)
		if (config_unsupported(ours_or_nonsense[i]))
			fail_msg("%s is none of vzctl's that we do not build", ours_or_nonsense[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_from_the_field_are_read_and_kept_as_the_goldens_say),
		cmocka_unit_test(a_missing_configuration_is_a_missing_ve),
		cmocka_unit_test(saving_makes_a_missing_file_and_says_why_it_cannot),
		cmocka_unit_test(a_sample_carries_no_ones_own_settings),
		cmocka_unit_test(a_sample_that_cannot_be_had_is_the_error_of_who_asked),
		cmocka_unit_test(every_shipped_sample_makes_a_ve_that_can_start),
		cmocka_unit_test(the_parts_of_a_network_must_go_together),
		cmocka_unit_test(an_interface_of_which_a_file_says_little_is_complete_and_the_same_each_time),
		cmocka_unit_test(the_ctid_is_put_into_paths),
		cmocka_unit_test(what_vzctl_knows_and_we_do_not_build_is_told_from_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
