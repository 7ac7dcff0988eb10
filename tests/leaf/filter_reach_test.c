/* What guests reach: the node's own services, the world under its address, each other by published ports; and how many
 * connections they may have. */
#include "tests/leaf/filter_env.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "runtime/base/str.h"
#include "tests/leaf/netns_env.h"

static struct ip ip_of(const char *text)
{
	struct ip ip;
	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static int try_from(const struct filter_env *env, enum place place, const char *ip, uint16_t port)
{
	go(env, place);
	int r = try_tcp(ip, port);
	go_home(env);
	return r;
}

static int serve_at(const struct filter_env *env, enum place place, int family, uint16_t port)
{
	go(env, place);
	int sock = serve_tcp(family, port);
	go_home(env);
	return sock;
}

/* ---- the node itself ---- */

static void check_services(const struct filter_env *env, enum place place, const char *node4, const char *node6)
{
	assert_int_equal(try_from(env, place, node4, 7001), 0);
	assert_int_equal(try_from(env, place, node6, 7001), 0);
	assert_int_equal(try_from(env, place, node4, 7002), -ECONNREFUSED);
	assert_int_equal(try_from(env, place, node6, 7002), -ECONNREFUSED);
	/* Another of its addresses is no way in either. */
	assert_int_equal(try_from(env, place, "192.0.2.1", 7002), -ECONNREFUSED);
	go(env, place);
	program("ping -c 1 -W 2 192.0.2.1");
	cleanup_free char *ping6 = str_fmt("ping -c 1 -W 2 %s", node6);
	program(ping6);
	go_home(env);
}

TEST(the_nodes_services_are_closed_to_guests_but_for_those_that_are_open)
{
	static const struct filter_service open[] = {{IPPROTO_TCP, 7001}};
	const struct filter_policy policy = {.services = open, .n_services = countof(open)};
	const struct filter_env *env = *state_;
	cleanup_fd int a = serve_tcp(AF_INET, 7001), b = serve_tcp(AF_INET, 7002);
	cleanup_fd int c = serve_tcp(AF_INET6, 7001), d = serve_tcp(AF_INET6, 7002);

	assert_int_equal(try_from(env, BRIDGED1, "10.9.0.254", 7002), 0);
	filter_on(env, &policy);
	check_services(env, ROUTED1, "10.9.0.254", "fd09::fe");
	check_services(env, BRIDGED1, "10.9.0.254", "fd09::fe");
	check_services(env, LEARNER1, "10.9.0.254", "fd09::fe");
	check_services(env, LOOSE, "10.9.0.254", "fd09::fe");
	check_services(env, UNBRIDGED, "10.8.0.254", "fd08::fe");

	/* With another's MAC, where that is allowed, neither. */
	go(env, LOOSE);
	program("ip link set eth0 address 02:00:00:00:00:99");
	go_home(env);
	check_services(env, LOOSE, "10.9.0.254", "fd09::fe");

	/* To everybody else they are as open as they were. */
	assert_int_equal(try_from(env, WORLD, "192.0.2.1", 7002), 0);
	assert_int_equal(try_tcp("192.0.2.1", 7002), 0);
}

static uint64_t dropped_of(const struct filter_env *env, enum place place)
{
	struct net_traffic traffic;
	struct err err = {0};

	assert_done(filter_traffic(&env->guests[place], &traffic, &err), err);
	return traffic.dropped.packets;
}

TEST(what_the_node_refuses_is_counted_but_not_what_is_said_to_all)
{
	static const enum place places[] = {ROUTED1, BRIDGED1, UNBRIDGED};
	const struct filter_env *env = *state_;
	struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);

	filter_on(env, NULL);
	for (size_t i = 0; i < countof(places); i++) {
		uint64_t before = dropped_of(env, places[i]);
		assert_int_equal(try_from(env, places[i], "192.0.2.1", 7002), -ECONNREFUSED);
		assert_in_range(dropped_of(env, places[i]), before + 1, before + 3);
	}
	uint64_t before = dropped_of(env, BRIDGED1);
	cast.to.ip4 = ip_of("10.9.0.255");
	for (int i = 0; i < 20; i++)
		send_from(env, BRIDGED1, probe_find("ip4-own"), &cast);
	pause_ms(100);
	assert_in_range(dropped_of(env, BRIDGED1), before, before + 3);
}

