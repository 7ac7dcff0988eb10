/* A socket belongs for ever to the namespace in which its thread was when it was made. So the thread visits the
 * namespace for just that, and libnl speaks through the socket from where we are. */
#include "netns/netns.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

int netns_own(struct err *err)
{
	cleanup_fd int any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int netns = any < 0 ? -1 : ioctl(any, SIOCGSKNS);
	return netns < 0 ? err_set(err, errno, "open our own network namespace") : netns;
}

static int connect_here(struct nl_sock *sock, int protocol, struct err *err)
{
	int r = nl_connect(sock, protocol);
	return r < 0 ? err_set(err, rtnl_errno(r), "open a netlink socket") : 0;
}

static int connect_in(int netns, struct nl_sock *sock, int protocol, struct err *err)
{
	cleanup_fd int home = netns_own(err);
	if (home < 0)
		return home;
	if (setns(netns, CLONE_NEWNET) < 0)
		return err_set(err, errno, "enter a network namespace");

	int r = nl_connect(sock, protocol);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_set(err, errno, "come back from a network namespace");
	return r < 0 ? err_set(err, rtnl_errno(r), "open a netlink socket in a network namespace") : 0;
}

int netns_socket(int fd, int protocol, struct nl_sock **ret, struct err *err)
{
	cleanup_rtnl struct nl_sock *sock = nl_socket_alloc();
	if (!sock)
		return err_set(err, ENOMEM, "open a netlink socket");

	int r = fd == NETNS_OWN ? connect_here(sock, protocol, err) : connect_in(fd, sock, protocol, err);
	if (r == 0)
		*ret = steal_ptr(sock);
	return r;
}

int netns_open(int fd, struct netns *ret, struct err *err)
{
	struct netns netns = {.fd = fd};

	int r = netns_socket(fd, NETLINK_ROUTE, &netns.rtnl, err);
	if (r == 0)
		*ret = netns;
	return r;
}

void netns_close(struct netns *netns)
{
	rtnl_close(&netns->rtnl);
}
