/* Who may have which address on a bridge: declared ones, learned ones, MACs; and what guests have counted. */
#include "tests/leaf/filter_env.h"

#include <sys/socket.h>

#include "netns/nft.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "tests/leaf/netns_env.h"

static struct ip ip_of(const char *text)
{
	struct ip ip;
	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

/* Does the guest get through with that address as its own, in an ARP request or an IPv6 packet? */
static bool may_have(const struct filter_env *env, int listener, enum place place, const char *address)
{
	struct cast cast = cast_for(place, BRIDGED2, BRIDGED3);
	struct ip ip = ip_of(address);
	const struct probe *probe = probe_find(ip.family == AF_INET ? "arp-own" : "ip6-own");
	const struct probe *heard;

	if (ip.family == AF_INET)
		cast.me.ip4 = ip;
	else
		cast.me.ip6 = ip;
	while ((heard = tap_hear(listener, 0)))
		;
	send_from(env, place, probe, &cast);
	heard = tap_hear(listener, 250);
	assert_true(!heard || heard == probe);
	return heard;
}

TEST(one_without_addresses_takes_them_by_using_them)
{
	const struct filter_env *env = *state_;
	const struct cast cast = cast_for(LEARNER1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	const struct probe *probe;

	filter_on(env, NULL);
	for (size_t i = 0; (probe = probe_at(i)); i++)
		if ((probe->where & LINK) && passes(env, listener, LEARNER1, probe->name, &cast) != probe->honest)
			fail_msg("%s %s", probe->name, probe->honest ? "does not pass" : "passes");
	go(env, LEARNER1);
	program("ping -c 1 -W 2 10.9.0.2");
	program("ping -c 1 -W 2 fd09::2");
	go(env, BRIDGED2);
	program("ping -c 1 -W 2 10.9.0.4");
	program("ping -c 1 -W 2 fd09::4");
	go_home(env);
}

TEST(an_address_is_whose_it_was_first)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	struct err err = {0};

	filter_on(env, NULL);
	assert_true(may_have(env, listener, LEARNER1, "10.9.0.100"));
	assert_false(may_have(env, listener, LEARNER2, "10.9.0.100"));
	assert_false(may_have(env, listener, LOOSE, "10.9.0.100"));
	assert_true(may_have(env, listener, LEARNER2, "fd09::100"));
	assert_false(may_have(env, listener, LEARNER1, "fd09::100"));
	filter_on(env, NULL);
	assert_false(may_have(env, listener, LEARNER2, "10.9.0.100"));
	assert_true(may_have(env, listener, LEARNER1, "10.9.0.100"));

	/* When its guest goes, it is free. */
	assert_done(filter_change(&env->guests[LEARNER1], NULL, &err), err);
	assert_true(may_have(env, listener, LEARNER2, "10.9.0.100"));
	assert_done(filter_change(NULL, &env->guests[LEARNER1], &err), err);
	assert_false(may_have(env, listener, LEARNER1, "10.9.0.100"));
}

TEST(what_is_declared_is_nobodys_to_learn)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	struct net_guest fixed = {.interfaces = &(struct net_interface){.host_name = "venet8", .routed = true},
				  .n_interfaces = 1};
	struct err err = {0};

	filter_on(env, NULL);
	assert_false(may_have(env, listener, LEARNER1, "10.9.0.3"));
	assert_false(may_have(env, listener, LEARNER1, "fd09::3"));
	assert_false(may_have(env, listener, LEARNER1, "10.7.0.1"));
	assert_false(may_have(env, listener, LEARNER1, "fd07::1"));

	/* Not even if it was learned before. */
	assert_true(may_have(env, listener, LEARNER1, "10.9.0.8"));
	ips_add(&fixed.interfaces->ips, &(struct ip){.family = AF_INET, .prefix = 32, .bytes = {10, 9, 0, 8}});
	assert_done(filter_change(NULL, &fixed, &err), err);
	assert_false(may_have(env, listener, LEARNER1, "10.9.0.8"));
	assert_done(filter_change(&fixed, NULL, &err), err);
	assert_true(may_have(env, listener, LEARNER1, "10.9.0.8"));
	ips_done(&fixed.interfaces->ips);
}

