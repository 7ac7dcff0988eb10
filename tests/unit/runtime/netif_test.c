/* NETIF as other programs and people write it. */
#include "runtime/netif.h"

#include <string.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"
#include "tests/unit/unit.h"

#define FULL                                                                                                           \
	"ifname=eth0,bridge=br0,mac=00:18:51:00:00:01,host_ifname=veth101.0,host_mac=fe:18:51:00:00:01,"               \
	"mac_filter=off,vlan=4094,ip=10.0.0.2/24,ip=fd00::2/64,gw=10.0.0.1,gw6=fe80::1,network=lan,type=bridged"

static void parse(const char *text, struct netifs *ret)
{
	struct why why;
	if (netifs_parse(text, ret, &why) < 0)
		fail_msg("%s: %s", text, why.text);
}

static void assert_prints(const char *text, const char *expected)
{
	cleanup_netifs struct netifs netifs = {0};

	parse(text, &netifs);
	cleanup_free char *printed = netifs_print(&netifs);
	assert_string_equal(printed, expected);
}

TEST(every_key_has_its_place)
{
	cleanup_netifs struct netifs netifs = {0};

	parse(FULL, &netifs);
	const struct net_interface *net = &netifs_find(&netifs, "eth0")->net;
	assert_string_equal(net->name, "eth0");
	assert_string_equal(net->bridge, "br0");
	assert_string_equal(net->host_name, "veth101.0");
	assert_int_equal(net->mac.bytes[5], 1);
	assert_int_equal(net->host_mac.bytes[0], 0xfe);
	assert_false(net->mac_filter);
	assert_false(net->routed);
	assert_int_equal(net->vlan, 4094);
	assert_int_equal(net->ips.n, 2);
	assert_int_equal(net->ips.list[1].prefix, 64);
	assert_int_equal(net->gateway4.family, AF_INET);
	assert_int_equal(net->gateway6.family, AF_INET6);
	assert_string_equal(netifs.list[0].kept, "network=lan,type=bridged");
	assert_prints(FULL, FULL);
}

TEST(an_interface_that_says_nothing_filters_macs_and_has_no_gateway)
{
	cleanup_netifs struct netifs netifs = {0};

	parse("ifname=eth0,gw=,gw6=,vlan=0,bridge=", &netifs);
	const struct net_interface *net = &netifs.list[0].net;
	assert_true(net->mac_filter);
	assert_int_equal(net->gateway4.family + net->gateway6.family, 0);
	assert_prints("ifname=eth0,gw=,gw6=,vlan=0,bridge=", "ifname=eth0,mac_filter=on");
}

TEST(several_are_separated_by_semicolons_and_keep_their_order)
{
	assert_prints("ifname=eth1;ifname=eth0;", "ifname=eth1,mac_filter=on;ifname=eth0,mac_filter=on");
	assert_prints("", "");
	assert_prints(" ; ", "");
}

TEST(what_is_missing_is_the_same_each_time)
{
	cleanup_netifs struct netifs a = {0}, b = {0}, other = {0};
	struct why why;

	parse("ifname=eth0;ifname=eth1,mac=fe:18:51:00:00:01", &a);
	parse("ifname=eth0;ifname=eth1,mac=fe:18:51:00:00:01", &b);
	parse("ifname=eth0", &other);
	assert_int_equal(netifs_complete(&a, 101, &why), 0);
	assert_int_equal(netifs_complete(&b, 101, &why), 0);
	assert_int_equal(netifs_complete(&other, 102, &why), 0);

	cleanup_free char *text = netifs_print(&a), *again = netifs_print(&b);
	assert_string_equal(text, again);
	assert_string_equal(a.list[1].net.host_name, "veth101.1");
	assert_false(mac_same(&a.list[0].net.mac, &other.list[0].net.mac));
	assert_false(mac_same(&a.list[1].net.mac, &a.list[1].net.host_mac));
	for (size_t i = 0; i < a.n; i++)
		assert_null(netif_mac_fault(&a.list[i].net.mac));
	assert_int_equal(a.list[0].net.host_mac.bytes[0], 0xfe);
}

TEST(names_on_the_node_run_out_some_time)
{
	cleanup_netifs struct netifs netifs = {0};
	struct why why;

	for (unsigned i = 0; i < 101; i++) {
		cleanup_free char *name = str_fmt("eth%u", i);
		assert_int_equal(netifs_parse_option(&netifs, name, &why), 0);
	}
	assert_true(netifs_complete(&netifs, 101, &why) < 0);
	assert_string_equal(why.text, "all names veth101.0 to veth101.99 are taken");
}

/* Cut FULL everywhere, and put each character anywhere: taken or refused, what is taken prints what it parses. */
static void check_survives(const char *text)
{
	cleanup_netifs struct netifs netifs = {0};
	struct why why;

	if (netifs_parse(text, &netifs, &why) < 0)
		return;
	cleanup_free char *once = netifs_print(&netifs);
	assert_prints(once, once);
}

TEST(no_text_does_harm)
{
	for (size_t len = 0; len <= strlen(FULL); len++) {
		cleanup_free char *cut = str_fmt("%.*s", (int)len, FULL);
		check_survives(cut);
	}
	for (size_t at = 0; at < strlen(FULL); at++) {
		cleanup_free char *copy = mem_strdup(FULL);
		for (unsigned c = 1; c < 256; c++) {
			copy[at] = (char)c;
			check_survives(copy);
		}
	}
}

TEST(removing_keeps_the_others)
{
	cleanup_netifs struct netifs netifs = {0};

	parse("ifname=a,ip=10.0.0.1;ifname=b,ip=10.0.0.2;ifname=c", &netifs);
	netifs_remove(&netifs, netifs_find(&netifs, "b"));
	assert_null(netifs_find(&netifs, "b"));
	assert_non_null(netifs_find(&netifs, "a"));
	assert_ptr_equal(netifs_find(&netifs, "c"), &netifs.list[1]);
}

TEST(only_names_that_follow_from_the_ctid_change_with_it)
{
	cleanup_netifs struct netifs netifs = {0};
	struct why why;

	parse("ifname=a,host_ifname=veth101.7;ifname=b,host_ifname=ve101.0;ifname=c,host_ifname=veth101.x;"
	      "ifname=d,host_ifname=veth1011.0;ifname=e",
	      &netifs);
	assert_int_equal(netifs_renumber(&netifs, 101, 202, &why), 0);
	static const char *const names[] = {"veth202.0", "veth202.1", "veth101.x", "veth1011.0", "veth202.2"};
	for (size_t i = 0; i < netifs.n; i++)
		assert_string_equal(netifs.list[i].net.host_name, names[i]);

	cleanup_netifs struct netifs before = {0};
	parse("ifname=e", &before);
	assert_int_equal(netifs_complete(&before, 101, &why), 0);
	assert_true(mac_same(&netifs.list[4].net.mac, &before.list[0].net.mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_place),
		cmocka_unit_test(an_interface_that_says_nothing_filters_macs_and_has_no_gateway),
		cmocka_unit_test(several_are_separated_by_semicolons_and_keep_their_order),
		cmocka_unit_test(what_is_missing_is_the_same_each_time),
		cmocka_unit_test(names_on_the_node_run_out_some_time),
		cmocka_unit_test(no_text_does_harm),
		cmocka_unit_test(removing_keeps_the_others),
		cmocka_unit_test(only_names_that_follow_from_the_ctid_change_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
