/* Links: pairs across two namespaces, names, and devices that move. Runs as root. */
#include "tests/leaf/netns_tell.h"

#include <sys/stat.h>

#include "netns/link.h"

#define HERE "ip -d -o link show dev venet7"
#define THERE "ip -d -o link show dev venet0"

static struct link_veth pair(const struct env *env, bool routed)
{
	return (struct link_veth){.name = "venet7", .peer = "venet0", .peer_netns = &env->guest, .routed = routed};
}

static void add_pair(const struct env *env, bool routed)
{
	struct link_veth veth = pair(env, routed);
	struct link_pair made;
	struct err err = {0};

	assert_done(link_add_veth(&env->home, &veth, &made, &err), err);
}

/* The other end's index, or -ENODEV. */
static int peer_of(const struct env *env, const char *name)
{
	struct link_pair found;
	int r = link_find_veth(&env->home, name, &found);
	return r < 0 ? r : found.peer;
}

static void assert_at_home(const struct env *env)
{
	struct stat home, here;

	assert_int_equal(fstat(env->node, &home), 0);
	assert_int_equal(stat("/proc/thread-self/ns/net", &here), 0);
	assert_int_equal(here.st_ino, home.st_ino);
}

/* ---- up ---- */

TEST(a_link_goes_up_in_its_namespace)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_tells_not_there(env, "ip -o link show dev lo", ",UP");
	assert_done(link_up(&env->guest, "lo", &err), err);
	assert_tells_there(env, "ip -o link show dev lo", ",UP");
	assert_done(link_up(&env->guest, "lo", &err), err);
	assert_tells_not("ip -o link show dev lo", ",UP");
	assert_done(link_up_index(&env->home, 1, &err), err);
	assert_tells("ip -o link show dev lo", ",UP");
	assert_at_home(env);
}

TEST(a_link_that_is_not_there_is_named)
{
	struct env *env = *state_;
	struct err err = {0}, other = {0};

	assert_int_equal(link_up(&env->guest, "venet7", &err), -ENODEV);
	assert_string_equal(err.text, "set link venet7 up: No such device");
	assert_int_equal(link_up_index(&env->home, 77, &other), -ENODEV);
	assert_string_equal(other.text, "set link number 77 up: No such device");
	assert_at_home(env);
}

TEST(what_is_no_namespace_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	struct netns netns = {0};
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(netns_open(null, &netns, &err), -EINVAL);
	assert_non_null(strstr(err.text, "enter a network namespace"));
	assert_at_home(env);
}

/* ---- pairs ---- */

TEST(a_pair_has_an_end_in_each_namespace_with_its_mac)
{
	struct env *env = *state_;
	struct err err = {0};
	struct link_veth veth = pair(env, false);
	struct link_pair made;

	assert_int_equal(mac_parse("00:18:51:00:00:01", &veth.mac), 0);
	assert_int_equal(mac_parse("00:18:51:00:00:02", &veth.peer_mac), 0);
	assert_done(link_add_veth(&env->home, &veth, &made, &err), err);
	assert_tells(HERE, "link/ether 00:18:51:00:00:01");
	assert_tells_there(env, THERE, "link/ether 00:18:51:00:00:02");
	assert_tells_not(HERE, ",UP");
	assert_tells_not_there(env, THERE, ",UP");
	assert_tells_not(HERE, "NOARP");
}

TEST(the_ends_of_a_routed_pair_are_the_same_and_silent)
{
	struct env *env = *state_;
	struct err err = {0};

	add_pair(env, true);
	assert_done(link_up(&env->home, "venet7", &err), err);
	assert_done(link_up(&env->guest, "venet0", &err), err);

	assert_tells(HERE, "link/ether 02:76:65:6e:65:74");
	assert_tells_there(env, THERE, "link/ether 02:76:65:6e:65:74");
	assert_tells(HERE, "<BROADCAST,NOARP,UP,LOWER_UP>");
	assert_tells_there(env, THERE, "<BROADCAST,NOARP,UP,LOWER_UP>");
	assert_tells_not("ip -6 addr show dev venet7", "inet6");
	assert_tells_not_there(env, "ip -6 addr show dev venet0", "inet6");
}

