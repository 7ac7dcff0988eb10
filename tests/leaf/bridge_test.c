/* Bridges and what their ports let pass: two guests, there and elsewhere, and the node's own address between them. Runs
 * as root. */
#include "tests/leaf/netns_guest.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "netns/linkinfo.h"
#include "netns/rtnl.h"

#define MAC_A "00:18:51:00:00:0a"
#define MAC_B "00:18:51:00:00:0b"

/* A pair into that namespace, its node's end "vethN", its own 10.8.0.N/24 with the MAC. */
static void plug(int netns, int n, const char *mac)
{
	cleanup_netns struct netns node = opened(NETNS_OWN), guest = opened(netns);
	struct env in = {.there = netns};
	char host[16], words[64];
	struct err err = {0};

	in.node = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	snprintf(host, sizeof(host), "veth%d", n);
	struct link_veth veth = {.name = host, .peer = "eth0", .peer_netns = &guest};
	struct link_pair made;
	assert_int_equal(mac_parse(mac, &veth.peer_mac), 0);
	assert_done(link_add_veth(&node, &veth, &made, &err), err);
	assert_done(link_up(&guest, "eth0", &err), err);
	snprintf(words, sizeof(words), "ip addr add 10.8.0.%d/24 dev eth0", n);
	program_there(&in, words);
	fd_close(in.node);
}

static struct mac mac_of(const char *text)
{
	struct mac mac;
	assert_int_equal(mac_parse(text, &mac), 0);
	return mac;
}

static void set_port(const char *name, const char *bridge, uint16_t vlan, const char *mac)
{
	struct mac only = mac ? mac_of(mac) : (struct mac){0};
	struct link_port port = {.bridge = bridge, .vlan = vlan, .mac = mac ? &only : NULL};
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct err err = {0};

	assert_done(link_set_port(&node, name, &port, &err), err);
	assert_done(link_up(&node, name, &err), err);
}

static void make_bridge(const char *name)
{
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct err err = {0};
	assert_done(link_make_bridge(&node, name, &err), err);
}

static bool kernel_knows_vlans(void)
{
	bool knows = try_program("ip link add probe type bridge vlan_filtering 1") == 0;
	if (knows)
		program("ip link del probe");
	return knows;
}

/* ---- bridges ---- */

TEST(a_bridge_of_ours_is_up_and_marked_and_keeps_its_mac)
{
	struct env *env = *state_;
	struct nl_sock *sock = env->home.rtnl;
	struct linkinfo before, after;

	make_bridge("br7");
	assert_int_equal(linkinfo_get(sock, 0, "br7", &before), 0);
	assert_true(before.up);
	assert_string_equal(before.alias, "made by OpenVE");
	assert_int_equal(before.vlan_filtering, kernel_knows_vlans());

	program("ip link add low address 00:00:00:00:00:01 type veth peer name high");
	program("ip link set low master br7");
	assert_int_equal(linkinfo_get(sock, 0, "br7", &after), 0);
	char mac[MAC_TEXT + 16];
	snprintf(mac, sizeof(mac), "link/ether 00:18:51");
	assert_tells("ip link show dev br7", mac);
	make_bridge("br7");
}

TEST(a_bridge_that_is_there_is_left_as_it_is)
{
	struct env *env = *state_;
	struct err err = {0}, other = {0};

	program("ip link add br7 type bridge");
	make_bridge("br7");
	assert_tells_not("ip -o link show dev br7", ",UP");
	assert_tells_not("ip link show dev br7", "alias");
	assert_int_equal(link_make_bridge(&env->home, "lo", &err), -EEXIST);
	assert_string_equal(err.text, "network interface lo is no bridge");
	assert_done(link_drop_bridge(&env->home, "br7", &other), other);
	assert_true(link_exists(&env->home, "br7"));
}

TEST(a_bridge_of_ours_goes_with_its_last_port)
{
	struct env *env = *state_;
	struct err err = {0};

	make_bridge("br7");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 0, NULL);
	assert_done(link_drop_bridge(&env->home, "br7", &err), err);
	assert_true(link_exists(&env->home, "br7"));

	assert_done(link_clear_port(&env->home, "veth1", &err), err);
	assert_done(link_clear_port(&env->home, "veth1", &err), err);
	assert_done(link_clear_port(&env->home, "nosuch", &err), err);
	assert_done(link_drop_bridge(&env->home, "br7", &err), err);
	assert_false(link_exists(&env->home, "br7"));
	assert_done(link_drop_bridge(&env->home, "br7", &err), err);
}

/* ---- ports ---- */

TEST(a_port_has_its_guards)
{
	struct env *env = *state_;

	make_bridge("br7");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 0, NULL);
	assert_tells("bridge -d link show dev veth1", " guard on root_block on ");
	assert_tells("bridge -d link show dev veth1", " learning on flood on ");
	assert_tells("bridge -d link show dev veth1", " locked off ");

	set_port("veth1", "br7", 0, MAC_A);
	assert_tells("bridge -d link show dev veth1", " guard on root_block on ");
	assert_tells("bridge -d link show dev veth1", " learning off flood off ");
	assert_tells("bridge -d link show dev veth1", " locked on ");
	assert_tells("bridge fdb show dev veth1", MAC_A);

	set_port("veth1", "br7", 0, NULL);
	assert_tells("bridge -d link show dev veth1", " learning on flood on ");
	assert_tells("bridge -d link show dev veth1", " locked off ");
	assert_tells_not("bridge fdb show dev veth1", "static");
}

