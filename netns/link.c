/* A socket belongs for ever to the namespace in which its thread was when it was made. So the thread visits the
 * namespace for just that, and libnl speaks through the socket from where we are. */
#include "netns/link.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static void free_socket(struct nl_sock **sock)
{
	nl_socket_free(*sock);
}

static void put_link(struct rtnl_link **link)
{
	rtnl_link_put(*link);
}

#define cleanup_socket __attribute__((cleanup(free_socket)))
#define cleanup_link __attribute__((cleanup(put_link)))

/* libnl folds the kernel's errno into fewer codes of its own; of those that mean the same to it, the first here. */
static int to_errno(int r)
{
	static const int known[] = {
		EPERM, ENODEV, ENOENT, EEXIST, EBUSY, EINVAL, ENOMEM, EOPNOTSUPP, EACCES, ERANGE, EAGAIN, EINTR,
	};

	for (size_t i = 0; i < countof(known); i++)
		if (nl_syserr2nlerr(known[i]) == -r)
			return known[i];
	return EIO;
}

/* The namespace that we are in, as a descriptor. */
static int own_netns(void)
{
	cleanup_fd int any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return any < 0 ? -1 : ioctl(any, SIOCGSKNS);
}

static int connect_in(int netns, struct nl_sock *sock, struct err *err)
{
	cleanup_fd int home = own_netns();
	if (home < 0)
		return err_set(err, errno, "open our own network namespace");
	if (setns(netns, CLONE_NEWNET) < 0)
		return err_set(err, errno, "enter a network namespace");

	int r = nl_connect(sock, NETLINK_ROUTE);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_set(err, errno, "come back from a network namespace");
	return r < 0 ? err_set(err, to_errno(r), "open a netlink socket in a network namespace") : 0;
}

int link_up(int netns, const char *name, struct err *err)
{
	cleanup_socket struct nl_sock *sock = nl_socket_alloc();
	cleanup_link struct rtnl_link *link = NULL, *up = rtnl_link_alloc();
	if (!sock || !up)
		return err_set(err, ENOMEM, "set link %s up", name);

	int r = connect_in(netns, sock, err);
	if (r < 0)
		return r;

	rtnl_link_set_flags(up, IFF_UP);
	r = rtnl_link_get_kernel(sock, 0, name, &link);
	if (r == 0)
		r = rtnl_link_change(sock, link, up, 0);
	return r < 0 ? err_set(err, to_errno(r), "set link %s up", name) : 0;
}