TEST(a_name_that_is_taken_on_the_node_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	struct link_veth veth = pair(env, true);
	struct link_pair made;

	program("ip link add venet7 type bridge");
	assert_int_equal(link_add_veth(&env->home, &veth, &made, &err), -EEXIST);
	assert_string_equal(err.text, "the node has a network interface venet7 already");
	assert_int_equal(link_index(&env->guest, "venet0"), -ENODEV);
	assert_tells(HERE, "bridge");
}

TEST(a_name_that_is_taken_in_there_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	struct link_veth veth = pair(env, true);
	struct link_pair made;

	program_there(env, "ip link add venet0 type bridge");
	assert_int_equal(link_add_veth(&env->home, &veth, &made, &err), -EEXIST);
	assert_string_equal(err.text, "there is a network interface venet0 in there already");
	assert_false(link_exists(&env->home, "venet7"));
}

TEST(the_two_ends_know_each_other)
{
	struct env *env = *state_;

	program_there(env, "ip link add name spare index 77 type bridge");
	add_pair(env, true);
	assert_true(link_exists(&env->home, "venet7"));
	assert_true(link_index(&env->home, "venet7") > 0);
	assert_true(link_index(&env->guest, "venet0") > 0);
	assert_int_equal(peer_of(env, "venet7"), link_index(&env->guest, "venet0"));

	assert_int_equal(peer_of(env, "lo"), -ENODEV);
	assert_int_equal(peer_of(env, "venet0"), -ENODEV);
	assert_int_equal(link_index(&env->guest, "venet7"), -ENODEV);
}

TEST(both_ends_go_together)
{
	struct env *env = *state_;
	struct err err = {0};

	add_pair(env, true);
	assert_done(link_delete(&env->home, "venet7", &err), err);
	assert_false(link_exists(&env->home, "venet7"));
	assert_int_equal(link_index(&env->guest, "venet0"), -ENODEV);
	assert_done(link_delete(&env->home, "venet7", &err), err);
}

/* ---- changes ---- */

TEST(a_link_changes_its_name)
{
	struct env *env = *state_;
	struct err err = {0}, taken = {0}, gone = {0};

	add_pair(env, false);
	assert_done(link_rename(&env->home, "venet7", "veth7.0", &err), err);
	assert_done(link_rename(&env->home, "veth7.0", "veth7.0", &err), err);
	assert_true(link_exists(&env->home, "veth7.0"));
	assert_done(link_rename_index(&env->guest, peer_of(env, "veth7.0"), "eth0", &err), err);
	assert_int_equal(link_index(&env->guest, "eth0"), peer_of(env, "veth7.0"));

	assert_int_equal(link_rename(&env->home, "veth7.0", "lo", &taken), -EEXIST);
	assert_string_equal(taken.text, "rename link veth7.0 to lo: File exists");
	assert_int_equal(link_rename(&env->home, "venet7", "other", &gone), -ENODEV);
}

TEST(a_link_changes_its_mac)
{
	struct env *env = *state_;
	struct err err = {0};
	struct mac mac;

	add_pair(env, false);
	assert_done(link_up(&env->guest, "venet0", &err), err);
	assert_int_equal(mac_parse("00:18:51:00:00:99", &mac), 0);
	assert_done(link_set_mac_index(&env->guest, peer_of(env, "venet7"), &mac, &err), err);
	assert_tells_there(env, THERE, "link/ether 00:18:51:00:00:99");
}

/* ---- devices that move ---- */

