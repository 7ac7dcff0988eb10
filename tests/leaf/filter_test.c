/* What guests may send: each frame that must not pass is first seen to arrive where nothing is filtered. */
#include "tests/leaf/filter_env.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "netns/nft.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "tests/leaf/netns_env.h"

/* ---- forged and honest frames ---- */

/* Walk the probes that make sense there: does each pass as it is expected to? */
static void check_probes(const struct filter_env *env, int listener, enum place from, const struct cast *cast,
			 bool filtered)
{
	int where = from >= BRIDGED1 && from <= LOOSE ? LINK : ROUTED;
	const struct probe *probe;

	for (size_t i = 0; (probe = probe_at(i)); i++) {
		bool expected = !filtered || probe->honest;

		if ((probe->where & where) && passes(env, listener, from, probe->name, cast) != expected)
			fail_msg("%s %s", probe->name, expected ? "does not pass" : "passes");
	}
}

TEST(on_a_bridge_nobody_says_what_is_not_his_to_say)
{
	const struct filter_env *env = *state_;
	const struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	check_probes(env, listener, BRIDGED1, &cast, false);
	filter_on(env, NULL);
	check_probes(env, listener, BRIDGED1, &cast, true);
}

TEST(nor_through_the_node)
{
	const struct filter_env *env = *state_;
	const struct cast cast = cast_for(ROUTED1, ROUTED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, ROUTED2);

	check_probes(env, listener, ROUTED1, &cast, false);
	filter_on(env, NULL);
	check_probes(env, listener, ROUTED1, &cast, true);
}

/* A bridge gives such a frame to the port's own IP layer, past all hooks of its own. Even where the service is open. */
TEST(nor_past_the_bridge)
{
	static const struct filter_service discard = {IPPROTO_UDP, 9};
	const struct filter_policy policy = {.services = &discard, .n_services = 1};
	const struct filter_env *env = *state_;
	struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	const struct probe *probe = probe_find("link-local");
	cleanup_fd int listener = tap_listen_ip(AF_INET, IPPROTO_UDP);

	assert_int_equal(ip_parse("10.9.0.254", &cast.to.ip4), 0);
	send_from(env, BRIDGED1, probe, &cast);
	assert_ptr_equal(tap_hear(listener, 2000), probe);

	filter_on(env, &policy);
	send_from(env, BRIDGED1, probe, &cast);
	assert_null(tap_hear(listener, 300));
}

TEST(what_is_not_admitted_passes_nothing_where_it_is_routed)
{
	const struct filter_env *env = *state_;
	const struct cast cast = cast_for(ROUTED1, ROUTED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, ROUTED2);
	struct err err = {0};

	filter_on(env, NULL);
	assert_true(passes(env, listener, ROUTED1, "ip4-own", &cast));
	assert_done(filter_change(&env->guests[ROUTED1], NULL, &err), err);
	assert_false(passes(env, listener, ROUTED1, "ip4-own", &cast));
	assert_false(passes(env, listener, ROUTED1, "ip6-own", &cast));
	assert_done(filter_change(NULL, &env->guests[ROUTED1], &err), err);
	assert_true(passes(env, listener, ROUTED1, "ip4-own", &cast));
}

/* ---- an Ethernet that the operator routes ---- */

TEST(an_unbridged_interface_sends_from_its_own_addresses)
{
	const struct filter_env *env = *state_;
	struct cast cast = cast_for(UNBRIDGED, ROUTED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, ROUTED2);

	cast.to.mac = (struct mac){{255, 255, 255, 255, 255, 255}};
	go_home(env);
	assert_int_equal(tap_mac("veth7", &cast.to.mac), 0);
	check_probes(env, listener, UNBRIDGED, &cast, false);
	filter_on(env, NULL);
	check_probes(env, listener, UNBRIDGED, &cast, true);
}

TEST(without_addresses_its_own_are_those_that_the_node_routes_to_it)
{
	struct filter_env *env = *state_;
	struct cast cast = cast_for(UNBRIDGED, ROUTED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, ROUTED2);

	go_home(env);
	assert_int_equal(tap_mac("veth7", &cast.to.mac), 0);
	ips_done(&env->guests[UNBRIDGED].interfaces[0].ips);
	filter_on(env, NULL);
	check_probes(env, listener, UNBRIDGED, &cast, true);
}