TEST(the_nodes_own_addresses_are_nobodys_to_learn)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	filter_on(env, NULL);
	assert_false(may_have(env, listener, LEARNER1, "10.9.0.254"));
	assert_false(may_have(env, listener, LEARNER1, "192.0.2.1"));
	assert_false(may_have(env, listener, LEARNER1, "fd09::fe"));
	assert_false(may_have(env, listener, LOOSE, "10.9.0.254"));

	/* One that the node takes later is learned from what the node says. */
	program("ip addr add 10.9.0.253/24 dev br0");
	program("ip -6 addr add fd09::fd/64 dev br0 nodad");
	try_program("ping -c 1 -W 1 -I 10.9.0.253 10.9.0.99");
	go(env, BRIDGED3);
	program("ping -c 1 -W 1 fd09::fd");
	go_home(env);
	assert_false(may_have(env, listener, LEARNER1, "10.9.0.253"));
	assert_false(may_have(env, listener, LEARNER1, "fd09::fd"));
}

TEST(some_addresses_are_nobodys)
{
	static const char *const texts[] = {"0.0.0.1",	       "127.0.0.1", "224.0.0.1", "240.0.0.1",
					    "255.255.255.255", "::1",	    "ff02::1"};
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	filter_on(env, NULL);
	for (size_t i = 0; i < countof(texts); i++)
		if (may_have(env, listener, LEARNER1, texts[i]))
			fail_msg("%s", texts[i]);
}

TEST(one_takes_sixteen_addresses_at_once_and_no_more)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	char text[IP_TEXT];

	filter_on(env, NULL);
	for (int i = 100; i < 120; i++) {
		snprintf(text, sizeof(text), "10.9.0.%d", i);
		if (may_have(env, listener, LEARNER1, text) != (i < 116))
			fail_msg("%s", text);
	}
	assert_true(may_have(env, listener, LEARNER1, "10.9.0.100"));
	assert_true(may_have(env, listener, LEARNER2, "10.9.0.119"));
}

TEST(one_with_addresses_learns_only_link_local_ones)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	filter_on(env, NULL);
	assert_true(may_have(env, listener, BRIDGED1, "fe80::1"));
	assert_false(may_have(env, listener, BRIDGED3, "fe80::1"));
	assert_true(may_have(env, listener, BRIDGED3, "fe80::3"));
	assert_false(may_have(env, listener, BRIDGED1, "fd09::77"));
	assert_false(may_have(env, listener, BRIDGED1, "10.9.0.77"));
	assert_false(may_have(env, listener, BRIDGED1, "169.254.0.1"));
}

TEST(without_mac_filter_any_mac_but_another_guests)
{
	const struct filter_env *env = *state_;
	struct cast cast = cast_for(LOOSE, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	filter_on(env, NULL);
	assert_false(passes(env, listener, LOOSE, "mac-source", &cast));
	assert_false(passes(env, listener, LOOSE, "arp-sender", &cast));
	assert_int_equal(mac_parse("02:00:00:00:00:99", &cast.victim.mac), 0);
	assert_true(passes(env, listener, LOOSE, "mac-source", &cast));
	assert_true(passes(env, listener, LOOSE, "arp-sender", &cast));
	assert_false(passes(env, listener, LOOSE, "ip4-source", &cast));
	assert_false(passes(env, listener, LOOSE, "icmp6-router", &cast));
	assert_false(passes(env, listener, LOOSE, "vlan", &cast));
}

/* ---- one guest each ---- */

static void check_taken(const struct net_guest *from, const struct net_guest *to, const char *text)
{
	struct err err = {0};

	assert_int_equal(filter_change(from, to, &err), -EEXIST);
	assert_string_equal(err.text, text);
}

TEST(an_address_is_one_guests)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, ROUTED2);
	const struct cast cast = cast_for(ROUTED1, ROUTED2, BRIDGED3);
	struct net_interface interface = {.host_name = "venet8", .routed = true};
	const struct net_guest guest = {.interfaces = &interface, .n_interfaces = 1};
	const struct net_interface without = {.host_name = "venet8", .routed = true};
	const struct net_guest before = {.interfaces = (struct net_interface *)&without, .n_interfaces = 1};
	struct err err = {0};

	filter_on(env, NULL);
	ips_add(&interface.ips, &(struct ip){.family = AF_INET, .bytes = {10, 7, 0, 8}});
	assert_done(filter_change(NULL, &guest, &err), err);
	assert_done(filter_change(&guest, NULL, &err), err);

	/* All or nothing: 10.7.0.8 is not its either, then. */
	ips_add(&interface.ips, &(struct ip){.family = AF_INET, .bytes = {10, 9, 0, 3}});
	check_taken(NULL, &guest, "address 10.9.0.3 is in use by veth3");
	interface.ips.n = 1;
	assert_done(filter_change(NULL, &guest, &err), err);
	assert_done(filter_change(&guest, &before, &err), err);
	ips_add(&interface.ips, &(struct ip){.family = AF_INET6, .bytes = {0xfd, 7, [15] = 1}});
	check_taken(&before, &guest, "address fd07::1 is in use by venet1");
	assert_true(passes(env, listener, ROUTED1, "ip4-own", &cast));
	ips_done(&interface.ips);
}

