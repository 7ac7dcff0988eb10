/* What the node's neighbours hear of it, and it of them: an Ethernet between the node and somebody there. Runs as root.
 */
#include "tests/leaf/netns_env.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "netns/arp.h"
#include "netns/ether.h"
#include "netns/nd.h"
#include "netns/neighbour.h"

#define NODE_MAC "02:00:00:00:00:01"
#define THERE_MAC "02:00:00:00:00:09"

static const struct neighbour_devices near = {.how = NEIGHBOUR_DETECT}, all = {.how = NEIGHBOUR_ALL};

/* wan0 of the node and lan0 there; venet5 is a guest's. */
static int setup(void **state)
{
	netns_setup(state);
	struct env *env = *state;
	link_pair(env, "wan0", NODE_MAC, "lan0", THERE_MAC);
	program("ip addr add 192.0.2.1/24 dev wan0");
	program("ip addr add 2001:db8::1/64 dev wan0 nodad");
	program("ip link set lo up");
	program("ip link add venet5 type veth peer name guest5");
	program("ip link set venet5 up");
	program("ip link set guest5 up");
	program_there(env, "ip addr add 192.0.2.9/24 dev lan0");
	program_there(env, "ip addr add 2001:db8::9/64 dev lan0 nodad");
	return 0;
}