TEST(a_device_moves_there_and_back)
{
	struct env *env = *state_;
	struct err err = {0};

	program("ip link add name card index 50 type veth peer name wire");
	program("ip link set card up");
	int there = link_move(&env->home, "card", &env->guest, "eth1", &err);
	assert_done(there, err);
	assert_int_equal(there, link_index(&env->guest, "eth1"));
	assert_false(link_exists(&env->home, "card"));
	assert_tells_not_there(env, "ip -o link show dev eth1", ",UP");

	program_there(env, "ip link set eth1 name stolen");
	int back = link_move_index(&env->guest, there, &env->home, "card", &err);
	assert_done(back, err);
	assert_int_equal(back, link_index(&env->home, "card"));
	assert_int_equal(link_index(&env->guest, "stolen"), -ENODEV);
	assert_at_home(env);
}

TEST(a_device_whose_index_is_taken_there_gets_another)
{
	struct env *env = *state_;
	struct err err = {0};

	program("ip link add name card index 50 type veth peer name wire");
	program_there(env, "ip link add name spare index 50 type bridge");
	int there = link_move(&env->home, "card", &env->guest, "card", &err);
	assert_done(there, err);
	assert_int_not_equal(there, 50);
	assert_int_equal(there, link_index(&env->guest, "card"));

	program("ip link add name other index 50 type bridge");
	int back = link_move_index(&env->guest, there, &env->home, "card", &err);
	assert_done(back, err);
	assert_int_equal(back, link_index(&env->home, "card"));
}

TEST(a_device_stays_where_its_new_name_is_taken)
{
	struct env *env = *state_;
	struct err err = {0}, gone = {0};

	program("ip link add card type veth peer name wire");
	program_there(env, "ip link add eth1 type bridge");
	assert_int_equal(link_move(&env->home, "card", &env->guest, "eth1", &err), -EEXIST);
	assert_string_equal(err.text, "move link card to another network namespace: there is an eth1 already");
	assert_true(link_exists(&env->home, "card"));
	assert_int_equal(link_move(&env->home, "nosuch", &env->guest, "eth2", &gone), -ENODEV);
	assert_string_equal(gone.text, "move link nosuch to another network namespace: No such device");
}

TEST(what_cannot_leave_its_namespace_stays)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_true(link_move(&env->home, "lo", &env->guest, "lo1", &err) < 0);
	assert_true(link_exists(&env->home, "lo"));
}

/* ---- all of them ---- */

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST(nothing_stays_open)
{
	struct env *env = *state_;
	struct err err = {0};
	unsigned before = open_descriptors();

	add_pair(env, true);
	link_up(&env->guest, "venet0", &err);
	link_up(&env->guest, "venet7", &err);
	link_move(&env->home, "venet7", &env->guest, "venet7", &err);
	link_move(&env->guest, "venet7", &env->home, "venet0", &err);
	link_move(&env->guest, "venet7", &env->home, "venet7", &err);
	link_delete(&env->home, "venet7", &err);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, netns_setup, netns_teardown)
	const struct CMUnitTest tests[] = {
		test(a_link_goes_up_in_its_namespace),
		test(a_link_that_is_not_there_is_named),
		test(what_is_no_namespace_is_refused),
		test(a_pair_has_an_end_in_each_namespace_with_its_mac),
		test(the_ends_of_a_routed_pair_are_the_same_and_silent),
		test(a_name_that_is_taken_on_the_node_is_refused),
		test(a_name_that_is_taken_in_there_is_refused),
		test(the_two_ends_know_each_other),
		test(both_ends_go_together),
		test(a_link_changes_its_name),
		test(a_link_changes_its_mac),
		test(a_device_moves_there_and_back),
		test(a_device_whose_index_is_taken_there_gets_another),
		test(a_device_stays_where_its_new_name_is_taken),
		test(what_cannot_leave_its_namespace_stays),
		test(nothing_stays_open),
	};
	return cmocka_run_group_tests_name("network links", tests, NULL, NULL);
}
