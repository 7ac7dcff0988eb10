/* Routes of a guest and of the node, forwarding, and who reaches whom with all of it. Both families alike. Runs as
 * root. */
#include "tests/leaf/netns_guest.h"

#include <sys/socket.h>

static void add_default(int fd, int index, int family, const char *gateway)
{
	cleanup_netns struct netns netns = opened(fd);
	struct ip ip = gateway ? ip_of(gateway) : (struct ip){0};
	struct err err = {0};
	assert_done(route_add_default(&netns, index, family, gateway ? &ip : NULL, &err), err);
}

static void remove_default(int fd, int index, int family, const char *gateway)
{
	cleanup_netns struct netns netns = opened(fd);
	struct ip ip = gateway ? ip_of(gateway) : (struct ip){0};
	struct err err = {0};
	assert_done(route_remove_default(&netns, index, family, gateway ? &ip : NULL, &err), err);
}

/* ---- the default route ---- */

static const struct family {
	int family;
	const char *any, *address, *gateway, *ask;
} families[] = {
	{AF_INET, "ip -4 route show default", "192.0.2.7/24", "203.0.113.254", "ip -4 route get 198.51.100.1"},
	{AF_INET6, "ip -6 route show default", "2001:db8::7/64", "2001:db8:9::254", "ip -6 route get 2001:db8:8::1"},
};

TEST(the_default_route_leads_through_the_link)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");

	for (const struct family *f = families; f < families + countof(families); f++) {
		add_address(env->there, venet, f->address);
		for (int twice = 0; twice < 2; twice++)
			add_default(env->there, venet, f->family, NULL);
		assert_tells_there(env, f->any, "default dev venet0 proto static");
		assert_tells_there(env, f->ask, "dev venet0");
		for (int twice = 0; twice < 2; twice++)
			remove_default(env->there, venet, f->family, NULL);
		assert_tells_not_there(env, f->any, "default");
	}
}

TEST(a_gateway_need_not_be_in_the_network_of_an_address)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");
	char via[64];

	for (const struct family *f = families; f < families + countof(families); f++) {
		add_address(env->there, venet, f->address);
		for (int twice = 0; twice < 2; twice++)
			add_default(env->there, venet, f->family, f->gateway);
		snprintf(via, sizeof(via), "default via %s dev venet0 proto static", f->gateway);
		assert_tells_there(env, f->any, via);
		remove_default(env->there, venet, f->family, f->gateway);
		assert_tells_not_there(env, f->any, "default");
	}
}

TEST(another_default_route_stays_in_front_and_alone_is_ours)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");

	program_there(env, "ip link add eth0 type veth peer name wire");
	program_there(env, "ip link set eth0 up");
	program_there(env, "ip link set wire up");
	program_there(env, "ip -4 route add default dev eth0 metric 1024");
	program_there(env, "ip -6 route add default dev eth0 metric 1024");
	for (const struct family *f = families; f < families + countof(families); f++) {
		add_address(env->there, venet, f->address);
		add_default(env->there, venet, f->family, NULL);
		assert_tells_there(env, f->any, "dev venet0");
		assert_tells_there(env, f->ask, "dev eth0");
		remove_default(env->there, venet, f->family, NULL);
		assert_tells_there(env, f->any, "dev eth0");
		assert_tells_not_there(env, f->any, "dev venet0");
	}
}

/* Two interfaces, each with a gateway: the kernel must not make one route with two ways of them. */
TEST(each_link_has_a_default_route_of_its_own)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");

	program_there(env, "ip link add eth0 type veth peer name wire");
	program_there(env, "ip link set eth0 up");
	int eth = link_index(&env->guest, "eth0");
	for (const struct family *f = families; f < families + countof(families); f++) {
		add_address(env->there, venet, f->address);
		add_default(env->there, venet, f->family, f->gateway);
		add_default(env->there, eth, f->family, f->gateway);
		assert_tells_not_there(env, f->any, "nexthop");
		assert_tells_there(env, f->any, "dev venet0");
		assert_tells_there(env, f->any, "dev eth0");
		remove_default(env->there, venet, f->family, f->gateway);
		assert_tells_not_there(env, f->any, "dev venet0");
		assert_tells_there(env, f->any, "dev eth0");
	}
}

