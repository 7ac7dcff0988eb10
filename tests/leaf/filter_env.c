#include "tests/leaf/filter_env.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "netns/nft.h"
#include "runtime/base/io.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "tests/leaf/netns_env.h"

#define SOON 2000 /* ms; emulated machines are slow */
#define BRIDGE "br0"

static const struct seat {
	const char *host_name, *mac, *ip4, *ip6;
	enum { ROUTE, PORT, LONE } kind;
	bool declared, any_mac;
} seats[N_PLACES] = {
	[ROUTED1] = {"venet1", "02:00:00:00:00:01", "10.7.0.1", "fd07::1", ROUTE, true},
	[ROUTED2] = {"venet2", "02:00:00:00:00:02", "10.7.0.2", "fd07::2", ROUTE, true},
	[BRIDGED1] = {"veth1", "00:18:51:00:00:01", "10.9.0.1", "fd09::1", PORT, true},
	[BRIDGED2] = {"veth2", "00:18:51:00:00:02", "10.9.0.2", "fd09::2", PORT, true},
	[BRIDGED3] = {"veth3", "00:18:51:00:00:03", "10.9.0.3", "fd09::3", PORT, true},
	[LEARNER1] = {"veth4", "00:18:51:00:00:04", "10.9.0.4", "fd09::4", PORT},
	[LEARNER2] = {"veth5", "00:18:51:00:00:05", "10.9.0.5", "fd09::5", PORT},
	[LOOSE] = {"veth6", "00:18:51:00:00:06", "10.9.0.6", "fd09::6", PORT, false, true},
	[UNBRIDGED] = {"veth7", "00:18:51:00:00:07", "10.8.0.7", "fd08::7", LONE, true},
	[WORLD] = {"wan0", "00:18:51:00:00:09", "192.0.2.9", "2001:db8::9", LONE},
};

/* ---- wiring ---- */

