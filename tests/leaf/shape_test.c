/* Rates of a link, by what passes through it. Bounds are wide: a rate that is not kept is off by far more. Runs as
 * root. */
#include "tests/leaf/netns_env.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "netns/shape.h"

#define MBIT 1000000ull

static int setup(void **state)
{
	netns_setup(state);
	struct env *env = *state;
	link_pair(env, "venet7", "02:00:00:00:00:07", "guest0", "02:00:00:00:00:08");
	program("ip addr add 10.9.0.1/24 dev venet7");
	program_there(env, "ip addr add 10.9.0.2/24 dev guest0");
	return 0;
}

/* ---- traffic ---- */

enum way { TO_GUEST, FROM_GUEST };

struct path {
	int from, to; /* namespaces */
	const char *address;
};

static struct path path_of(const struct env *env, enum way way)
{
	return way == TO_GUEST ? (struct path){env->node, env->there, "10.9.0.2"}
			       : (struct path){env->there, env->node, "10.9.0.1"};
}

static int socket_in(int netns, int type, const struct env *env)
{
	enter(netns);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	enter(env->node);
	assert_true(fd >= 0);

	struct timeval patience = {.tv_sec = 5};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static struct sockaddr_in at(const char *address)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(5001), .sin_addr.s_addr = inet_addr(address)};
}

struct pair {
	int sender, receiver;
};

static void close_pair(struct pair *pair)
{
	fd_close(pair->sender);
	fd_close(pair->receiver);
}

#define cleanup_pair __attribute__((cleanup(close_pair)))

static struct pair tcp(const struct env *env, enum way way)
{
	struct path path = path_of(env, way);
	struct sockaddr_in address = at(path.address);
	cleanup_fd int listener = socket_in(path.to, SOCK_STREAM, env);
	struct pair pair = {.sender = socket_in(path.from, SOCK_STREAM, env)};

	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(pair.sender, (struct sockaddr *)&address, sizeof(address)), 0);
	pair.receiver = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.receiver >= 0);
	return pair;
}

static struct pair udp(const struct env *env, enum way way)
{
	struct path path = path_of(env, way);
	struct sockaddr_in address = at(path.address);
	struct pair pair = {socket_in(path.from, SOCK_DGRAM, env), socket_in(path.to, SOCK_DGRAM, env)};
	int room = 4 << 20;