TEST(the_node_reaches_guests)
{
	const struct filter_env *env = *state_;
	cleanup_fd int a = serve_at(env, ROUTED1, AF_INET, 80), b = serve_at(env, BRIDGED1, AF_INET, 80);

	filter_on(env, NULL);
	assert_int_equal(try_tcp("10.7.0.1", 80), 0);
	assert_int_equal(try_tcp("10.9.0.1", 80), 0);
}

/* A datagram that comes in fragments is put together before the node looks for whose it is. */
TEST(closed_to_fragments_too)
{
	static char datagram[8000];
	const struct filter_env *env = *state_;
	const struct sockaddr_in node = {
		.sin_family = AF_INET, .sin_port = htons(7003), .sin_addr.s_addr = htonl(0x0a0900fe)};
	cleanup_fd int server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server, (const struct sockaddr *)&node, sizeof(node)), 0);
	go(env, BRIDGED1);
	cleanup_fd int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	go_home(env);

	for (int filtered = 0; filtered < 2; filtered++) {
		if (filtered)
			filter_on(env, NULL);
		assert_int_equal(
			sendto(client, datagram, sizeof(datagram), 0, (const struct sockaddr *)&node, sizeof(node)),
			sizeof(datagram));
		pause_ms(300);
		assert_int_equal(recv(server, datagram, sizeof(datagram), 0),
				 filtered ? -1 : (ssize_t)sizeof(datagram));
	}
}

/* ---- under the node's address ---- */

static void check_seen_as(const struct filter_env *env, enum place place, const char *ip, uint16_t port, int server,
			  const char *expected)
{
	char text[IP_TEXT];

	assert_int_equal(try_from(env, place, ip, port), 0);
	assert_string_equal(caller_of(server, text), expected);
}

TEST(a_private_network_reaches_the_world_under_the_nodes_address)
{
	const struct filter_env *env = *state_;
	struct filter_policy policy = {0};
	cleanup_fd int world4 = serve_at(env, WORLD, AF_INET, 80), world6 = serve_at(env, WORLD, AF_INET6, 80);
	cleanup_fd int guest = serve_at(env, ROUTED2, AF_INET, 80), bridged = serve_at(env, BRIDGED1, AF_INET, 80);

	/* That one is part of the other is no trouble. */
	ips_add(&policy.masquerade, &(struct ip){.family = AF_INET, .prefix = 24, .bytes = {10, 7, 0, 0}});
	ips_add(&policy.masquerade, &(struct ip){.family = AF_INET, .prefix = 8, .bytes = {10}});
	ips_add(&policy.masquerade, &(struct ip){.family = AF_INET6, .prefix = 8, .bytes = {0xfd}});

	filter_on(env, NULL);
	assert_int_equal(try_from(env, ROUTED1, "192.0.2.9", 80), -ETIMEDOUT);
	filter_on(env, &policy);
	check_seen_as(env, ROUTED1, "192.0.2.9", 80, world4, "192.0.2.1");
	check_seen_as(env, BRIDGED1, "192.0.2.9", 80, world4, "192.0.2.1");
	check_seen_as(env, UNBRIDGED, "192.0.2.9", 80, world4, "192.0.2.1");
	check_seen_as(env, ROUTED1, "2001:db8::9", 80, world6, "2001:db8::1");

	/* Among themselves they are who they are. */
	check_seen_as(env, ROUTED1, "10.7.0.2", 80, guest, "10.7.0.1");
	check_seen_as(env, ROUTED1, "10.9.0.1", 80, bridged, "10.7.0.1");
	ips_done(&policy.masquerade);
}

/* ---- published ports ---- */

static void publish(struct filter_env *env, enum place place, const struct net_publish *published, size_t n)
{
	struct net_guest with = env->guests[place];
	struct err err = {0};

	with.published = (struct net_publish *)published;
	with.n_published = n;
	assert_done(filter_change(&env->guests[place], &with, &err), err);
}

