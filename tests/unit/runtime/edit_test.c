/* What options of `vzctl set` make of the configuration there is. */
#include "runtime/edit.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/netif.h"
#include "runtime/value.h"
#include "tests/unit/unit.h"

#define CTID 101

#define ETH0                                                                                                           \
	"ifname=eth0,bridge=br0,mac=00:18:51:00:00:01,host_ifname=veth101.0,host_mac=fe:18:51:00:00:01,"               \
	"mac_filter=on"
#define ETH1 "ifname=eth1,mac=00:18:51:00:00:02,host_ifname=veth101.1,host_mac=fe:18:51:00:00:02,mac_filter=off"

/* Words "KEY=value" of a file, or "option value", separated by "|". */
static void set_all(struct ve_config *config, const char *text, bool options)
{
	cleanup_free char *copy = mem_strdup(text);

	for (char *rest = copy, *word; *copy && rest; rest = rest ? rest + 1 : NULL) {
		struct err err = {0};
		word = rest;
		if ((rest = strchr(rest, '|')))
			*rest = '\0';
		char *value = word + strcspn(word, options ? " " : "=");
		if (*value)
			*value++ = '\0';
		const struct param *row =
			options ? param_by_option(&config_table, word) : param_by_key(&config_table, word);
		if (!row)
			fail_msg("%s is no parameter", word);
		if (param_parse(&config_table, row, config, row->argument ? value : "yes",
				options ? PARAM_FROM_OPTION : PARAM_FROM_FILE, &err) < 0)
			fail_msg("%s", err.text);
	}
}

static char *settings_of(const struct ve_config *config)
{
	struct text out = {0};

	text_add(&out, "%s", "");
	for (size_t i = 0; i < config_table.n; i++) {
		cleanup_free char *value = param_print(&config_table, &config_table.rows[i], config);
		if (value)
			text_add(&out, "%s%s=%s", out.len ? "|" : "", config_table.rows[i].key, value);
	}
	return out.s;
}

static void assert_becomes(const char *before, const char *options, const char *expected)
{
	cleanup_config struct ve_config config = {0}, change = {0};
	struct err err = {0};

	set_all(&config, before, false);
	set_all(&change, options, true);
	if (config_resolve(CTID, &config, &change, &err) < 0)
		fail_msg("%s: %s", options, err.text);
	cleanup_free char *settings = settings_of(&change);
	if (!str_eq(settings, expected))
		fail_msg("%s: %s\nis not %s", options, settings, expected);
}

static void assert_refused(const char *before, const char *options, enum err_kind kind, const char *message)
{
	cleanup_config struct ve_config config = {0}, change = {0};
	struct err err = {0};

	set_all(&config, before, false);
	set_all(&change, options, true);
	cleanup_free char *asked = settings_of(&change);
	if (config_resolve(CTID, &config, &change, &err) == 0)
		fail_msg("%s was taken", options);
	assert_string_equal(err.text, message);
	assert_int_equal(err.kind, kind);
	cleanup_free char *left = settings_of(&change);
	assert_string_equal(left, asked);
}

TEST(what_is_no_edit_stays_as_it_is)
{
	assert_becomes("IP_ADDRESS=10.0.0.1", "", "");
	assert_becomes("IP_ADDRESS=10.0.0.1", "cpus 2|hostname web", "CPUS=2|HOSTNAME=web");
	assert_becomes("", "nameserver 192.0.2.1|nameserver 192.0.2.2", "NAMESERVER=192.0.2.1 192.0.2.2");
	assert_becomes("", "skip_arpdetect", "SKIP_ARPDETECT=yes");
}