TEST(an_address_goes_from_one_interface_to_another)
{
	const struct filter_env *env = *state_;
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	const struct net_guest *guest = &env->guests[BRIDGED1];
	struct net_interface both[2] = {guest->interfaces[0], guest->interfaces[0]};
	struct net_guest after = {.interfaces = both, .n_interfaces = 2};
	struct err err = {0};

	filter_on(env, NULL);
	both[0].ips = (struct ips){0};
	snprintf(both[1].host_name, sizeof(both[1].host_name), "veth1.1");
	both[1].mac.bytes[5] = 0x77;
	assert_true(may_have(env, listener, BRIDGED1, "10.9.0.1"));
	assert_done(filter_change(guest, &after, &err), err);
	assert_false(may_have(env, listener, BRIDGED1, "10.9.0.1"));
	assert_done(filter_change(&after, guest, &err), err);
	assert_true(may_have(env, listener, BRIDGED1, "10.9.0.1"));
}

TEST(a_mac_is_one_guests)
{
	const struct filter_env *env = *state_;
	struct net_interface interface = env->guests[BRIDGED3].interfaces[0];
	const struct net_guest guest = {.interfaces = &interface, .n_interfaces = 1};

	filter_on(env, NULL);
	interface.ips = (struct ips){0};
	snprintf(interface.host_name, sizeof(interface.host_name), "veth8");
	check_taken(NULL, &guest, "MAC 00:18:51:00:00:03 is in use by veth3");
}

TEST(nobody_is_admitted_twice_and_anybody_is_dismissed_twice)
{
	const struct filter_env *env = *state_;
	struct err err = {0};

	filter_on(env, NULL);
	for (enum place place = 0; place < WORLD; place++) {
		const struct net_guest *guest = &env->guests[place];
		struct err taken = {0};

		assert_int_equal(filter_change(NULL, guest, &taken), -EEXIST);
		assert_true(taken.text[0]);
		assert_done(filter_change(guest, NULL, &err), err);
		assert_done(filter_change(guest, NULL, &err), err);
		assert_done(filter_change(NULL, guest, &err), err);
		assert_done(filter_change(guest, guest, &err), err);
	}
	filter_off();
	assert_done(filter_change(&env->guests[BRIDGED1], NULL, &err), err);
	assert_int_equal(filter_change(NULL, &env->guests[BRIDGED1], &err), -ENOENT);
}

TEST(a_name_that_would_be_more_than_a_name_is_refused)
{
	static const char *const names[] = {"", "veth*", "ve\\th", "ve\"th", "ve th", "ve\tth", "v\xc3\xa9th"};
	struct net_interface interface = {.routed = true};
	const struct net_guest guest = {.interfaces = &interface, .n_interfaces = 1};

	filter_on(*state_, NULL);
	for (size_t i = 0; i < countof(names); i++) {
		struct err err = {0};
		snprintf(interface.host_name, sizeof(interface.host_name), "%s", names[i]);
		assert_int_equal(filter_change(NULL, &guest, &err), -EINVAL);
	}
}

/* ---- counters ---- */

static struct net_traffic traffic_of(const struct net_guest *guest)
{
	struct net_traffic traffic = {.dropped.packets = 1234567};
	struct err err = {0};

	assert_done(filter_traffic(guest, &traffic, &err), err);
	return traffic;
}