TEST(a_published_port_leads_to_the_guests)
{
	struct filter_env *env = *state_;
	const struct net_publish published[] = {
		{IPPROTO_TCP, ip_of("192.0.2.1"), 8080, ip_of("10.7.0.1"), 80},
		{IPPROTO_TCP, ip_of("2001:db8::1"), 8080, ip_of("fd07::1"), 80},
		{IPPROTO_TCP, ip_of("0.0.0.0"), 8081, ip_of("10.7.0.1"), 80},
		{IPPROTO_TCP, ip_of("::"), 8081, ip_of("fd07::1"), 80},
	};
	cleanup_fd int guest4 = serve_at(env, ROUTED1, AF_INET, 80), guest6 = serve_at(env, ROUTED1, AF_INET6, 80);
	static const enum place others[] = {ROUTED2, BRIDGED1, LEARNER1, UNBRIDGED, ROUTED1};

	go(env, WORLD);
	program("ip route add 10.0.0.0/8 via 192.0.2.1");
	program("ip route add fd00::/8 via 2001:db8::1");
	go_home(env);
	filter_on(env, NULL);
	assert_int_equal(try_from(env, WORLD, "192.0.2.1", 8080), -ECONNREFUSED);
	publish(env, ROUTED1, published, countof(published));

	check_seen_as(env, WORLD, "192.0.2.1", 8080, guest4, "192.0.2.9");
	check_seen_as(env, WORLD, "192.0.2.1", 8081, guest4, "192.0.2.9");
	check_seen_as(env, WORLD, "2001:db8::1", 8080, guest6, "2001:db8::9");
	check_seen_as(env, WORLD, "2001:db8::1", 8081, guest6, "2001:db8::9");
	/* Its neighbours reach it so, and itself, and the node. */
	for (size_t i = 0; i < countof(others); i++) {
		if (try_from(env, others[i], "192.0.2.1", 8080) < 0 ||
		    try_from(env, others[i], "10.9.0.254", 8081) < 0 ||
		    try_from(env, others[i], "2001:db8::1", 8080) < 0)
			fail_msg("place %d", others[i]);
	}
	assert_int_equal(try_tcp("192.0.2.1", 8080), 0);
	assert_int_equal(try_tcp("10.9.0.254", 8081), 0);
	assert_int_equal(try_tcp("2001:db8::1", 8081), 0);
	/* The port of another address is not the published one. */
	assert_int_equal(try_from(env, WORLD, "10.9.0.254", 8080), -ECONNREFUSED);
	/* A rebuild without it takes it back. */
	filter_on(env, NULL);
	assert_int_equal(try_from(env, WORLD, "192.0.2.1", 8080), -ECONNREFUSED);
}

TEST(a_published_port_leads_to_a_guest_on_a_bridge)
{
	struct filter_env *env = *state_;
	const struct net_publish published[] = {{IPPROTO_TCP, ip_of("0.0.0.0"), 8080, ip_of("10.9.0.2"), 80}};
	cleanup_fd int guest = serve_at(env, BRIDGED2, AF_INET, 80);

	filter_on(env, NULL);
	publish(env, BRIDGED2, published, countof(published));
	check_seen_as(env, WORLD, "192.0.2.1", 8080, guest, "192.0.2.9");
	check_seen_as(env, ROUTED1, "192.0.2.1", 8080, guest, "10.7.0.1");
	/* Its answer would go past the node to one that is on the same bridge. */
	check_seen_as(env, BRIDGED1, "192.0.2.1", 8080, guest, "10.9.0.254");
	check_seen_as(env, BRIDGED2, "10.9.0.254", 8080, guest, "10.9.0.254");
}