TEST(addresses_are_added_and_deleted)
{
	assert_becomes("", "ipadd 10.0.0.1", "IP_ADDRESS=10.0.0.1");
	assert_becomes("IP_ADDRESS=10.0.0.1", "ip fd00::1/64|ipadd 10.0.0.2",
		       "IP_ADDRESS=10.0.0.1 fd00::1/64 10.0.0.2");
	assert_becomes("IP_ADDRESS=10.0.0.1 10.0.0.2", "ipdel 10.0.0.1", "IP_ADDRESS=10.0.0.2");
	assert_becomes("IP_ADDRESS=10.0.0.1 10.0.0.2", "ipdel 10.0.0.2/24|ipdel 10.0.0.1", "IP_ADDRESS=");
	assert_becomes("IP_ADDRESS=10.0.0.1", "ipadd 10.0.0.3|ipdel all", "IP_ADDRESS=10.0.0.3");
	assert_becomes("", "ipdel all", "IP_ADDRESS=");
	assert_becomes("IP_ADDRESS=10.0.0.1 10.0.0.2", "ipadd 10.0.0.1/24", "IP_ADDRESS=10.0.0.2 10.0.0.1/24");
	assert_becomes("IP_ADDRESS=10.0.0.1", "ipadd 10.0.0.2|skip_arpdetect",
		       "IP_ADDRESS=10.0.0.1 10.0.0.2|SKIP_ARPDETECT=yes");
}

TEST(an_address_that_is_not_there_cannot_be_deleted)
{
	assert_refused("IP_ADDRESS=10.0.0.1", "ipdel 10.0.0.2", ERR_BAD_ADDRESS,
		       "cannot delete 10.0.0.2: the container does not have it");
	assert_refused("NETIF=" ETH0, "ifname eth0|ipdel fd00::1", ERR_BAD_ADDRESS,
		       "cannot delete fd00::1: eth0 does not have it");
}

TEST(interfaces_are_added_and_deleted)
{
	assert_becomes("", "netif_add eth0,00:18:51:00:00:01,veth101.0,FE:18:51:00:00:01,br0", "NETIF=" ETH0);
	assert_becomes("NETIF=" ETH0 ";" ETH1, "netif_del eth1", "NETIF=" ETH0);
	assert_becomes("NETIF=" ETH0 ";" ETH1, "netif_del eth1|netif_del eth0", "NETIF=");
	assert_becomes("NETIF=" ETH0 ";" ETH1, "netif_del all", "NETIF=");
	assert_becomes("NETIF=" ETH1, "netif_del eth1|netif_add eth0,00:18:51:00:00:01,veth101.0,fe:18:51:00:00:01,br0",
		       "NETIF=" ETH0);
}

TEST(interfaces_and_names_are_not_taken_twice)
{
	assert_refused("NETIF=" ETH0, "netif_add eth0", ERR_VETH,
		       "the container has an interface eth0 already; --ifname eth0 changes it");
	assert_refused("NETIF=" ETH0, "netif_add eth1,00:18:51:00:00:01", ERR_VETH,
		       "eth0 and eth1 have one MAC address, 00:18:51:00:00:01");
	assert_refused("NETIF=" ETH0, "netif_add eth1,,veth101.0", ERR_VETH,
		       "eth0 and eth1 are both called veth101.0 on the node");
	assert_refused("NETIF=" ETH0 ";" ETH1, "ifname eth1|mac 00:18:51:00:00:01", ERR_VETH,
		       "eth0 and eth1 have one MAC address, 00:18:51:00:00:01");
	assert_refused("NETIF=" ETH0, "netif_del eth1", ERR_VETH, "the container has no interface eth1");
	assert_refused("", "ifname eth0|bridge br0", ERR_VETH, "the container has no interface eth0");
	assert_refused("", "ifname ", ERR_VETH, "the container has no interface ");
}

