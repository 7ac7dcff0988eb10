/* TCP over the loopback interface, both ends in one process: established with data queued both ways, and listening. */
#include "tests/objects/helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 7
#define PATIENCE_MS 5000

enum { LISTENER, CALLER, CALLED };

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union address loopback(int family)
{
	union address address = {.any.sa_family = (sa_family_t)family};

	if (family == AF_INET)
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.in6.sin6_addr = in6addr_loopback;
	return address;
}

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->in) : sizeof(address->in6);
}

static bool listens(struct held *held, int family)
{
	union address address = loopback(family);
	socklen_t size = size_of(&address);

	held->fd[LISTENER] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (held->fd[LISTENER] < 0 || bind(held->fd[LISTENER], &address.any, size) < 0)
		return skip(held, "no address of this family: %m");
	return ok(held, listen(held->fd[LISTENER], BACKLOG) == 0, "listen: %m");
}

/* A new connection to the listener, and its two ends. */
static bool connects(struct held *held, int *ret_caller, int *ret_called)
{
	union address address;
	socklen_t size = sizeof(address);

	getsockname(held->fd[LISTENER], &address.any, &size);
	*ret_caller = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!ok(held, connect(*ret_caller, &address.any, size) == 0, "connect: %m"))
		return false;
	struct pollfd wait = {.fd = held->fd[LISTENER], .events = POLLIN};
	*ret_called = poll(&wait, 1, PATIENCE_MS) == 1 ? accept4(wait.fd, NULL, NULL, SOCK_CLOEXEC) : -1;
	return ok(held, *ret_called >= 0, "accept: %m");
}

static bool arrives(int fd, const char *text)
{
	char bytes[64];
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t n = recv(fd, bytes, strlen(text), MSG_WAITALL);
	return n == (ssize_t)strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

static bool queue(struct held *held)
{
	return ok(held, put(held->fd[CALLER], "there") && put(held->fd[CALLED], "and back"), "send: %m");
}

static bool prepare_established(struct held *held, int family)
{
	return listens(held, family) && connects(held, &held->fd[CALLER], &held->fd[CALLED]) && queue(held);
}

static bool prepare_tcp4(struct held *held)
{
	return prepare_established(held, AF_INET);
}

static bool prepare_tcp6(struct held *held)
{
	return prepare_established(held, AF_INET6);
}

static bool check_established(struct held *held)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	getsockopt(held->fd[CALLED], IPPROTO_TCP, TCP_INFO, &info, &size);
	return ok(held, info.tcpi_state == TCP_ESTABLISHED, "its state is %u", info.tcpi_state) &&
	       ok(held, arrives(held->fd[CALLED], "there"), "what was queued does not arrive") &&
	       ok(held, arrives(held->fd[CALLER], "and back"), "what was queued the other way does not arrive") &&
	       queue(held);
}

static bool spoil_established(struct held *held)
{
	return arrives(held->fd[CALLED], "there");
}

static bool prepare_listener(struct held *held, int family)
{
	return listens(held, family);
}

static bool prepare_listen4(struct held *held)
{
	return prepare_listener(held, AF_INET);
}

static bool prepare_listen6(struct held *held)
{
	return prepare_listener(held, AF_INET6);
}

/* Of a listener the kernel tells its backlog where others tell of segments (tcp_get_info). */
static bool check_listener(struct held *held)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int caller = -1, called = -1;

	getsockopt(held->fd[LISTENER], IPPROTO_TCP, TCP_INFO, &info, &size);
	bool done = ok(held, info.tcpi_state == TCP_LISTEN, "its state is %u", info.tcpi_state) &&
		    ok(held, info.tcpi_sacked == BACKLOG, "its backlog is %u", info.tcpi_sacked) &&
		    connects(held, &caller, &called) &&
		    ok(held, put(caller, "new") && arrives(called, "new"), "nothing goes over a new connection");
	close(caller);
	close(called);
	return done;
}

static bool spoil_listener(struct held *held)
{
	return listen(held->fd[LISTENER], BACKLOG + 1) == 0;
}

/* One end has said that it sends no more: the other one hears that after what was queued, and may still send. */
static bool prepare_half_closed(struct held *held)
{
	return prepare_established(held, AF_INET) && ok(held, shutdown(held->fd[CALLER], SHUT_WR) == 0, "shutdown: %m");
}

static bool check_half_closed(struct held *held)
{
	char bytes[64];

	return ok(held, recv(held->fd[CALLED], bytes, 5, MSG_PEEK) == 5 && memcmp(bytes, "there", 5) == 0,
		  "what was queued does not arrive") &&
	       ok(held, arrives(held->fd[CALLER], "and back"), "what was queued the other way does not arrive") &&
	       ok(held, put(held->fd[CALLED], "and back"), "the other end may not send: %m") &&
	       ok(held, send(held->fd[CALLER], "x", 1, MSG_NOSIGNAL) < 0, "the closed end may send");
}

static bool spoil_half_closed(struct held *held)
{
	return close(held->fd[CALLED]) == 0;
}

struct kinds tcp_kinds(void)
{
	static const struct kind list[] = {
		{"tcp4", prepare_tcp4, check_established, spoil_established},
		{"tcp6", prepare_tcp6, check_established, spoil_established},
		{"tcp4-listener", prepare_listen4, check_listener, spoil_listener},
		{"tcp6-listener", prepare_listen6, check_listener, spoil_listener},
		{"tcp-half-closed", prepare_half_closed, check_half_closed, spoil_half_closed},
	};
	return (struct kinds){list, countof(list)};
}
