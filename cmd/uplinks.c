#include "cmd/uplinks.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/log.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define SETTLE_USEC 500000 /* links seldom come up alone */

/* Of VEs: these come and go with them, all day long. */
static bool is_of_ve(const char *name)
{
	return str_after(name, "venet") || str_after(name, "veth") || str_after(name, "ifb");
}

static const char *name_of(const struct nlmsghdr *head)
{
	size_t len = IFLA_PAYLOAD(head);

	for (const struct rtattr *attr = IFLA_RTA(NLMSG_DATA(head)); RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		if (attr->rta_type == IFLA_IFNAME)
			return RTA_DATA(attr);
	return "";
}

static bool has_come_up(const struct nlmsghdr *head)
{
	const struct ifinfomsg *link = NLMSG_DATA(head);

	return head->nlmsg_type == RTM_NEWLINK && link->ifi_change & IFF_UP && link->ifi_flags & IFF_UP &&
	       !is_of_ve(name_of(head));
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct uplinks *uplinks = userdata;
	(void)source;
	(void)usec;

	uplinks->timer = sd_event_source_disable_unref(uplinks->timer);
	uplinks->up(uplinks->ctx);
	return 0;
}

static void settle(struct uplinks *uplinks)
{
	if (uplinks->timer)
		return;
	int r = sd_event_add_time_relative(uplinks->event, &uplinks->timer, CLOCK_MONOTONIC, SETTLE_USEC, 0, on_settled,
					   uplinks);
	if (r < 0)
		log_error("cannot set a timer for links that come up: %s", strerror(-r));
}

/* When more came than the socket holds, something may have been among it. */
static int on_news(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct uplinks *uplinks = userdata;
	char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	(void)source;
	(void)revents;

	ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (n < 0 && errno == ENOBUFS)
		settle(uplinks);
	for (const struct nlmsghdr *head = (const void *)buffer; n > 0 && NLMSG_OK(head, (size_t)n);
	     head = NLMSG_NEXT(head, n))
		if (has_come_up(head))
			settle(uplinks);
	return 0;
}

int uplinks_watch(struct uplinks *uplinks, struct err *err)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	cleanup_fd int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (sock < 0 || bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, errno, "listen to what becomes of the node's links");
	int r = sd_event_add_io(uplinks->event, &uplinks->source, sock, EPOLLIN, on_news, uplinks);
	if (r >= 0)
		r = sd_event_source_set_io_fd_own(uplinks->source, true);
	if (r < 0)
		return err_set(err, -r, "watch the node's links");
	steal_fd(&sock);
	return 0;
}

void uplinks_close(struct uplinks *uplinks)
{
	uplinks->source = sd_event_source_disable_unref(uplinks->source);
	uplinks->timer = sd_event_source_disable_unref(uplinks->timer);
}
