/* Run in the root of the source tree: the shipped vz.conf is part of the promise. */
#include "runtime/node.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static void write_vz_conf(int dir, const char *text)
{
	assert_int_equal(io_replace_file(dir, "vz.conf", text, strlen(text), 0644), 0);
}

static void load(int dir, struct node_config *node)
{
	struct err err = {0};
	if (node_load_at(dir, node, &err) < 0)
		fail_msg("%s", err.text);
}

static void add_settings(struct text *out, const struct param_table *table, const void *object)
{
	for (size_t i = 0; i < table->n; i++) {
		cleanup_free char *value = param_print(table, &table->rows[i], object);
		if (value)
			text_add(out, "%s=%s\n", table->rows[i].key, value);
	}
}

TEST(an_empty_vz_conf_leaves_the_built_in_values)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_node struct node_config node = {0};

	write_vz_conf(scratch.fd, "");
	load(scratch.fd, &node);
	assert_string_equal(node.sample, "vswap-256m");
	assert_string_equal(node.ostemplate, "busybox");
	assert_true(node.lxcfs && node.logging);
	assert_int_equal(node.pool_size, 0);
	assert_string_equal(node.logfile, "/var/log/vz/vzctl.log");
	assert_string_equal(node.ve.private_area, "/var/lib/vz/private/$VEID");
	assert_string_equal(node.ve.root_area, "/var/lib/vz/root/$VEID");
	assert_int_equal(node.ve.layout, LAYOUT_OVERLAY);
	assert_int_equal(node.ve.stop_timeout, 120);
}

static int how(const char *neighbour_devs)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_free char *text = str_fmt("NEIGHBOUR_DEVS=\"%s\"\n", neighbour_devs);
	cleanup_node struct node_config node = {0};

	write_vz_conf(scratch.fd, text);
	load(scratch.fd, &node);
	struct neighbour_devices devices = node_neighbours(&node);
	if (devices.how == NEIGHBOUR_LIST)
		assert_string_equal(devices.list, neighbour_devs + strlen("list:"));
	return (int)devices.how;
}

TEST(the_devices_that_answer_for_ves_are_those_of_vz_conf)
{
	assert_int_equal(how("detect"), NEIGHBOUR_DETECT);
	assert_int_equal(how("all"), NEIGHBOUR_ALL);
	assert_int_equal(how("list:eth0 eth1"), NEIGHBOUR_LIST);
}

TEST(the_policy_of_the_network_is_closed_until_vz_conf_opens_it)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_node struct node_config closed = {0}, open = {0};

	write_vz_conf(scratch.fd, "");
	load(scratch.fd, &closed);
	struct filter_policy policy = node_policy(&closed);
	assert_true(policy.masquerade.n == 0 && policy.n_services == 0);
	assert_int_equal(policy.connections, 65536);
	assert_false(closed.skip_arpdetect || closed.error_on_arpfail || closed.skip_sysctl);

	write_vz_conf(scratch.fd,
		      "MASQUERADE=\"10.0.0.0/8 fd00::/8\"\nNODE_SERVICES=\"udp:53 tcp:53\"\nCONNECTIONS=100\n"
		      "SKIP_ARPDETECT=yes\nERROR_ON_ARPFAIL=yes\nSKIP_SYSCTL_SETUP=yes\n");
	load(scratch.fd, &open);
	policy = node_policy(&open);
	assert_int_equal(policy.masquerade.n, 2);
	assert_int_equal(policy.masquerade.list[1].prefix, 8);
	assert_int_equal(policy.n_services, 2);
	assert_int_equal(policy.services[0].protocol, IPPROTO_UDP);
	assert_int_equal(policy.services[1].port, 53);
	assert_int_equal(policy.connections, 100);
	assert_true(open.skip_arpdetect && open.error_on_arpfail && open.skip_sysctl);
}

TEST(the_shipped_vz_conf_says_what_is_built_in_and_every_key)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_fd int etc = open("etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_node struct node_config built_in = {0}, shipped = {0};
	cleanup_text struct text a = {0}, b = {0};
	cleanup_kvfile struct kvfile *file = NULL;
	struct err err = {0};

	write_vz_conf(scratch.fd, "");
	load(scratch.fd, &built_in);
	load(etc, &shipped);
	add_settings(&a, &node_table, &built_in);
	add_settings(&a, &config_table, &built_in.ve);
	add_settings(&b, &node_table, &shipped);
	add_settings(&b, &config_table, &shipped.ve);
	assert_string_equal(a.s, b.s);

	assert_int_equal(kvfile_load(etc, "vz.conf", &file, &err), 0);
	for (size_t i = 0; i < node_table.n; i++)
		assert_non_null(kvfile_get(file, node_table.rows[i].key));
	for (size_t i = 0; i < config_table.n; i++)
		if (config_table.rows[i].flags & PARAM_NODE)
			assert_non_null(kvfile_get(file, config_table.rows[i].key));
}