__attribute__((format(printf, 1, 2))) static void run(const char *fmt, ...)
{
	char words[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	program(words);
}

static void set(const char *path, const char *value)
{
	if (io_write_kernel(AT_FDCWD, path, value) < 0)
		fail_msg("%s", path);
}

static void wire_guest_side(const struct seat *seat)
{
	const char *prefix = seat->kind == ROUTE ? "" : "/24", *prefix6 = seat->kind == ROUTE ? "" : "/64";

	set("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0");
	run("ip link set lo up");
	run("ip link set eth0 addrgenmode none address %s up %s", seat->mac,
	    seat->kind == ROUTE ? "arp off" : "arp on");
	run("ip addr add %s%s dev eth0", seat->ip4, prefix);
	run("ip addr add %s%s dev eth0 nodad", seat->ip6, prefix6);
	if (seat->kind == ROUTE) {
		run("ip route add default dev eth0");
		run("ip -6 route add default dev eth0");
	} else if (seat->kind == PORT) {
		run("ip route add default via 10.9.0.254");
		run("ip -6 route add default via fd09::fe");
	}
}

static void wire_node_side(const struct seat *seat)
{
	const char *name = seat->host_name;

	run("ip link set %s addrgenmode none", name);
	if (seat->kind == ROUTE)
		run("ip link set %s address %s arp off", name, seat->mac);
	else if (seat->kind == PORT)
		run("ip link set %s master " BRIDGE, name);
	run("ip link set %s up", name);
	if (seat->kind == ROUTE) {
		run("ip route add %s dev %s", seat->ip4, name);
		run("ip route add %s dev %s", seat->ip6, name);
	}
}

static void wire(struct filter_env *env, enum place place)
{
	const struct seat *seat = &seats[place];

	env->netns[place] = new_netns();
	enter(env->node);
	run("ip link add %s type veth peer name eth0 netns /proc/%d/fd/%d", seat->host_name, getpid(),
	    env->netns[place]);
	wire_node_side(seat);
	enter(env->netns[place]);
	wire_guest_side(seat);
	env->taps[place] = tap_open("eth0");
	assert_true(env->taps[place] >= 0);
	enter(env->node);
}

/* Where br_netfilter is loaded, the node's IP layer looks at bridged packets, too, and trims what is behind them. */
static void no_bridge_netfilter(void)
{
	io_write_kernel(AT_FDCWD, "/proc/sys/net/bridge/bridge-nf-call-arptables", "0");
	io_write_kernel(AT_FDCWD, "/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	io_write_kernel(AT_FDCWD, "/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
}

static void wire_node(struct filter_env *env)
{
	enter(env->node);
	no_bridge_netfilter();
	set("/proc/sys/net/ipv4/ip_forward", "1");
	set("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	run("ip link set lo up");
	run("ip link add " BRIDGE " type bridge mcast_snooping 0");
	run("ip link set " BRIDGE " addrgenmode none up");
	run("ip addr add 10.9.0.254/24 dev " BRIDGE);
	run("ip addr add fd09::fe/64 dev " BRIDGE " nodad");
	for (enum place place = 0; place < N_PLACES; place++)
		wire(env, place);
	run("ip addr add 192.0.2.1/24 dev wan0");
	run("ip addr add 2001:db8::1/64 dev wan0 nodad");
	run("ip addr add 10.8.0.254/24 dev veth7");
	run("ip addr add fd08::fe/64 dev veth7 nodad");
	go(env, UNBRIDGED);
	run("ip route add default via 10.8.0.254");
	run("ip -6 route add default via fd08::fe");
	go_home(env);
}

/* ---- the filter ---- */

void filter_start(struct filter_env *env)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PATH_FILTER};
	cleanup_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err = {0};

	unlink(PATH_FILTER);
	assert_int_equal(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(sock, SOMAXCONN), 0);
	env->filter = fork();
	assert_true(env->filter >= 0);
	if (env->filter == 0) {
		signal(SIGPIPE, SIG_IGN);
		_exit(nft_serve(sock, &err) < 0);
	}
}

void filter_kill(struct filter_env *env)
{
	kill(env->filter, SIGKILL);
	waitpid(env->filter, NULL, 0);
	env->filter = 0;
}

static struct net_guest guest_at(enum place place)
{
	const struct seat *seat = &seats[place];
	struct net_interface *interface = mem_zero(1, sizeof(*interface));
	struct who who = who_at(place);

	snprintf(interface->name, sizeof(interface->name), "eth0");
	snprintf(interface->host_name, sizeof(interface->host_name), "%s", seat->host_name);
	snprintf(interface->bridge, sizeof(interface->bridge), "%s", seat->kind == PORT ? BRIDGE : "");
	interface->routed = seat->kind == ROUTE;
	interface->mac_filter = !seat->any_mac;
	interface->mac = who.mac;
	if (seat->declared) {
		ips_add(&interface->ips, &who.ip4);
		ips_add(&interface->ips, &who.ip6);
	}
	return (struct net_guest){.interfaces = interface, .n_interfaces = 1};
}

void filter_on(const struct filter_env *env, const struct filter_policy *policy)
{
	static const struct filter_policy none;
	struct err err = {0};

	assert_done(filter_rebuild(policy ? policy : &none, env->guests, WORLD, &err), err);
}

void filter_off(void)
{
	struct err err = {0};
	int r = nft_run(PATH_FILTER, "destroy table inet openve\ndestroy table bridge openve\n", NULL, &err);
	assert_done(r, err);
}

/* ---- a test ---- */

/* The socket's place is the real one, in a /run of our own. */
static void own_run(void)
{
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
	assert_int_equal(mkdir(PATH_RUN, 0755), 0);
}

int filter_setup(void **state)
{
	struct filter_env *env = mem_zero(1, sizeof(*env));

	own_run();
	env->node = new_netns();
	wire_node(env);
	for (enum place place = 0; place < WORLD; place++)
		env->guests[place] = guest_at(place);
	filter_start(env);
	*state = env;
	return 0;
}

int filter_teardown(void **state)
{
	struct filter_env *env = *state;

	if (env->filter > 0)
		filter_kill(env);
	for (enum place place = 0; place < N_PLACES; place++) {
		fd_close(env->taps[place]);
		fd_close(env->netns[place]);
	}
	for (enum place place = 0; place < WORLD; place++)
		net_guest_done(&env->guests[place]);
	fd_close(env->node);
	free(env);
	return 0;
}

void go(const struct filter_env *env, enum place place)
{
	enter(env->netns[place]);
}

void go_home(const struct filter_env *env)
{
	enter(env->node);
}

/* ---- probes ---- */

struct who who_at(enum place place)
{
	struct who who;

	assert_int_equal(mac_parse(seats[place].mac, &who.mac), 0);
	assert_int_equal(ip_parse(seats[place].ip4, &who.ip4), 0);
	assert_int_equal(ip_parse(seats[place].ip6, &who.ip6), 0);
	return who;
}

struct cast cast_for(enum place from, enum place to, enum place victim)
{
	struct cast cast = {.me = who_at(from), .victim = who_at(victim), .to = who_at(to)};

	if (seats[from].kind == PORT)
		cast.to.mac = (struct mac){{255, 255, 255, 255, 255, 255}};
	else
		cast.to.mac = cast.me.mac;
	return cast;
}

int listen_at(const struct filter_env *env, enum place place)
{
	go(env, place);
	int sock = tap_listen("eth0");
	go_home(env);
	assert_true(sock >= 0);
	return sock;
}

void send_from(const struct filter_env *env, enum place place, const struct probe *probe, const struct cast *cast)
{
	assert_non_null(probe);
	assert_int_equal(tap_send(env->taps[place], probe, cast), 0);
}

/* Frames keep their order, but for those that another processor took. */
bool passes(const struct filter_env *env, int listener, enum place from, const char *name, const struct cast *cast)
{
	const struct probe *probe = probe_find(name);
	const struct probe *fence = probe_find(str_eq(name, "ip4-own") ? "icmp4-echo" : "ip4-own");
	bool heard = false;

	send_from(env, from, probe, cast);
	send_from(env, from, fence, cast);
	const struct probe *next;
	for (int patience = SOON; (next = tap_hear(listener, patience));) {
		heard |= next == probe;
		if (next == fence && heard)
			break;
		if (next == fence)
			patience = 20;
	}
	return heard;
}

/* ---- connections ---- */

int serve_tcp(int family, uint16_t port)
{
	const struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const struct sockaddr *address = family == AF_INET ? (const void *)&in4 : (const void *)&in6;
	int on = 1, sock = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	if (family == AF_INET6)
		assert_int_equal(setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
	assert_int_equal(bind(sock, address, family == AF_INET ? sizeof(in4) : sizeof(in6)), 0);
	assert_int_equal(listen(sock, 64), 0);
	return sock;
}

static socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
	in4->sin_port = htons(port);
	assert_int_equal(inet_pton(ret->ss_family, text,
				   ret->ss_family == AF_INET ? (void *)&in4->sin_addr : (void *)&in6->sin6_addr),
			 1);
	return ret->ss_family == AF_INET ? sizeof(*in4) : sizeof(*in6);
}

int try_tcp(const char *ip, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(ip, port, &address);
	cleanup_fd int sock = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int no = 0;

	if (connect(sock, (const struct sockaddr *)&address, size) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&(struct pollfd){.fd = sock, .events = POLLOUT}, 1, SOON) <= 0)
		return -ETIMEDOUT;
	assert_int_equal(getsockopt(sock, SOL_SOCKET, SO_ERROR, &no, &(socklen_t){sizeof(no)}), 0);
	return -no;
}

const char *caller_of(int server, char *text)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);

	assert_int_equal(poll(&(struct pollfd){.fd = server, .events = POLLIN}, 1, SOON), 1);
	cleanup_fd int sock = accept4(server, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
	assert_true(sock >= 0);
	return inet_ntop(from.ss_family,
			 from.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&from)->sin_addr
						   : (void *)&((struct sockaddr_in6 *)&from)->sin6_addr,
			 text, IP_TEXT);
}