TEST(a_default_route_through_a_link_that_is_down_fails)
{
	struct env *env = *state_;
	struct err err = {0};
	char expected[128];
	int venet = add_guest(env->there, "venet7");

	program_there(env, "ip link set venet0 down");
	assert_int_equal(route_add_default(&env->guest, venet, AF_INET, NULL, &err), -ENETDOWN);
	snprintf(expected, sizeof(expected), "add the IPv4 default route through link number %d: Network is down",
		 venet);
	assert_string_equal(err.text, expected);
	remove_default(env->there, venet, AF_INET, NULL);
	remove_default(env->there, 77, AF_INET6, NULL);
}

/* ---- routes to one address ---- */

TEST(an_address_has_one_route_and_one_only)
{
	struct env *env = *state_;
	static const struct {
		const char *address, *ask;
	} cases[] = {
		{"192.0.2.7", "ip -4 route show 192.0.2.7"},
		{"2001:db8::7", "ip -6 route show 2001:db8::7"},
	};

	add_guest(env->there, "venet7");
	add_guest(env->node, "venet8");
	for (size_t i = 0; i < countof(cases); i++) {
		struct err err = {0};
		char expected[128];

		for (int twice = 0; twice < 2; twice++)
			add_route("venet7", cases[i].address);
		assert_tells(cases[i].ask, "dev venet7");
		assert_int_equal(try_route("venet8", cases[i].address, &err), -EEXIST);
		snprintf(expected, sizeof(expected),
			 "address %s is in use: the node's route to it leads through venet7", cases[i].address);
		assert_string_equal(err.text, expected);
		assert_tells_not(cases[i].ask, "dev venet8");

		remove_route("venet8", cases[i].address);
		assert_tells(cases[i].ask, "dev venet7");
		for (int twice = 0; twice < 2; twice++)
			remove_route("venet7", cases[i].address);
		assert_tells_not(cases[i].ask, "dev venet7");
		add_route("venet8", cases[i].address);
	}
}

TEST(a_route_to_a_network_of_others_is_no_obstacle)
{
	struct env *env = *state_;

	add_guest(env->there, "venet7");
	program("ip link add card type veth peer name wire");
	program("ip link set card up");
	program("ip addr add 192.0.2.1/24 dev card");
	program("ip addr add 2001:db8::1/64 dev card nodad");
	add_route("venet7", "192.0.2.7/24");
	add_route("venet7", "2001:db8::7/64");
	assert_tells("ip -4 route get 192.0.2.7", "dev venet7");
	assert_tells("ip -6 route get 2001:db8::7", "dev venet7");
}

TEST(a_route_through_a_link_that_is_gone_is_gone)
{
	struct env *env = *state_;
	struct err err = {0}, other = {0};
	struct ip ip = ip_of("192.0.2.7");

	add_guest(env->there, "venet7");
	add_route("venet7", "192.0.2.7");
	assert_done(link_delete(&env->home, "venet7", &err), err);
	remove_route("venet7", "192.0.2.7");
	assert_int_equal(route_add_host(&env->home, 77, &ip, &other), -ENODEV);
	assert_string_equal(other.text, "route 192.0.2.7 through link number 77: No such device");
}

/* ---- forwarding ---- */

static void check_sysctl(int line, const char *name, const char *value)
{
	char words[128], expected[16];

	snprintf(words, sizeof(words), "sysctl -n net.%s", name);
	snprintf(expected, sizeof(expected), "%s\n", value);
	check_tells(line, words, expected, true);
}

#define assert_sysctl(name, value) check_sysctl(__LINE__, name, value)

TEST(the_node_forwards_and_goes_on_taking_advertisements)
{
	struct env *env = *state_;
	struct err err = {0};

	add_guest(env->there, "venet7");
	program("ip link add card type veth peer name wire");
	program("ip link add none type veth peer name wire2");
	program("sysctl -q -w net.ipv6.conf.none.accept_ra=0");
	/* A new namespace begins with what the node has (net.core.devconf_inherit_init_net). */
	program("sysctl -q -w net.ipv4.ip_forward=0");
	assert_sysctl("ipv4.ip_forward", "0");
	assert_sysctl("ipv6.conf.card.accept_ra", "1");

	assert_done(route_forwarding(&err), err);
	assert_sysctl("ipv4.ip_forward", "1");
	assert_sysctl("ipv6.conf.all.forwarding", "1");
	assert_sysctl("ipv6.conf.card.accept_ra", "2");
	assert_sysctl("ipv6.conf.none.accept_ra", "0");
	assert_sysctl("ipv6.conf.venet7.accept_ra", "1");
	assert_sysctl("ipv6.conf.default.accept_ra", "1");
}