TEST(with_addresses_what_else_is_routed_to_it_is_not_its_own)
{
	const struct filter_env *env = *state_;
	struct cast cast = cast_for(UNBRIDGED, ROUTED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, ROUTED2);

	assert_int_equal(tap_mac("veth7", &cast.to.mac), 0);
	assert_int_equal(ip_parse("10.8.0.99", &cast.victim.ip4), 0);
	assert_int_equal(ip_parse("fd08::99", &cast.victim.ip6), 0);
	filter_on(env, NULL);
	assert_false(passes(env, listener, UNBRIDGED, "ip4-source", &cast));
	assert_false(passes(env, listener, UNBRIDGED, "ip6-source", &cast));
}

static void check_reaches_node(const struct filter_env *env, enum place from, const char *name, int listener,
			       bool expected)
{
	struct cast cast = cast_for(from, BRIDGED2, BRIDGED3);
	const struct probe *probe = probe_find(name);

	cast.to.mac = (struct mac){{255, 255, 255, 255, 255, 255}};
	assert_int_equal(ip_parse("ff02::2", &cast.to.ip6), 0);
	send_from(env, from, probe, &cast);
	if (tap_hear(listener, expected ? 2000 : 300) != (expected ? probe : NULL))
		fail_msg("%s %s", name, expected ? "does not pass" : "passes");
}

TEST(whoever_has_an_ethernet_may_ask_the_node_for_addresses)
{
	static const struct filter_service dhcp = {IPPROTO_UDP, 67};
	const struct filter_policy policy = {.services = &dhcp, .n_services = 1};
	const struct filter_env *env = *state_;
	cleanup_fd int udp = tap_listen_ip(AF_INET, IPPROTO_UDP), icmp6 = tap_listen_ip(AF_INET6, IPPROTO_ICMPV6);
	static const enum place places[] = {UNBRIDGED, BRIDGED1, LEARNER1};

	for (size_t i = 0; i < countof(places); i++) {
		filter_on(env, &policy);
		check_reaches_node(env, places[i], "dhcp4-discover", udp, true);
		check_reaches_node(env, places[i], "ip4-unspecified", udp, false);
		check_reaches_node(env, places[i], "ip6-unspecified", icmp6, false);
		filter_on(env, NULL);
		check_reaches_node(env, places[i], "dhcp4-discover", udp, false);
	}
}

/* ---- whose the tables are ---- */

TEST(nobody_else_changes_the_tables)
{
	const struct filter_env *env = *state_;
	const struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	filter_on(env, NULL);
	assert_true(filter_intact());
	program("nft flush ruleset");
	assert_true(try_program("nft flush table bridge openve") < 0);
	assert_true(try_program("nft flush chain bridge openve guest") < 0);
	assert_true(try_program("nft delete table bridge openve") < 0);
	assert_true(try_program("nft delete table inet openve") < 0);
	assert_true(try_program("nft add element bridge openve any_mac { veth1 }") < 0);
	assert_true(filter_intact());
	assert_true(passes(env, listener, BRIDGED1, "arp-own", &cast));
	assert_false(passes(env, listener, BRIDGED1, "arp-reply", &cast));
}

TEST(they_outlive_their_owner_and_the_next_one_adopts_them)
{
	struct filter_env *env = *state_;
	const struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	struct net_traffic before, after;
	struct err err = {0};

	filter_on(env, NULL);
	assert_true(passes(env, listener, BRIDGED1, "ip4-own", &cast));
	filter_kill(env);
	assert_false(filter_intact());
	assert_true(passes(env, listener, BRIDGED1, "arp-own", &cast));
	assert_false(passes(env, listener, BRIDGED1, "arp-reply", &cast));
	assert_done(filter_traffic(&env->guests[BRIDGED1], &before, &err), err);

	filter_start(env);
	assert_true(nft_is_current(PATH_FILTER));
	assert_false(filter_intact());
	filter_on(env, NULL);
	assert_true(filter_intact());
	assert_true(try_program("nft delete table bridge openve") < 0);
	assert_done(filter_traffic(&env->guests[BRIDGED1], &after, &err), err);
	assert_true(before.sent4.packets > 0);
	assert_int_equal(after.sent4.packets, before.sent4.packets);
	assert_false(passes(env, listener, BRIDGED1, "arp-reply", &cast));
}