TEST(a_locked_port_passes_no_other_mac)
{
	struct env *env = *state_;

	make_bridge("br7");
	program("ip addr add 10.8.0.99/24 dev br7");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 0, MAC_A);
	assert_true(pings(env->there, env, "10.8.0.99"));
	program_there(env, "ip link set eth0 address " MAC_B);
	assert_false(pings(env->there, env, "10.8.0.99"));

	set_port("veth1", "br7", 0, MAC_B);
	assert_true(pings(env->there, env, "10.8.0.99"));
	assert_tells_not("bridge fdb show dev veth1", MAC_A);
}

TEST(nobody_takes_a_locked_mac_over)
{
	struct env *env = *state_;
	cleanup_fd int elsewhere = new_netns();

	enter(env->node);
	make_bridge("br7");
	program("ip addr add 10.8.0.99/24 dev br7");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 0, MAC_A);
	plug(elsewhere, 2, MAC_A);
	set_port("veth2", "br7", 0, NULL);

	pings(elsewhere, env, "10.8.0.99");
	assert_tells("bridge fdb show dev veth1", MAC_A);
	assert_tells_not("bridge fdb show dev veth2", MAC_A);
	assert_true(pings(env->there, env, "10.8.0.99"));
}

static struct nl_sock *listen_to(int group, rtnl_answer *hear, void *ctx)
{
	struct nl_sock *sock = opened(NETNS_OWN).rtnl;

	nl_socket_disable_seq_check(sock);
	nl_socket_set_nonblocking(sock);
	assert_int_equal(nl_socket_add_membership(sock, group), 0);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, hear, ctx);
	return sock;
}

static void hear_all(struct nl_sock *listener)
{
	while (nl_recvmsgs_default(listener) >= 0)
		;
}

/* What the kernel says of the port while it is made one. */
struct story {
	int port, bridge;
	unsigned open, unlocked; /* times it was up in the bridge, times without its lock */
};

static bool says_locked(struct nlmsghdr *head)
{
	struct nlattr *attrs[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = {0};

	assert_int_equal(nlmsg_parse(head, sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL), 0);
	if (attrs[IFLA_LINKINFO])
		nla_parse_nested(info, IFLA_INFO_MAX, attrs[IFLA_LINKINFO], NULL);
	struct nlattr *port = attrs[IFLA_PROTINFO] ? attrs[IFLA_PROTINFO] : info[IFLA_INFO_SLAVE_DATA];
	struct nlattr *locked = port ? nla_find(nla_data(port), nla_len(port), IFLA_BRPORT_LOCKED) : NULL;
	return locked && nla_get_u8(locked);
}

static int follow(struct nl_msg *msg, void *ctx)
{
	struct story *story = ctx;
	const struct ifinfomsg *head = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *bridge = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(*head), IFLA_MASTER);

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWLINK || head->ifi_index != story->port ||
	    !(head->ifi_flags & IFF_UP) || !bridge || (int)nla_get_u32(bridge) != story->bridge)
		return NL_OK;
	story->open++;
	story->unlocked += !says_locked(nlmsg_hdr(msg));
	return NL_OK;
}

TEST(a_port_is_not_open_for_a_moment_without_its_lock)
{
	struct env *env = *state_;
	struct err err = {0};

	make_bridge("br7");
	plug(env->there, 1, MAC_A);
	assert_done(link_up(&env->home, "veth1", &err), err);
	struct story story = {.port = link_index(&env->home, "veth1"), .bridge = link_index(&env->home, "br7")};

	cleanup_rtnl struct nl_sock *listener = listen_to(RTNLGRP_LINK, follow, &story);
	set_port("veth1", "br7", 0, MAC_A);
	hear_all(listener);
	assert_true(story.open > 0);
	assert_int_equal(story.unlocked, 0);
}

static int count_lost(struct nl_msg *msg, void *ctx)
{
	*(unsigned *)ctx += nlmsg_hdr(msg)->nlmsg_type == RTM_DELNEIGH;
	return NL_OK;
}

TEST(a_port_that_is_as_it_shall_be_goes_on_without_a_gap)
{
	struct env *env = *state_;
	unsigned lost = 0;

	make_bridge("br7");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 0, MAC_A);
	cleanup_rtnl struct nl_sock *listener = listen_to(RTNLGRP_NEIGH, count_lost, &lost);
	set_port("veth1", "br7", 0, MAC_A);
	hear_all(listener);
	assert_int_equal(lost, 0);
	set_port("veth1", "br7", 0, MAC_B);
	hear_all(listener);
	assert_true(lost > 0);
}