TEST(an_interface_is_changed_in_place)
{
	assert_becomes(
		"NETIF=" ETH0 ";" ETH1,
		"ifname eth0|mac 00:18:51:00:00:09|host_mac fe:18:51:00:00:09|host_ifname web.0|bridge br1|"
		"mac_filter off|vlan 5|ipadd 10.0.0.2/24|ipadd fd00::2/64|gw 10.0.0.1|gw6 fd00::1",
		"NETIF=ifname=eth0,bridge=br1,mac=00:18:51:00:00:09,host_ifname=web.0,host_mac=fe:18:51:00:00:09,"
		"mac_filter=off,vlan=5,ip=10.0.0.2/24,ip=fd00::2/64,gw=10.0.0.1,gw6=fd00::1;" ETH1);
	assert_becomes("NETIF=" ETH0 ",vlan=5,ip=10.0.0.2/24,gw=10.0.0.1,gw6=fd00::1",
		       "ifname eth0|vlan 0|ipdel all|gw |gw6 |bridge ",
		       "NETIF=ifname=eth0,mac=00:18:51:00:00:01,host_ifname=veth101.0,host_mac=fe:18:51:00:00:01,"
		       "mac_filter=on");
	assert_becomes("IP_ADDRESS=10.0.0.9|NETIF=" ETH0, "ifname eth0|ipadd 10.0.0.2", "NETIF=" ETH0 ",ip=10.0.0.2");
}

/* As libvirt does it, and what vzctl's own manual shows. */
TEST(an_interface_can_be_added_and_changed_at_once)
{
	assert_becomes("",
		       "ifname eth1|vlan 7|netif_add eth1,00:18:51:00:00:02,veth101.1,fe:18:51:00:00:02|mac_filter off",
		       "NETIF=" ETH1 ",vlan=7");
}

TEST(what_other_programs_say_of_an_interface_is_kept)
{
	assert_becomes("NETIF=" ETH0 ",network=lan,configure=none", "ifname eth0|vlan 3",
		       "NETIF=" ETH0 ",vlan=3,network=lan,configure=none");
}

TEST(options_of_an_interface_need_its_name)
{
	static const char *const options[] = {"mac 00:18:51:00:00:01", "host_mac 00:18:51:00:00:01",
					      "host_ifname x",	       "bridge br0",
					      "mac_filter on",	       "vlan 3",
					      "gw 10.0.0.1",	       "gw6 fd00::1"};

	for (size_t i = 0; i < countof(options); i++) {
		cleanup_free char *expected = str_fmt("--%.*s is about an interface: --ifname says which",
						      (int)strcspn(options[i], " "), options[i]);
		assert_refused("NETIF=" ETH0, options[i], ERR_BAD_VALUE, expected);
	}
}