/* vzctl's own vz.conf has one id range for all VEs: taken over, it would make neighbours one user. */
TEST(what_belongs_to_one_ve_has_no_default_for_all)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_node struct node_config node = {0};
	cleanup_text struct text settings = {0};

	write_vz_conf(scratch.fd, "VIRTUOZZO=yes\nLOCAL_UID=100000\nHOSTNAME=x\nPHYSPAGES=nonsense\n"
				  "VE_ROOT=/vz/root/$VEID\nCONFIGFILE=\"basic\" # Use vswap-256m on RHEL6 kernel\n"
				  "VE_LAYOUT=simfs\nLXCFS=no\nPOOL_SIZE=20G\n");
	load(scratch.fd, &node);
	add_settings(&settings, &config_table, &node.ve);
	assert_string_equal(settings.s, "NAMESERVER=\nSEARCHDOMAIN=\nNETFILTER=stateless\nVE_ROOT=/vz/root/$VEID\n"
					"VE_PRIVATE=/var/lib/vz/private/$VEID\nVE_LAYOUT=private\nSTOP_TIMEOUT=120\n");
	assert_string_equal(node.sample, "basic");
	assert_false(node.lxcfs);
	assert_int_equal(node.pool_size, 20ull << 30);
}

static void assert_refused(int dir, const char *message)
{
	cleanup_node struct node_config node = {0};
	struct err err = {0};

	assert_true(node_load_at(dir, &node, &err) < 0);
	assert_int_equal(err.kind, ERR_NODE_CONFIG);
	assert_string_equal(err.text, message);
}

TEST(a_missing_or_bad_vz_conf_is_refused)
{
	cleanup_scratch struct scratch scratch = scratch_new();

	assert_refused(scratch.fd, "/etc/vz/vz.conf does not exist: install it again, with the package");
	write_vz_conf(scratch.fd, "VE_LAYOUT=ploop\n");
	assert_refused(scratch.fd, "vz.conf: bad value VE_LAYOUT=\"ploop\": must be overlay or private");
	write_vz_conf(scratch.fd, "LOGGING=maybe\n");
	assert_refused(scratch.fd, "vz.conf: bad value LOGGING=\"maybe\": must be yes or no");
	write_vz_conf(scratch.fd, "MASQUERADE=10.0.0.1/8\n");
	assert_refused(scratch.fd,
		       "vz.conf: bad value MASQUERADE=\"10.0.0.1/8\": 10.0.0.1/8 is an address in a network, not the "
		       "network");
	write_vz_conf(scratch.fd, "NODE_SERVICES=dns\n");
	assert_refused(scratch.fd, "vz.conf: bad value NODE_SERVICES=\"dns\": dns: a service is tcp:PORT or udp:PORT");
	write_vz_conf(scratch.fd, "NEIGHBOUR_DEVS=eth0\n");
	assert_refused(scratch.fd,
		       "vz.conf: bad value NEIGHBOUR_DEVS=\"eth0\": must be detect, all or list: and names of "
		       "devices");
	write_vz_conf(scratch.fd, "NEIGHBOUR_DEVS=list:\n");
	assert_refused(scratch.fd, "vz.conf: bad value NEIGHBOUR_DEVS=\"list:\": list: names no device");
	write_vz_conf(scratch.fd, "\nLOGFILE=\"/x\n");
	assert_refused(scratch.fd, "vz.conf, line 2: the closing quote is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_vz_conf_leaves_the_built_in_values),
		cmocka_unit_test(the_shipped_vz_conf_says_what_is_built_in_and_every_key),
		cmocka_unit_test(the_devices_that_answer_for_ves_are_those_of_vz_conf),
		cmocka_unit_test(the_policy_of_the_network_is_closed_until_vz_conf_opens_it),
		cmocka_unit_test(what_belongs_to_one_ve_has_no_default_for_all),
		cmocka_unit_test(a_missing_or_bad_vz_conf_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
