/* Network namespaces: to name one to the kernel, and to speak in it by routing netlink (rtnetlink(7)). Opened once for
 * whatever is to be done there: each socket more costs as much as a question. */
#pragma once

struct err;
struct nl_sock;

#define NETNS_OWN (-1) /* the one that we are in */

struct netns {
	int fd; /* or NETNS_OWN; the caller's */
	struct nl_sock *rtnl;
};

/* Open a namespace by its fd, which is borrowed. */
int netns_open(int fd, struct netns *ret, struct err *err);

/* A netlink socket (netlink(7)) in a namespace; the caller closes it by rtnl_close(). */
int netns_socket(int fd, int protocol, struct nl_sock **ret, struct err *err);

/* The namespace that we are in, as an fd that is the caller's. */
int netns_own(struct err *err);

void netns_close(struct netns *netns);
#define cleanup_netns __attribute__((cleanup(netns_close)))