TEST(what_others_did_while_it_had_no_owner_is_undone)
{
	struct filter_env *env = *state_;
	const struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);

	filter_on(env, NULL);
	filter_kill(env);
	program("nft insert rule bridge openve prerouting accept");
	program("nft add element bridge openve any_mac { veth1 }");
	program("nft delete element bridge openve source4 { veth1 . 10.9.0.1 }");
	assert_true(passes(env, listener, BRIDGED1, "arp-reply", &cast));
	filter_start(env);
	filter_on(env, NULL);
	assert_false(passes(env, listener, BRIDGED1, "arp-reply", &cast));
	assert_false(passes(env, listener, BRIDGED1, "mac-source", &cast));
	assert_true(passes(env, listener, BRIDGED1, "ip4-own", &cast));

	filter_kill(env);
	program("nft flush ruleset");
	assert_true(passes(env, listener, BRIDGED1, "arp-reply", &cast));
	filter_start(env);
	filter_on(env, NULL);
	assert_false(passes(env, listener, BRIDGED1, "arp-reply", &cast));
}

TEST(tables_of_another_version_make_way_and_counters_go_on)
{
	struct filter_env *env = *state_;
	const struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	struct net_traffic before, after;
	struct err err = {0};

	filter_on(env, NULL);
	assert_true(passes(env, listener, BRIDGED1, "ip4-own", &cast));
	assert_done(filter_traffic(&env->guests[BRIDGED1], &before, &err), err);
	filter_kill(env);
	program("nft delete table inet openve_version");
	program("nft flush chain bridge openve claim6");
	program("nft flush chain bridge openve claim_target6");
	program("nft delete set bridge openve lease6");
	program("nft add set bridge openve lease6 { type ipv4_addr; }");
	filter_start(env);
	filter_on(env, NULL);
	assert_true(filter_intact());
	assert_done(filter_traffic(&env->guests[BRIDGED1], &after, &err), err);
	assert_true(before.sent4.packets > 0);
	assert_int_equal(after.sent4.packets, before.sent4.packets);
	assert_false(passes(env, listener, BRIDGED1, "arp-reply", &cast));
	assert_true(passes(env, listener, BRIDGED1, "ip6-own", &cast));
}

TEST(told_to_end_it_ends_and_gives_up_the_tables)
{
	struct filter_env *env = *state_;
	int status;

	filter_on(env, NULL);
	nft_quit(PATH_FILTER);
	assert_int_equal(waitpid(env->filter, &status, 0), env->filter);
	env->filter = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_false(nft_is_current(PATH_FILTER));
	assert_int_equal(try_program("nft delete table bridge openve"), 0);
}

/* ---- made anew while guests send ---- */

/* As fast as it goes: one that must not pass, one that must. */
static pid_t flood(const struct filter_env *env, const struct cast *cast)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (pid == 0) {
		send_from(env, BRIDGED1, probe_find("ip4-source"), cast);
		send_from(env, BRIDGED1, probe_find("arp-reply"), cast);
		send_from(env, BRIDGED1, probe_find("ip4-own"), cast);
	}
	return pid;
}

TEST(at_no_moment_of_a_rebuild_does_anything_pass)
{
	const struct filter_env *env = *state_;
	const struct cast cast = cast_for(BRIDGED1, BRIDGED2, BRIDGED3);
	cleanup_fd int listener = listen_at(env, BRIDGED2);
	const struct probe *honest = probe_find("ip4-own"), *next;
	unsigned n = 0;

	filter_on(env, NULL);
	pid_t pid = flood(env, &cast);
	for (int i = 0; i < 20; i++) {
		filter_on(env, NULL);
		while ((next = tap_hear(listener, 0))) {
			assert_ptr_equal(next, honest);
			n++;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(n > 100);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, filter_setup, filter_teardown)
	const struct CMUnitTest tests[] = {
		test(on_a_bridge_nobody_says_what_is_not_his_to_say),
		test(nor_through_the_node),
		test(nor_past_the_bridge),
		test(what_is_not_admitted_passes_nothing_where_it_is_routed),
		test(an_unbridged_interface_sends_from_its_own_addresses),
		test(without_addresses_its_own_are_those_that_the_node_routes_to_it),
		test(with_addresses_what_else_is_routed_to_it_is_not_its_own),
		test(whoever_has_an_ethernet_may_ask_the_node_for_addresses),
		test(nobody_else_changes_the_tables),
		test(they_outlive_their_owner_and_the_next_one_adopts_them),
		test(what_others_did_while_it_had_no_owner_is_undone),
		test(tables_of_another_version_make_way_and_counters_go_on),
		test(told_to_end_it_ends_and_gives_up_the_tables),
		test(at_no_moment_of_a_rebuild_does_anything_pass),
	};
	return cmocka_run_group_tests_name("packet filter", tests, NULL, NULL);
}
