/* Addresses, of a guest and of the node. Runs as root. */
#include "tests/leaf/netns_guest.h"

#include <net/if.h>

TEST(an_address_is_there_at_once_with_its_prefix)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");

	for (int twice = 0; twice < 2; twice++) {
		add_address(env->there, venet, "192.0.2.7");
		add_address(env->there, venet, "192.0.2.8/24");
		add_address(env->there, venet, "2001:db8::7");
		add_address(env->there, venet, "2001:db8::8/64");
	}
	assert_tells_there(env, "ip -o -4 addr show dev venet0", " inet 192.0.2.7/32 scope global venet0");
	assert_tells_there(env, "ip -o -4 addr show dev venet0", " inet 192.0.2.8/24 brd 192.0.2.255 scope global");
	assert_tells_there(env, "ip -o -6 addr show dev venet0", " inet6 2001:db8::7/128 scope global nodad");
	assert_tells_there(env, "ip -o -6 addr show dev venet0", " inet6 2001:db8::8/64 scope global nodad");
	assert_tells_not_there(env, "ip -o addr", "tentative");
}

TEST(an_address_goes_and_is_gone_already)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");

	add_address(env->there, venet, "192.0.2.7");
	add_address(env->there, venet, "2001:db8::7");
	for (int twice = 0; twice < 2; twice++) {
		remove_address(env->there, venet, "192.0.2.7");
		remove_address(env->there, venet, "2001:db8::7");
	}
	assert_tells_not_there(env, "ip -o addr show dev venet0", "inet");
	remove_address(env->there, 77, "192.0.2.7");
	remove_address(env->there, 77, "2001:db8::7");
}

TEST(with_the_first_address_of_a_network_the_others_stay)
{
	struct env *env = *state_;
	int venet = add_guest(env->there, "venet7");

	add_address(env->there, venet, "192.0.2.7/24");
	add_address(env->there, venet, "192.0.2.8/24");
	remove_address(env->there, venet, "192.0.2.7/24");
	assert_tells_there(env, "ip -o addr show dev venet0", "inet 192.0.2.8/24");
	assert_tells_not_there(env, "ip -o addr show dev venet0", "inet 192.0.2.7/24");
}

TEST(without_ipv6_only_ipv6_fails_and_says_so)
{
	struct env *env = *state_;
	struct err err = {0};
	struct ip ip = ip_of("2001:db8::7");
	int venet = add_guest(env->there, "venet7");

	program_there(env, "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1");
	assert_int_equal(addr_add(&env->guest, venet, &ip, &err), -EACCES);
	assert_non_null(strstr(err.text, "add address 2001:db8::7, link number "));
	assert_non_null(strstr(err.text, "IPv6 is switched off there (sysctl disable_ipv6): Permission denied"));
	add_address(env->there, venet, "192.0.2.7");
	remove_address(env->there, venet, "2001:db8::7");
}

TEST(a_link_too_small_for_ipv6_says_so)
{
	struct env *env = *state_;
	struct err err = {0};
	struct ip ip = ip_of("2001:db8::7");
	int venet = add_guest(env->there, "venet7");

	program_there(env, "ip link set venet0 mtu 68");
	assert_true(addr_add(&env->guest, venet, &ip, &err) < 0);
	assert_non_null(strstr(err.text, "the link takes none; its MTU has to be 1280 at least"));
	remove_address(env->there, venet, "2001:db8::7");
	add_address(env->there, venet, "192.0.2.7");
}

TEST(an_address_for_a_link_that_is_not_there_fails)
{
	struct env *env = *state_;
	struct err err = {0};
	struct ip ip = ip_of("192.0.2.7");

	assert_int_equal(addr_add(&env->home, 77, &ip, &err), -ENODEV);
	assert_string_equal(err.text, "add address 192.0.2.7, link number 77: No such device");
}

/* The kernel takes up a new IPv6 address some moments after it said yes. */
static bool becomes_ours(const struct env *env, const char *text)
{
	struct ip ip = ip_of(text);

	for (int i = 0; i < 200 && !route_is_ours(&env->home, &ip); i++)
		pause_ms(5);
	return route_is_ours(&env->home, &ip);
}

TEST(the_node_s_own_addresses_are_ours)
{
	struct env *env = *state_;
	static const char *const ours[] = {"192.0.2.1", "192.0.2.2", "127.0.0.5", "2001:db8::1", "2001:db8::2", "::1"};
	static const char *const others[] = {"192.0.2.3",   "192.0.2.7",   "203.0.113.1",
					     "2001:db8::3", "2001:db8::7", "2001:db9::1"};
	int venet = add_guest(env->there, "venet7");

	program("ip link set lo up");
	program("ip link add card type veth peer name wire");
	program("ip link set card up");
	int card = (int)if_nametoindex("card");
	add_address(NETNS_OWN, card, "192.0.2.1/24");
	add_address(NETNS_OWN, card, "192.0.2.2/24");
	add_address(NETNS_OWN, card, "2001:db8::1/64");
	add_address(NETNS_OWN, card, "2001:db8::2/64");
	add_address(env->there, venet, "192.0.2.7");
	add_route("venet7", "192.0.2.7");
	add_route("venet7", "2001:db8::7");

	for (size_t i = 0; i < countof(ours); i++) {
		struct ip other = ip_of(others[i]);
		if (!becomes_ours(env, ours[i]))
			fail_msg("%s is not ours", ours[i]);
		if (route_is_ours(&env->home, &other))
			fail_msg("%s is ours", others[i]);
	}
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, netns_setup, netns_teardown)
	const struct CMUnitTest tests[] = {
		test(an_address_is_there_at_once_with_its_prefix),
		test(an_address_goes_and_is_gone_already),
		test(with_the_first_address_of_a_network_the_others_stay),
		test(without_ipv6_only_ipv6_fails_and_says_so),
		test(a_link_too_small_for_ipv6_says_so),
		test(an_address_for_a_link_that_is_not_there_fails),
		test(the_node_s_own_addresses_are_ours),
	};
	return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