	assert_int_equal(setsockopt(pair.receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	assert_int_equal(setsockopt(pair.sender, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)), 0);
	assert_int_equal(bind(pair.receiver, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(connect(pair.sender, (struct sockaddr *)&address, sizeof(address)), 0);
	return pair;
}

/* Send so many bytes from a process of its own. */
static pid_t pour(int fd, size_t bytes)
{
	static const char block[65536];

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (ssize_t n = 0; bytes > 0 && n >= 0; bytes -= (size_t)n)
		n = write(fd, block, bytes < sizeof(block) ? bytes : sizeof(block));
	_exit(0);
}

static void drain(int fd, size_t bytes)
{
	char block[65536];

	while (bytes > 0) {
		ssize_t n = read(fd, block, bytes < sizeof(block) ? bytes : sizeof(block));
		assert_true(n > 0);
		bytes -= (size_t)n;
	}
}

/* How long so many bytes take over TCP, in seconds. */
static double transfer(const struct env *env, enum way way, size_t bytes)
{
	cleanup_pair struct pair pair = tcp(env, way);
	double start = now();

	pid_t pid = pour(pair.sender, bytes);
	drain(pair.receiver, bytes);
	double took = now() - start;
	waitpid(pid, NULL, 0);
	return took;
}

/* Send so many datagrams at once. */
static void burst(int fd, size_t count, size_t size)
{
	static const char datagram[9000];

	for (size_t i = 0; i < count; i++)
		assert_int_equal(send(fd, datagram, size, 0), (ssize_t)size);
}

/* How many of them come. */
static size_t count_datagrams(int fd, size_t most)
{
	char datagram[9000];
	size_t n = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 2}, sizeof(struct timeval));
	while (n < most && recv(fd, datagram, sizeof(datagram), 0) > 0)
		n++;
	return n;
}

static size_t links(void)
{
	size_t n = 0;
	struct if_nameindex *list = if_nameindex();

	while (list[n].if_index)
		n++;
	if_freenameindex(list);
	return n;
}

static void set_rate(uint64_t rate)
{
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct err err = {0};
	assert_done(shape_set(&node, "venet7", rate, &err), err);
}

static void assert_between(double low, double value, double high)
{
	if (value < low || value > high)
		fail_msg("%.2f s, not %.2f to %.2f", value, low, high);
}

/* ---- promises ---- */

/* 2 MB and their headers (66 bytes to 1448) at 8 Mbit/s: 2.09 s, of which 0.1 s' worth may have been saved before. */
TEST(a_rate_holds_each_way)
{
	set_rate(8 * MBIT);
	assert_between(1.9, transfer(*state_, TO_GUEST, 2000000), 3.5);
	assert_between(1.9, transfer(*state_, FROM_GUEST, 2000000), 3.5);
}

/* 100 KB and their headers, all of which has been saved before: they pass at twice 8 Mbit/s, in 52 ms, but for the
 * first 10 KB. */
static void assert_delayed(const struct env *env, enum way way)
{
	cleanup_pair struct pair pair = udp(env, way);
	double start = now();

	burst(pair.sender, 100, 1000);
	assert_int_equal(count_datagrams(pair.receiver, 100), 100);
	assert_between(0.035, now() - start, 2);
}

TEST(what_is_too_much_waits_and_is_not_lost)
{
	set_rate(8 * MBIT);
	assert_delayed(*state_, TO_GUEST);
	assert_delayed(*state_, FROM_GUEST);
}

TEST(a_datagram_as_long_as_the_link_takes_passes_at_any_rate)
{
	struct env *env = *state_;

	program("ip link set venet7 mtu 9000");
	program_there(env, "ip link set guest0 mtu 9000");
	set_rate(SHAPE_MIN);
	for (enum way way = TO_GUEST; way <= FROM_GUEST; way++) {
		cleanup_pair struct pair pair = udp(env, way);
		burst(pair.sender, 1, 8972);
		assert_int_equal(count_datagrams(pair.receiver, 1), 1);
	}
}

/* 200 KB at 500 kbit/s would take 3 s. */
static void assert_kept_on_change(const struct env *env, enum way way)
{
	set_rate(MBIT / 2);
	cleanup_pair struct pair pair = udp(env, way);
	double start = now();

	burst(pair.sender, 200, 1000);
	set_rate(100 * MBIT);
	assert_int_equal(count_datagrams(pair.receiver, 200), 200);
	assert_between(0, now() - start, 2);
}

TEST(what_waits_while_the_rate_changes_passes_at_the_new_one)
{
	assert_kept_on_change(*state_, TO_GUEST);
	assert_kept_on_change(*state_, FROM_GUEST);
}

/* Half a megabyte at 8 Mbit/s, 0.52 s, and 4 MB at 80 Mbit/s, 0.42 s. */
static void assert_changed_under_traffic(const struct env *env, enum way way)
{
	set_rate(8 * MBIT);
	cleanup_pair struct pair pair = tcp(env, way);
	double start = now();

	pid_t pid = pour(pair.sender, 4500000);
	drain(pair.receiver, 500000);
	set_rate(80 * MBIT);
	drain(pair.receiver, 4000000);
	assert_between(0.6, now() - start, 2.5);
	waitpid(pid, NULL, 0);
}

TEST(a_rate_changes_under_traffic)
{
	assert_changed_under_traffic(*state_, TO_GUEST);
	assert_changed_under_traffic(*state_, FROM_GUEST);
}

TEST(without_a_rate_nothing_of_it_is_left)
{
	size_t before = links();

	set_rate(8 * MBIT);
	assert_int_equal(links(), before + 1);
	set_rate(0);
	assert_int_equal(links(), before);
	assert_between(0, transfer(*state_, TO_GUEST, 10000000), 4);
	assert_between(0, transfer(*state_, FROM_GUEST, 10000000), 4);
}

TEST(all_of_it_can_be_said_twice)
{
	struct env *env = *state_;
	size_t before = links();
	struct err err = {0};

	set_rate(8 * MBIT);
	set_rate(8 * MBIT);
	assert_int_equal(links(), before + 1);
	assert_between(0.8, transfer(*state_, FROM_GUEST, 1000000), 2);
	set_rate(0);
	set_rate(0);
	assert_done(shape_forget(&env->home, "venet7", &err), err);
	assert_int_equal(links(), before);
}

TEST(a_link_that_is_gone_leaves_nothing)
{
	struct env *env = *state_;
	struct err err = {0};

	set_rate(8 * MBIT);
	program("ip link del venet7");
	assert_int_equal(links(), 2); /* lo and the ifb device */
	assert_done(shape_forget(&env->home, "venet7", &err), err);
	assert_int_equal(links(), 1);
	set_rate(0);
}

/* What is missing is made up for, without taking down what is there. */
TEST(what_somebody_took_away_comes_back)
{
	struct env *env = *state_;
	set_rate(8 * MBIT);
	program("tc qdisc del dev venet7 ingress");
	set_rate(8 * MBIT);
	assert_between(0.8, transfer(*state_, FROM_GUEST, 1000000), 2);

	struct err err = {0};
	assert_done(shape_forget(&env->home, "venet7", &err), err);
	set_rate(8 * MBIT);
	assert_between(0.8, transfer(*state_, FROM_GUEST, 1000000), 2);
}

/* clsact stands where the entrance would: the last but one of the pieces cannot be put in place. */
TEST(a_rate_that_cannot_be_set_leaves_nothing)
{
	struct env *env = *state_;
	size_t before = links();
	struct err err = {0};

	program("tc qdisc add dev venet7 clsact");
	assert_true(shape_set(&env->home, "venet7", 8 * MBIT, &err) < 0);
	assert_non_null(strstr(err.text, "limit the rate of venet7: take what comes in"));
	assert_int_equal(links(), before);
	assert_between(0, transfer(*state_, TO_GUEST, 10000000), 4);
	program("tc qdisc del dev venet7 clsact");
}

TEST(what_is_no_rate_or_no_link_is_refused)
{
	struct env *env = *state_;
	size_t before = links();

	for (size_t i = 0; i < 2; i++) {
		struct err err = {0};
		assert_int_equal(shape_set(&env->home, "venet7", i ? SHAPE_MAX + 1 : SHAPE_MIN - 1, &err), -ERANGE);
		assert_non_null(strstr(err.text, "limit the rate of venet7"));
	}
	struct err err = {0};
	assert_int_equal(shape_set(&env->home, "venet8", MBIT, &err), -ENODEV);
	assert_string_equal(err.text, "limit the rate of venet8: No such device");
	assert_int_equal(links(), before);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, netns_teardown)
	const struct CMUnitTest tests[] = {
		test(a_rate_holds_each_way),
		test(what_is_too_much_waits_and_is_not_lost),
		test(a_datagram_as_long_as_the_link_takes_passes_at_any_rate),
		test(what_waits_while_the_rate_changes_passes_at_the_new_one),
		test(a_rate_changes_under_traffic),
		test(without_a_rate_nothing_of_it_is_left),
		test(all_of_it_can_be_said_twice),
		test(a_link_that_is_gone_leaves_nothing),
		test(what_somebody_took_away_comes_back),
		test(a_rate_that_cannot_be_set_leaves_nothing),
		test(what_is_no_rate_or_no_link_is_refused),
	};
	return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
