/* UDP: two sockets, one bound, one connected to it. Datagrams under way are lost at a stop, as UDP allows: there are
 * none. */
#include "tests/objects/helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BOUND, CONNECTED };

static bool prepare_udp(struct held *held, int family)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t size = family == AF_INET ? sizeof(in) : sizeof(in6);
	const struct timeval patience = {.tv_sec = 5};

	held->fd[BOUND] = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	held->fd[CONNECTED] = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (held->fd[BOUND] < 0 || bind(held->fd[BOUND], address, size) < 0)
		return skip(held, "no address of this family: %m");
	setsockopt(held->fd[BOUND], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(held->fd[CONNECTED], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return ok(held, getsockname(held->fd[BOUND], address, &size) == 0, "getsockname: %m") &&
	       ok(held, connect(held->fd[CONNECTED], address, size) == 0, "connect: %m");
}

static bool prepare_udp4(struct held *held)
{
	return prepare_udp(held, AF_INET);
}

static bool prepare_udp6(struct held *held)
{
	return prepare_udp(held, AF_INET6);
}

/* There by the connection, and back by the address that it came from. */
static bool check_udp(struct held *held)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	struct timeval patience = {0};
	socklen_t patience_size = sizeof(patience);
	char bytes[16];

	if (!ok(held, put(held->fd[CONNECTED], "there"), "send: %m"))
		return false;
	ssize_t n = recvfrom(held->fd[BOUND], bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
	getsockopt(held->fd[BOUND], SOL_SOCKET, SO_RCVTIMEO, &patience, &patience_size);
	return ok(held, n == 5 && memcmp(bytes, "there", 5) == 0, "the datagram does not arrive") &&
	       ok(held, sendto(held->fd[BOUND], "back", 4, 0, (struct sockaddr *)&from, size) == 4, "send back: %m") &&
	       ok(held, get(held->fd[CONNECTED], "back"), "the answer does not arrive") &&
	       ok(held, patience.tv_sec == 5, "SO_RCVTIMEO is %ld s", patience.tv_sec);
}

static bool spoil_udp(struct held *held)
{
	return connect(held->fd[CONNECTED], &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)) == 0;
}

struct kinds udp_kinds(void)
{
	static const struct kind list[] = {
		{"udp4", prepare_udp4, check_udp, spoil_udp},
		{"udp6", prepare_udp6, check_udp, spoil_udp},
	};
	return (struct kinds){list, countof(list)};
}
