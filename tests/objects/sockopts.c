/* Options of sockets. */
#include "tests/objects/helper.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define TCP4 0
#define TCP6 1

/* What is set on one of two sockets; the kernel doubles sizes of buffers. */
static const struct {
	const char *name;
	int socket, level, option, set, is;
} options[] = {
	{"SO_KEEPALIVE", TCP4, SOL_SOCKET, SO_KEEPALIVE, 1, 1},
	{"SO_REUSEADDR", TCP4, SOL_SOCKET, SO_REUSEADDR, 1, 1},
	{"SO_RCVBUF", TCP4, SOL_SOCKET, SO_RCVBUF, 40000, 80000},
	{"SO_SNDBUF", TCP4, SOL_SOCKET, SO_SNDBUF, 30000, 60000},
	{"SO_PRIORITY", TCP4, SOL_SOCKET, SO_PRIORITY, 3, 3},
	{"TCP_NODELAY", TCP4, IPPROTO_TCP, TCP_NODELAY, 1, 1},
	{"TCP_KEEPIDLE", TCP4, IPPROTO_TCP, TCP_KEEPIDLE, 77, 77},
	{"TCP_KEEPINTVL", TCP4, IPPROTO_TCP, TCP_KEEPINTVL, 11, 11},
	{"TCP_KEEPCNT", TCP4, IPPROTO_TCP, TCP_KEEPCNT, 5, 5},
	{"IPV6_V6ONLY", TCP6, IPPROTO_IPV6, IPV6_V6ONLY, 1, 1},
	{"SO_REUSEPORT", TCP6, SOL_SOCKET, SO_REUSEPORT, 1, 1},
};

static bool prepare_options(struct held *held)
{
	held->fd[TCP4] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	held->fd[TCP6] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (held->fd[TCP6] < 0)
		return skip(held, "no IPv6: %m");
	for (size_t i = 0; i < countof(options); i++)
		if (!ok(held,
			setsockopt(held->fd[options[i].socket], options[i].level, options[i].option, &options[i].set,
				   sizeof(int)) == 0,
			"%s: %m", options[i].name))
			return false;
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	struct sockaddr_in address4 = {.sin_family = AF_INET};
	return ok(held, bind(held->fd[TCP4], (struct sockaddr *)&address4, sizeof(address4)) == 0, "bind: %m") &&
	       ok(held, listen(held->fd[TCP4], 1) == 0, "listen: %m") &&
	       ok(held, bind(held->fd[TCP6], (struct sockaddr *)&address, sizeof(address)) == 0, "bind: %m");
}

static bool check_options(struct held *held)
{
	for (size_t i = 0; i < countof(options); i++) {
		int is = -1;
		socklen_t size = sizeof(is);
		getsockopt(held->fd[options[i].socket], options[i].level, options[i].option, &is, &size);
		if (!ok(held, is == options[i].is, "%s is %d, not %d", options[i].name, is, options[i].is))
			return false;
	}
	return true;
}

static bool spoil_options(struct held *held)
{
	return setsockopt(held->fd[TCP4], IPPROTO_TCP, TCP_KEEPCNT, &(int){6}, sizeof(int)) == 0;
}

struct kinds sockopts_kinds(void)
{
	static const struct kind list[] = {
		{"socket-options", prepare_options, check_options, spoil_options},
	};
	return (struct kinds){list, countof(list)};
}