/* What an operator has set since stays. */
TEST(a_node_that_forwards_is_left_alone)
{
	struct err err = {0};

	program("ip link add card type veth peer name wire");
	assert_done(route_forwarding(&err), err);
	program("sysctl -q -w net.ipv6.conf.card.accept_ra=1");
	program("sysctl -q -w net.ipv6.conf.card.forwarding=0");
	assert_done(route_forwarding(&err), err);
	assert_sysctl("ipv6.conf.card.accept_ra", "1");
	assert_sysctl("ipv6.conf.card.forwarding", "0");
}

/* ---- all of it ---- */

static void connect_guest(int netns, const char *host, const char *ip4, const char *ip6)
{
	int venet = add_guest(netns, host);

	add_address(netns, venet, ip4);
	add_address(netns, venet, ip6);
	add_default(netns, venet, AF_INET, NULL);
	add_default(netns, venet, AF_INET6, NULL);
	add_route(host, ip4);
	add_route(host, ip6);
}

static void check_matrix(int line, const struct env *env, int elsewhere, bool there_answers)
{
	const struct {
		int from;
		const char *to;
		bool answers;
	} cases[] = {
		{env->node, "192.0.2.7", there_answers},
		{env->node, "2001:db8::7", there_answers},
		{env->there, "203.0.113.1", there_answers},
		{env->there, "2001:db8:1::1", there_answers},
		{env->there, "192.0.2.8", there_answers},
		{env->there, "2001:db8::8", there_answers},
		{env->node, "192.0.2.8", true},
		{env->node, "2001:db8::8", true},
		{elsewhere, "203.0.113.1", true},
		{elsewhere, "2001:db8:1::1", true},
	};

	for (size_t i = 0; i < countof(cases); i++)
		if (pings(cases[i].from, env, cases[i].to) != cases[i].answers)
			fail_msg("line %d: row %zu, %s", line, i, cases[i].to);
}

#define assert_matrix(env, elsewhere, there_answers) check_matrix(__LINE__, env, elsewhere, there_answers)

TEST(guests_and_the_node_reach_one_another)
{
	struct env *env = *state_;
	struct err err = {0};
	cleanup_fd int elsewhere = new_netns();

	enter(env->node);
	program("ip link set lo up");
	program("ip addr add 203.0.113.1/32 dev lo");
	program("ip addr add 2001:db8:1::1/128 dev lo");
	assert_done(route_forwarding(&err), err);
	connect_guest(env->there, "venet7", "192.0.2.7", "2001:db8::7");
	connect_guest(elsewhere, "venet8", "192.0.2.8", "2001:db8::8");
	assert_matrix(env, elsewhere, true);

	/* A guest that changes its MAC talks to nobody, and harms nobody. */
	program_there(env, "ip link set venet0 address 02:00:00:00:00:99");
	assert_matrix(env, elsewhere, false);
	program_there(env, "ip link set venet0 address 02:76:65:6e:65:74");
	assert_matrix(env, elsewhere, true);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, netns_setup, netns_teardown)
	const struct CMUnitTest tests[] = {
		test(the_default_route_leads_through_the_link),
		test(a_gateway_need_not_be_in_the_network_of_an_address),
		test(another_default_route_stays_in_front_and_alone_is_ours),
		test(each_link_has_a_default_route_of_its_own),
		test(a_default_route_through_a_link_that_is_down_fails),
		test(an_address_has_one_route_and_one_only),
		test(a_route_to_a_network_of_others_is_no_obstacle),
		test(a_route_through_a_link_that_is_gone_is_gone),
		test(the_node_forwards_and_goes_on_taking_advertisements),
		test(a_node_that_forwards_is_left_alone),
		test(guests_and_the_node_reach_one_another),
	};
	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