static void resolve_netif(uint32_t ctid, const char *before, const char *options, struct netifs *ret)
{
	cleanup_config struct ve_config config = {0}, change = {0};
	struct err err = {0};
	struct why why;

	set_all(&config, before, false);
	set_all(&change, options, true);
	if (config_resolve(ctid, &config, &change, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(netifs_parse(change.netif, ret, &why), 0);
}

TEST(what_is_left_out_is_made_up)
{
	cleanup_netifs struct netifs netifs = {0};

	resolve_netif(CTID, "NETIF=" ETH1, "netif_add eth0|netif_add eth2,,,,br0", &netifs);
	assert_int_equal(netifs.n, 3);
	for (size_t i = 1; i < netifs.n; i++) {
		const struct net_interface *net = &netifs.list[i].net;
		assert_memory_equal(net->mac.bytes, ((uint8_t[]){0x00, 0x18, 0x51}), 3);
		assert_memory_equal(net->host_mac.bytes, ((uint8_t[]){0xfe, 0x18, 0x51}), 3);
		assert_true(net->mac_filter && !net->routed);
	}
	assert_string_equal(netifs.list[1].net.host_name, "veth101.0");
	assert_string_equal(netifs.list[2].net.host_name, "veth101.2");
	assert_string_equal(netifs.list[2].net.bridge, "br0");
	assert_false(mac_same(&netifs.list[1].net.mac, &netifs.list[2].net.mac));
}

/* A VE that is made anew under an old CTID is another station. */
TEST(a_new_interface_has_a_mac_of_its_own_each_time)
{
	cleanup_netifs struct netifs once = {0}, again = {0};

	resolve_netif(CTID, "", "netif_add eth0", &once);
	resolve_netif(CTID, "", "netif_add eth0", &again);
	assert_false(mac_same(&once.list[0].net.mac, &again.list[0].net.mac));
}

TEST(names_on_the_node_fit_for_the_largest_ctid)
{
	cleanup_netifs struct netifs netifs = {0};

	resolve_netif(2147483644u, "", "netif_add eth0", &netifs);
	assert_string_equal(netifs.list[0].net.host_name, "ve2147483644.0");
}

TEST(devices_are_added_and_deleted)
{
	assert_becomes("", "netdev_add eth1", "NETDEV=eth1");
	assert_becomes("NETDEV=eth1", "netdev_add eth2|netdev_add eth3", "NETDEV=eth1 eth2 eth3");
	assert_becomes("NETDEV=eth1 eth2", "netdev_del eth1", "NETDEV=eth2");
	assert_becomes("NETDEV=eth1", "netdev_add eth1|netdev_del eth1", "NETDEV=eth1");
	assert_becomes("NETDEV=eth1", "netdev_del eth1", "NETDEV=");
	assert_refused("NETDEV=eth1", "netdev_add eth1", ERR_NETDEV, "the container has the device eth1 already");
	assert_refused("NETDEV=eth1", "netdev_del eth2", ERR_NETDEV, "the container does not have the device eth2");
}

TEST(ports_are_added_and_deleted)
{
	assert_becomes("", "port_add 192.0.2.1:8080:80", "PORTS=tcp:192.0.2.1:8080:80");
	assert_becomes("PORTS=tcp:0.0.0.0:80:80", "port_add udp:0.0.0.0:80:80|port_add tcp:192.0.2.1:80:80",
		       "PORTS=tcp:0.0.0.0:80:80 udp:0.0.0.0:80:80 tcp:192.0.2.1:80:80");
	assert_becomes("PORTS=tcp:0.0.0.0:80:80", "port_add 0.0.0.0:80:80", "PORTS=tcp:0.0.0.0:80:80");
	assert_becomes("PORTS=tcp:0.0.0.0:80:80 udp:[::]:53:53", "port_del 0.0.0.0:80:80", "PORTS=udp:[::]:53:53");
	assert_becomes("PORTS=tcp:0.0.0.0:80:80", "port_del all|port_add 0.0.0.0:80:81", "PORTS=tcp:0.0.0.0:80:81");
	assert_refused("PORTS=tcp:0.0.0.0:80:80", "port_add 0.0.0.0:80:81", ERR_BAD_VALUE,
		       "that port of the node is published already: tcp:0.0.0.0:80:80");
	assert_refused("PORTS=tcp:0.0.0.0:80:80", "port_del 0.0.0.0:80:81", ERR_BAD_VALUE,
		       "cannot delete the port tcp:0.0.0.0:80:81: it is not published");
}

TEST(features_that_are_not_mentioned_stay)
{
	assert_becomes("FEATURES=tun:on nfs:on", "features tun:off,sit:on", "FEATURES=tun:off nfs:on sit:on");
	assert_becomes("FEATURES=tun:on", "features ", "FEATURES=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_edit_stays_as_it_is),
		cmocka_unit_test(addresses_are_added_and_deleted),
		cmocka_unit_test(an_address_that_is_not_there_cannot_be_deleted),
		cmocka_unit_test(interfaces_are_added_and_deleted),
		cmocka_unit_test(interfaces_and_names_are_not_taken_twice),
		cmocka_unit_test(an_interface_is_changed_in_place),
		cmocka_unit_test(an_interface_can_be_added_and_changed_at_once),
		cmocka_unit_test(what_other_programs_say_of_an_interface_is_kept),
		cmocka_unit_test(options_of_an_interface_need_its_name),
		cmocka_unit_test(what_is_left_out_is_made_up),
		cmocka_unit_test(a_new_interface_has_a_mac_of_its_own_each_time),
		cmocka_unit_test(names_on_the_node_fit_for_the_largest_ctid),
		cmocka_unit_test(devices_are_added_and_deleted),
		cmocka_unit_test(ports_are_added_and_deleted),
		cmocka_unit_test(features_that_are_not_mentioned_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