static void check_counts(const struct filter_env *env, enum place from, enum place to)
{
	const struct cast cast = cast_for(from, to, BRIDGED3);
	cleanup_fd int listener = listen_at(env, to);
	struct net_traffic before = traffic_of(&env->guests[from]), heard = traffic_of(&env->guests[to]);

	for (int i = 0; i < 5; i++) {
		assert_true(passes(env, listener, from, "ip4-own", &cast));
		assert_true(passes(env, listener, from, "ip6-own", &cast));
		assert_false(passes(env, listener, from, "ip4-source", &cast));
	}
	struct net_traffic after = traffic_of(&env->guests[from]), has_heard = traffic_of(&env->guests[to]);
	assert_true(after.sent4.packets >= before.sent4.packets + 15);
	assert_true(after.sent6.packets >= before.sent6.packets + 5);
	assert_true(after.dropped.packets >= before.dropped.packets + 5);
	assert_true(after.sent4.bytes >= before.sent4.bytes + 15 * 28);
	assert_true(has_heard.received4.packets >= heard.received4.packets + 15);
	assert_true(has_heard.received6.packets >= heard.received6.packets + 5);
	assert_true(has_heard.received6.bytes >= heard.received6.bytes + 5 * 48);
}

TEST(all_that_is_sent_received_and_dropped_is_counted)
{
	const struct filter_env *env = *state_;

	filter_on(env, NULL);
	check_counts(env, BRIDGED1, BRIDGED2);
	check_counts(env, ROUTED1, ROUTED2);

	struct net_traffic before = traffic_of(&env->guests[BRIDGED1]);
	filter_on(env, NULL);
	assert_int_equal(traffic_of(&env->guests[BRIDGED1]).sent4.packets, before.sent4.packets);
	assert_int_equal(traffic_of(&env->guests[BRIDGED1]).sent4.bytes, before.sent4.bytes);
}

/* There is always somebody who says something. */
static void check_about(const struct net_traffic *traffic, const struct net_traffic *expected)
{
	const struct net_count *a = (const struct net_count *)traffic, *b = (const struct net_count *)expected;

	for (size_t i = 0; i < sizeof(*traffic) / sizeof(*a); i++) {
		assert_in_range(a[i].packets, b[i].packets, b[i].packets + 20);
		assert_in_range(a[i].bytes, b[i].bytes, b[i].bytes + 2000);
	}
}

TEST(counting_begins_where_it_is_told)
{
	struct filter_env *env = *state_;
	static const struct net_traffic begin = {{1, 100}, {2, 200}, {3, 300}, {4, 1ull << 60}, {5, 500}}, nothing;
	struct err err = {0};

	env->guests[ROUTED1].traffic = begin;
	env->guests[BRIDGED1].traffic = begin;
	filter_on(env, NULL);
	for (enum place place = ROUTED1; place <= BRIDGED1; place += BRIDGED1 - ROUTED1) {
		const struct net_guest *guest = &env->guests[place];
		struct net_traffic traffic = traffic_of(guest);

		check_about(&traffic, &begin);
		assert_done(filter_change(guest, NULL, &err), err);
		traffic = traffic_of(guest);
		check_about(&traffic, &nothing);
		assert_done(filter_change(NULL, guest, &err), err);
		traffic = traffic_of(guest);
		check_about(&traffic, &begin);
	}
}

TEST(a_rebuild_forgets_those_it_is_not_given)
{
	const struct filter_env *env = *state_;
	static const struct filter_policy policy;
	struct err err = {0};

	filter_on(env, NULL);
	assert_done(filter_rebuild(&policy, env->guests, 2, &err), err);
	assert_done(filter_change(NULL, &env->guests[BRIDGED1], &err), err);
	assert_done(filter_change(NULL, &env->guests[LOOSE], &err), err);
	assert_int_equal(filter_change(NULL, &env->guests[ROUTED1], &err), -EEXIST);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, filter_setup, filter_teardown)
	const struct CMUnitTest tests[] = {
		test(one_without_addresses_takes_them_by_using_them),
		test(an_address_is_whose_it_was_first),
		test(what_is_declared_is_nobodys_to_learn),
		test(the_nodes_own_addresses_are_nobodys_to_learn),
		test(some_addresses_are_nobodys),
		test(one_takes_sixteen_addresses_at_once_and_no_more),
		test(one_with_addresses_learns_only_link_local_ones),
		test(without_mac_filter_any_mac_but_another_guests),
		test(an_address_is_one_guests),
		test(an_address_goes_from_one_interface_to_another),
		test(a_mac_is_one_guests),
		test(nobody_is_admitted_twice_and_anybody_is_dismissed_twice),
		test(a_name_that_would_be_more_than_a_name_is_refused),
		test(all_that_is_sent_received_and_dropped_is_counted),
		test(counting_begins_where_it_is_told),
		test(a_rebuild_forgets_those_it_is_not_given),
	};
	return cmocka_run_group_tests_name("packet filter: whose an address is", tests, NULL, NULL);
}