TEST(a_port_moves_from_one_bridge_to_another)
{
	struct env *env = *state_;

	make_bridge("br7");
	make_bridge("br8");
	program("ip addr add 10.8.0.99/24 dev br8");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 0, MAC_A);

	struct mac mac = mac_of(MAC_A);
	struct link_port port = {.bridge = "br8", .mac = &mac};
	struct err err = {0};
	assert_done(link_set_port(&env->home, "veth1", &port, &err), err);
	assert_tells("ip -o link show dev veth1", "master br8");
	assert_true(pings(env->there, env, "10.8.0.99"));
}

TEST(what_is_no_bridge_takes_no_port)
{
	struct env *env = *state_;
	struct err none = {0}, other = {0}, gone = {0};
	struct link_port to_none = {.bridge = "br9"}, to_other = {.bridge = "lo"}, to_bridge = {.bridge = "br7"};

	plug(env->there, 1, MAC_A);
	make_bridge("br7");
	assert_int_equal(link_set_port(&env->home, "veth1", &to_none, &none), -ENODEV);
	assert_string_equal(none.text, "make veth1 a port of bridge br9: look at the bridge: No such device");
	assert_int_equal(link_set_port(&env->home, "veth1", &to_other, &other), -EINVAL);
	assert_string_equal(other.text, "network interface lo is no bridge, veth1 cannot be its port");
	assert_int_equal(link_set_port(&env->home, "veth9", &to_bridge, &gone), -ENODEV);
	assert_string_equal(gone.text, "make veth9 a port of bridge br7: No such device");
}

/* ---- VLANs ---- */

TEST(a_vlan_on_a_bridge_that_knows_none_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	struct link_port port = {.bridge = "br7", .vlan = 5};

	program("ip link add br7 type bridge");
	plug(env->there, 1, MAC_A);
	assert_true(link_set_port(&env->home, "veth1", &port, &err) < 0);
	assert_string_equal(err.text, "bridge br7 knows no VLANs, veth1 cannot be in its VLAN 5; "
				      "ip link set br7 type bridge vlan_filtering 1 makes it know them");
	assert_tells_not("ip -o link show dev veth1", "master");
}

TEST(guests_of_one_vlan_see_each_other_and_no_others)
{
	struct env *env = *state_;
	cleanup_fd int elsewhere = new_netns();

	enter(env->node);
	if (!kernel_knows_vlans())
		skip();
	make_bridge("br7");
	program("ip addr add 10.8.0.99/24 dev br7");
	plug(env->there, 1, MAC_A);
	plug(elsewhere, 2, MAC_B);

	set_port("veth1", "br7", 5, MAC_A);
	set_port("veth2", "br7", 5, NULL);
	assert_true(pings(env->there, env, "10.8.0.2"));
	assert_false(pings(env->there, env, "10.8.0.99"));

	set_port("veth2", "br7", 6, NULL);
	assert_false(pings(env->there, env, "10.8.0.2"));
	set_port("veth1", "br7", 6, MAC_A);
	assert_true(pings(env->there, env, "10.8.0.2"));

	set_port("veth1", "br7", 0, MAC_A);
	assert_false(pings(env->there, env, "10.8.0.2"));
	assert_true(pings(env->there, env, "10.8.0.99"));
}

TEST(a_port_is_in_one_vlan_only)
{
	struct env *env = *state_;

	if (!kernel_knows_vlans())
		skip();
	make_bridge("br7");
	plug(env->there, 1, MAC_A);
	set_port("veth1", "br7", 5, NULL);
	assert_tells("bridge -o vlan show dev veth1", "5 PVID Egress Untagged");
	assert_tells_not("bridge -o vlan show dev veth1", "1 PVID");
	assert_tells_not("bridge -o vlan show dev veth1", "1 Egress");
	program("bridge vlan add dev veth1 vid 7");
	set_port("veth1", "br7", 6, NULL);
	cleanup_free char *vlans = told("bridge -j vlan show dev veth1");
	assert_non_null(strstr(vlans, "\"vlans\":[{\"vlan\":6,\"flags\":[\"PVID\",\"Egress Untagged\"]}]"));
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, netns_setup, netns_teardown)
	const struct CMUnitTest tests[] = {
		test(a_bridge_of_ours_is_up_and_marked_and_keeps_its_mac),
		test(a_bridge_that_is_there_is_left_as_it_is),
		test(a_bridge_of_ours_goes_with_its_last_port),
		test(a_port_has_its_guards),
		test(a_locked_port_passes_no_other_mac),
		test(nobody_takes_a_locked_mac_over),
		test(a_port_is_not_open_for_a_moment_without_its_lock),
		test(a_port_that_is_as_it_shall_be_goes_on_without_a_gap),
		test(a_port_moves_from_one_bridge_to_another),
		test(what_is_no_bridge_takes_no_port),
		test(a_vlan_on_a_bridge_that_knows_none_is_refused),
		test(guests_of_one_vlan_see_each_other_and_no_others),
		test(a_port_is_in_one_vlan_only),
	};
	return cmocka_run_group_tests_name("bridges", tests, NULL, NULL);
}