TEST(a_port_is_one_guests)
{
	struct filter_env *env = *state_;
	struct net_publish published[] = {
		{IPPROTO_UDP, ip_of("192.0.2.1"), 53, ip_of("10.7.0.1"), 53},
		{IPPROTO_TCP, ip_of("0.0.0.0"), 53, ip_of("10.7.0.1"), 53},
	};
	struct net_guest other = env->guests[ROUTED2];
	struct err err = {0};

	filter_on(env, NULL);
	publish(env, ROUTED1, published, countof(published));
	other.published = published;
	other.n_published = 1;
	assert_int_equal(filter_change(&env->guests[ROUTED2], &other, &err), -EEXIST);
	assert_string_equal(err.text, "port udp . 192.0.2.1 . 53 is in use by venet1");
	other.published = published + 1;
	err = (struct err){0};
	assert_int_equal(filter_change(&env->guests[ROUTED2], &other, &err), -EEXIST);
	assert_string_equal(err.text, "port tcp . 53 is in use by venet1");
	published[1].protocol = IPPROTO_UDP;
	published[1].to = ip_of("10.7.0.2");
	err = (struct err){0};
	assert_done(filter_change(&env->guests[ROUTED2], &other, &err), err);
}

TEST(a_published_port_can_lead_elsewhere)
{
	struct filter_env *env = *state_;
	struct net_publish before = {IPPROTO_TCP, ip_of("192.0.2.1"), 8080, ip_of("10.7.0.1"), 80}, after = before;
	struct net_guest old = env->guests[ROUTED1], new = old;
	cleanup_fd int guest = serve_at(env, ROUTED1, AF_INET, 81);
	struct err err = {0};

	after.to_port = 81;
	old.published = &before;
	new.published = &after;
	old.n_published = new.n_published = 1;
	filter_on(env, NULL);
	publish(env, ROUTED1, &before, 1);
	assert_int_equal(try_from(env, WORLD, "192.0.2.1", 8080), -ECONNREFUSED);
	assert_done(filter_change(&old, &new, &err), err);
	check_seen_as(env, WORLD, "192.0.2.1", 8080, guest, "192.0.2.9");
	assert_done(filter_change(&new, &env->guests[ROUTED1], &err), err);
	assert_int_equal(try_from(env, WORLD, "192.0.2.1", 8080), -ECONNREFUSED);
}

/* ---- connections ---- */

/* As many datagrams to as many ports. */
static unsigned arrive(const struct filter_env *env, enum place place, unsigned times)
{
	static const char datagram[] = PROBE_MARK "ip4-own;";
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a070002)};
	cleanup_fd int listener = listen_at(env, ROUTED2);
	unsigned n = 0;

	go(env, place);
	cleanup_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	go_home(env);
	for (unsigned i = 0; i < times; i++) {
		to.sin_port = htons((uint16_t)(1000 + i));
		sendto(sock, datagram, sizeof(datagram), 0, (const struct sockaddr *)&to, sizeof(to));
	}
	while (tap_hear(listener, 500))
		n++;
	return n;
}

TEST(a_guest_has_so_many_connections_and_no_more)
{
	const struct filter_env *env = *state_;
	const struct filter_policy policy = {.connections = 10}, more = {.connections = 300};

	filter_on(env, &policy);
	assert_int_equal(arrive(env, ROUTED1, 12), 10);
	/* Others have their own. */
	assert_int_equal(arrive(env, BRIDGED1, 12), 10);
	assert_int_equal(arrive(env, UNBRIDGED, 12), 10);
	/* Many are counted in several lists, of which none is longer than its share. */
	filter_on(env, &more);
	assert_in_range(arrive(env, ROUTED1, 400), 225, 300);
	program("nft list ruleset");
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, filter_setup, filter_teardown)
	const struct CMUnitTest tests[] = {
		test(the_nodes_services_are_closed_to_guests_but_for_those_that_are_open),
		test(what_the_node_refuses_is_counted_but_not_what_is_said_to_all),
		test(the_node_reaches_guests),
		test(closed_to_fragments_too),
		test(a_private_network_reaches_the_world_under_the_nodes_address),
		test(a_published_port_leads_to_the_guests),
		test(a_published_port_leads_to_a_guest_on_a_bridge),
		test(a_port_is_one_guests),
		test(a_published_port_can_lead_elsewhere),
		test(a_guest_has_so_many_connections_and_no_more),
	};
	return cmocka_run_group_tests_name("packet filter: what guests reach", tests, NULL, NULL);
}