static struct ip ip_of(const char *text)
{
	struct ip ip;
	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

/* ---- which devices ---- */

static bool is_found(const struct neighbour_devices *devices, const char *address, const char *name)
{
	struct ip ip = ip_of(address);
	struct err err = {0};
	int indexes[NEIGHBOUR_DEVICES];
	cleanup_netns struct netns node = opened(NETNS_OWN);

	int n = neighbour_find(&node, devices, &ip, indexes, &err);
	assert_done(n, err);
	for (int i = 0; i < n; i++)
		if (indexes[i] == (int)if_nametoindex(name))
			return true;
	return false;
}

static int count_found(const struct neighbour_devices *devices, const char *address)
{
	struct ip ip = ip_of(address);
	struct err err = {0};
	int indexes[NEIGHBOUR_DEVICES];
	cleanup_netns struct netns node = opened(NETNS_OWN);

	int n = neighbour_find(&node, devices, &ip, indexes, &err);
	assert_done(n, err);
	return n;
}

/* A bridge with a port, an Ethernet that is down, and another that is up and has no address. */
static void add_devices(void)
{
	program("ip link add br7 type bridge");
	program("ip link add port7 type veth peer name far7");
	program("ip link set port7 master br7");
	program("ip link set port7 up");
	program("ip link set br7 up");
	program("ip addr add 198.51.100.1/24 dev br7");
	program("ip link add off7 type veth peer name on7");
	program("ip link set on7 up");
	program("ip link add veth101.0 type veth peer name far8");
	program("ip link set veth101.0 up");
	program("ip link add name ifb7 type ifb");
	program("ip link set ifb7 up");
}

TEST(a_device_that_is_near_has_an_address_in_the_same_network)
{
	add_devices();
	assert_int_equal(count_found(&near, "192.0.2.50"), 1);
	assert_true(is_found(&near, "192.0.2.50", "wan0"));
	assert_int_equal(count_found(&near, "198.51.100.50"), 1);
	assert_true(is_found(&near, "198.51.100.50", "br7"));
	assert_int_equal(count_found(&near, "2001:db8::50"), 1);
	assert_true(is_found(&near, "2001:db8::50", "wan0"));
	assert_int_equal(count_found(&near, "203.0.113.50"), 0);
	assert_int_equal(count_found(&near, "2001:db8:1::50"), 0);
}

TEST(a_near_device_is_found_when_the_address_is_routed_to_a_guest_already)
{
	program("ip route add 192.0.2.50/32 dev venet5");
	assert_int_equal(count_found(&near, "192.0.2.50"), 1);
	assert_true(is_found(&near, "192.0.2.50", "wan0"));
}

TEST(a_guests_own_link_is_never_near)
{
	program("ip addr add 203.0.113.1/24 dev venet5");
	assert_int_equal(count_found(&near, "203.0.113.50"), 0);
}

TEST(all_devices_are_the_ethernets_that_are_up)
{
	add_devices();
	assert_true(is_found(&all, "192.0.2.50", "wan0"));
	assert_true(is_found(&all, "192.0.2.50", "br7"));
	assert_true(is_found(&all, "192.0.2.50", "on7"));
	assert_true(is_found(&all, "192.0.2.50", "guest5"));
	assert_int_equal(count_found(&all, "192.0.2.50"), 4);
}

TEST(listed_devices_are_those_listed)
{
	const struct neighbour_devices listed = {.how = NEIGHBOUR_LIST,
						 .list = "  br7 nosuch0 off7 venet5\tport7 "
							 "name-longer-than-any-link-has on7"};

	add_devices();
	assert_true(is_found(&listed, "192.0.2.50", "br7"));
	assert_true(is_found(&listed, "192.0.2.50", "on7"));
	assert_int_equal(count_found(&listed, "192.0.2.50"), 2);
	assert_int_equal(count_found(&(struct neighbour_devices){.how = NEIGHBOUR_LIST, .list = ""}, "192.0.2.50"), 0);
}

/* ---- duplicates ---- */

static int detect(const struct neighbour_devices *devices, const char *addresses, struct neighbour_duplicate *ret)
{
	cleanup_ips struct ips ips = {0};
	struct err err = {0};
	const char *bad;
	cleanup_netns struct netns node = opened(NETNS_OWN);

	assert_int_equal(ips_parse(addresses, &ips, &bad), 0);
	int r = neighbour_detect(&node, devices, &ips, ret, &err);
	assert_done(r, err);
	return r;
}

static void assert_duplicate(const char *addresses, const char *address)
{
	struct neighbour_duplicate duplicate;
	char ip[IP_TEXT], mac[MAC_TEXT];

	assert_int_equal(detect(&near, addresses, &duplicate), 1);
	assert_string_equal(ip_print(&duplicate.ip, ip), address);
	assert_string_equal(mac_print(&duplicate.mac, mac), THERE_MAC);
	assert_string_equal(duplicate.device, "wan0");
}

TEST(who_has_the_address_is_named)
{
	assert_duplicate("192.0.2.9", "192.0.2.9");
	assert_duplicate("2001:db8::9", "2001:db8::9");
}

TEST(one_of_many_addresses_is_found)
{
	assert_duplicate("192.0.2.50 192.0.2.9 2001:db8::50", "192.0.2.9");
	assert_duplicate("192.0.2.50 192.0.2.51 2001:db8::9", "2001:db8::9");
}

TEST(nobody_is_found_where_nobody_is)
{
	struct neighbour_duplicate duplicate;
	double start = now();

	assert_int_equal(detect(&near, "192.0.2.50 2001:db8::50", &duplicate), 0);
	assert_in_range((unsigned)(1000 * (now() - start)), 290, 2000);
	assert_int_equal(detect(&all, "192.0.2.50 2001:db8::50", &duplicate), 0);
}

TEST(without_a_device_there_is_nobody_to_ask)
{
	struct neighbour_duplicate duplicate;
	double start = now();

	assert_int_equal(detect(&near, "203.0.113.50 2001:db8:1::50", &duplicate), 0);
	assert_int_equal(detect(&near, "", &duplicate), 0);
	assert_in_range((unsigned)(1000 * (now() - start)), 0, 280);
}

/* As another node does for its guests: the address is not its own, it only answers for it. */
static void be_a_node_there(const struct env *env)
{
	enter(env->there);
	program("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.lan0.proxy_ndp=1");
	program("sysctl -q -w net.ipv4.neigh.lan0.proxy_delay=0 net.ipv6.neigh.lan0.proxy_delay=0");
	program("ip link add venet6 type veth peer name guest6");
	program("ip link set venet6 up");
	program("ip link set guest6 up");
	program("ip route add 192.0.2.60/32 dev venet6");
	program("ip neigh add proxy 192.0.2.60 dev lan0");
	program("ip neigh add proxy 2001:db8::60 dev lan0");
	enter(env->node);
}

TEST(an_address_of_another_nodes_guest_is_found)
{
	be_a_node_there(*state_);
	assert_duplicate("192.0.2.60", "192.0.2.60");
	assert_duplicate("2001:db8::60", "2001:db8::60");
}

/* Send out of a link there, in a moment, while the node listens. */
static pid_t send_soon(const struct env *env, const char *link, const struct frame *frames, size_t n)
{
	struct err err = {0};

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	enter(env->there);
	int wire = ether_open_mute(&err);
	pause_ms(150);
	for (size_t i = 0; i < n; i++)
		ether_send(wire, (int)if_nametoindex(link), &frames[i], &err);
	_exit(err.kind != ERR_NONE);
}

static void wait_sent(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static struct mac mac_of(const char *text)
{
	struct mac mac;
	assert_int_equal(mac_parse(text, &mac), 0);
	return mac;
}

TEST(who_looks_for_the_address_at_the_same_time_is_found)
{
	const struct mac mac = mac_of(THERE_MAC);
	const struct ip ip4 = ip_of("192.0.2.70"), ip6 = ip_of("2001:db8::70");
	struct frame frame;

	arp_ask(&frame, &mac, NULL, &ip4);
	pid_t pid = send_soon(*state_, "lan0", &frame, 1);
	assert_duplicate("192.0.2.70", "192.0.2.70");
	wait_sent(pid);

	nd_ask(&frame, &ip6);
	pid = send_soon(*state_, "lan0", &frame, 1);
	assert_duplicate("2001:db8::70", "2001:db8::70");
	wait_sent(pid);
}

/* Each of these but for one thing is a claim to 192.0.2.70 or 2001:db8::70. */
TEST(what_is_forged_or_damaged_is_not_believed)
{
	const struct mac there = mac_of(THERE_MAC), node = mac_of(NODE_MAC), group = mac_of("03:00:00:00:00:09");
	const struct ip ip4 = ip_of("192.0.2.70"), other4 = ip_of("192.0.2.71");
	const struct ip ip6 = ip_of("2001:db8::70"), other6 = ip_of("2001:db8::71");
	struct frame frames[10];
	struct neighbour_duplicate duplicate;

	arp_announce(&frames[0], &node, &ip4); /* our own, come back */
	arp_announce(&frames[1], &group, &ip4);
	arp_announce(&frames[2], &there, &other4);
	arp_announce(&frames[3], &there, &ip4);
	frames[3].len = 27;
	arp_announce(&frames[4], &there, &ip4);
	frames[4].protocol = 0x0800;

	nd_announce(&frames[5], &node, &ip6);
	nd_announce(&frames[6], &there, &other6);
	nd_announce(&frames[7], &there, &ip6);
	frames[7].bytes[7] = 64; /* hops */
	nd_announce(&frames[8], &there, &ip6);
	frames[8].bytes[42] ^= 1; /* the sum */
	nd_announce(&frames[9], &there, &ip6);
	frames[9].len -= 2;

	pid_t pid = send_soon(*state_, "lan0", frames, countof(frames));
	assert_int_equal(detect(&near, "192.0.2.70 2001:db8::70", &duplicate), 0);
	wait_sent(pid);
}

/* On wan1 it is another network that the node asks for another address. */
TEST(what_is_said_on_another_device_is_not_believed)
{
	struct env *env = *state_;
	const struct mac mac = mac_of(THERE_MAC);
	const struct ip ip = ip_of("192.0.2.70");
	struct neighbour_duplicate duplicate;
	struct frame frame;

	link_pair(env, "wan1", "02:00:00:00:01:01", "lan1", "02:00:00:00:01:09");
	program("ip addr add 198.51.100.1/24 dev wan1");
	arp_announce(&frame, &mac, &ip);
	pid_t pid = send_soon(env, "lan1", &frame, 1);
	assert_int_equal(detect(&near, "192.0.2.70 198.51.100.70", &duplicate), 0);
	wait_sent(pid);
}

/* ---- answers ---- */

struct line_of {
	const char *start;
	bool found;
};

static void look_at(void *ctx, const char *text)
{
	struct line_of *wanted = ctx;
	wanted->found |= strncmp(text, wanted->start, strlen(wanted->start)) == 0;
}

/* Does the one there know, half a second from now at the latest, that the node has the address? */
static bool knows(const struct env *env, const char *address)
{
	const char *const argv[] = {"ip", "neigh", "show", "to", address, NULL};
	char line[128];
	struct line_of wanted = {.start = line};
	struct err err = {0};

	snprintf(line, sizeof(line), "%s dev lan0 lladdr " NODE_MAC, address);
	for (double start = now(); !wanted.found && now() - start < 0.5; pause_ms(20)) {
		enter(env->there);
		assert_done(proc_run_lines(AT_FDCWD, argv, look_at, &wanted, &err), err);
		enter(env->node);
	}
	return wanted.found;
}

/* From there, say something to the address: does that one get to know whose it is? */
static bool is_answered_for(const struct env *env, const char *address)
{
	struct ip ip = ip_of(address);
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	bool v6 = ip.family == AF_INET6;

	memcpy(&to4.sin_addr, ip.bytes, 4);
	memcpy(&to6.sin6_addr, ip.bytes, 16);
	program_there(env, "ip neigh flush dev lan0");
	enter(env->there);
	cleanup_fd int fd = socket(ip.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enter(env->node);
	assert_int_equal(sendto(fd, "", 1, 0, v6 ? (void *)&to6 : (void *)&to4, v6 ? sizeof(to6) : sizeof(to4)), 1);
	return knows(env, address);
}

/* The kernel's own delay is random: here, up to 20 s. */
static void be_a_node(void)
{
	program("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
	program("ip route add 192.0.2.50/32 dev venet5");
	program("ip route add 2001:db8::50/128 dev venet5");
	program("sysctl -q -w net.ipv4.neigh.wan0.proxy_delay=2000 net.ipv6.neigh.wan0.proxy_delay=2000");
}

static void answer(const struct neighbour_devices *devices, const char *address)
{
	struct ip ip = ip_of(address);
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct err err = {0};
	assert_done(neighbour_answer(&node, devices, &ip, &err), err);
}

static void forget(const char *address)
{
	struct ip ip = ip_of(address);
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct err err = {0};
	assert_done(neighbour_forget(&node, &ip, &err), err);
}

static void assert_answers(const struct env *env, const char *address, const char *other)
{
	assert_false(is_answered_for(env, address));
	answer(&near, address);
	answer(&near, address);
	assert_true(is_answered_for(env, address));
	assert_false(is_answered_for(env, other));

	forget(address);
	assert_false(is_answered_for(env, address));
	forget(address);
}

TEST(the_node_answers_for_its_guests_at_once_until_it_forgets)
{
	be_a_node();
	assert_answers(*state_, "192.0.2.50", "192.0.2.51");
	assert_answers(*state_, "2001:db8::50", "2001:db8::51");
}

static void count(void *n, const char *text __attribute__((unused)))
{
	++*(size_t *)n;
}

static size_t count_answers(void)
{
	const char *const argv[] = {"ip", "neigh", "show", "proxy", NULL};
	struct err err = {0};
	size_t n = 0;

	assert_done(proc_run_lines(AT_FDCWD, argv, count, &n, &err), err);
	return n;
}

TEST(answers_are_forgotten_on_all_devices_and_others_kept)
{
	be_a_node();
	answer(&near, "192.0.2.51");
	answer(&near, "2001:db8::51");
	answer(&all, "192.0.2.50");
	answer(&all, "2001:db8::50");
	assert_int_equal(count_answers(), 6); /* wan0 and guest5 */
	forget("192.0.2.50");
	forget("2001:db8::50");
	assert_int_equal(count_answers(), 2);
	assert_true(is_answered_for(*state_, "2001:db8::51"));
}

TEST(without_a_device_there_is_nobody_to_answer)
{
	answer(&near, "203.0.113.50");
	assert_int_equal(count_answers(), 0);
	forget("203.0.113.50");
}

/* A device without IPv6 has no neighbours that ask so; the others have. */
TEST(a_device_without_the_family_is_passed_over)
{
	program("ip link add small7 mtu 576 type veth peer name other7");
	program("ip link set small7 up");
	be_a_node();
	answer(&all, "2001:db8::50");
	assert_true(is_answered_for(*state_, "2001:db8::50"));
}

/* ---- announcements ---- */

static void assert_announced(const struct env *env, const char *address)
{
	char words[160];
	cleanup_ips struct ips ips = {0};
	struct ip ip = ip_of(address);
	struct err err = {0};

	snprintf(words, sizeof(words), "ip neigh replace %s lladdr 02:00:00:00:00:77 nud reachable dev lan0", address);
	program_there(env, words);
	ips_add(&ips, &ip);
	assert_done(neighbour_announce(&env->home, &near, &ips, &err), err);
	assert_true(knows(env, address));
}

TEST(an_announcement_replaces_what_others_remember)
{
	assert_announced(*state_, "192.0.2.50");
	assert_announced(*state_, "2001:db8::50");
}

TEST(without_a_device_there_is_nobody_to_tell)
{
	struct env *env = *state_;
	cleanup_ips struct ips ips = {0};
	struct ip ip = ip_of("203.0.113.50");
	struct err err = {0};

	assert_done(neighbour_announce(&env->home, &near, &ips, &err), err);
	ips_add(&ips, &ip);
	assert_done(neighbour_announce(&env->home, &near, &ips, &err), err);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, netns_teardown)
	const struct CMUnitTest tests[] = {
		test(a_device_that_is_near_has_an_address_in_the_same_network),
		test(a_near_device_is_found_when_the_address_is_routed_to_a_guest_already),
		test(a_guests_own_link_is_never_near),
		test(all_devices_are_the_ethernets_that_are_up),
		test(listed_devices_are_those_listed),
		test(who_has_the_address_is_named),
		test(one_of_many_addresses_is_found),
		test(nobody_is_found_where_nobody_is),
		test(without_a_device_there_is_nobody_to_ask),
		test(an_address_of_another_nodes_guest_is_found),
		test(who_looks_for_the_address_at_the_same_time_is_found),
		test(what_is_forged_or_damaged_is_not_believed),
		test(what_is_said_on_another_device_is_not_believed),
		test(the_node_answers_for_its_guests_at_once_until_it_forgets),
		test(answers_are_forgotten_on_all_devices_and_others_kept),
		test(without_a_device_there_is_nobody_to_answer),
		test(a_device_without_the_family_is_passed_over),
		test(an_announcement_replaces_what_others_remember),
		test(without_a_device_there_is_nobody_to_tell),
	};
	return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
