/* Routes: the part of addr.h that is about them. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "netns/addr.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

/* Of two routes to the same network the kernel takes the one with the lower metric. Those of ours have metrics from
 * here on, one for each link: what a system configures by itself comes before (0 by hand, 1024 systemd-networkd, up to
 * 20600 NetworkManager). IPv6 would make one route with several ways of two that have the same. */
#define DEFAULT_METRIC 1000000u

/* The route, the link or all of the family is not there. */
static bool is_gone(int r)
{
	return r == -ESRCH || r == -ENODEV || r == -EOPNOTSUPP || r == -EAFNOSUPPORT;
}

/* Through the link, to the gateway if there is one: it need not be in the network of an address of ours. */
static struct nl_msg *route_message(int type, int flags, int index, const struct ip *to, const struct ip *gateway)
{
	struct rtmsg head = {
		.rtm_family = (uint8_t)to->family,
		.rtm_dst_len = (uint8_t)to->prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = to->family == AF_INET && !gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = gateway ? RTNH_F_ONLINK : 0,
	};
	struct nl_msg *msg = rtnl_message(type, flags, &head, sizeof(head));

	rtnl_put_u32(msg, RTA_OIF, (uint32_t)index);
	if (to->prefix > 0)
		rtnl_put(msg, RTA_DST, to->bytes, ip_bytes(to->family));
	if (gateway)
		rtnl_put(msg, RTA_GATEWAY, gateway->bytes, ip_bytes(gateway->family));
	return msg;
}

/* ---- the default route ---- */

static struct nl_msg *default_message(int type, int flags, int index, int family, const struct ip *gateway)
{
	struct ip anywhere = {.family = family};
	struct nl_msg *msg = route_message(type, flags, index, &anywhere, gateway);

	rtnl_put_u32(msg, RTA_PRIORITY, DEFAULT_METRIC + (uint32_t)index);
	return msg;
}

static int refused(const char *what, int index, int family, const struct ip *gateway, int r, struct err *err)
{
	char text[IP_TEXT];
	const char *name = family == AF_INET6 ? "IPv6" : "IPv4";

	if (gateway)
		return err_set(err, -r, "%s the %s default route to %s through link number %d", what, name,
			       ip_print(gateway, text), index);
	return err_set(err, -r, "%s the %s default route through link number %d", what, name, index);
}

/* Appended: EEXIST is the very same route then. */
int route_add_default(const struct netns *netns, int index, int family, const struct ip *gateway, struct err *err)
{
	int r = rtnl_ask(netns->rtnl,
			 default_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, index, family, gateway));
	return r == 0 || r == -EEXIST ? 0 : refused("add", index, family, gateway, r, err);
}

int route_remove_default(const struct netns *netns, int index, int family, const struct ip *gateway, struct err *err)
{
	int r = rtnl_ask(netns->rtnl, default_message(RTM_DELROUTE, 0, index, family, gateway));
	return r == 0 || is_gone(r) ? 0 : refused("remove", index, family, gateway, r, err);
}

/* ---- routes to one address ---- */

static struct nl_msg *host_message(int type, int flags, int index, const struct ip *ip)
{
	struct ip host = *ip;

	host.prefix = ip_bits(ip->family);
	return route_message(type, flags, index, &host, NULL);
}

/* How the kernel sees an address: behind which link (0: none), and by a route of what type. */
struct view {
	int link;
	uint8_t type;
};

static int note_view(struct nl_msg *msg, void *ctx)
{
	const struct rtmsg *head = nlmsg_data(nlmsg_hdr(msg));
	const struct nlattr *link = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(*head), RTA_OIF);

	*(struct view *)ctx = (struct view){.link = link ? (int)nla_get_u32(link) : 0, .type = head->rtm_type};
	return NL_OK;
}

static struct view view(const struct netns *node, const struct ip *ip)
{
	struct rtmsg head = {.rtm_family = (uint8_t)ip->family, .rtm_dst_len = (uint8_t)ip_bits(ip->family)};
	struct nl_msg *msg = rtnl_message(RTM_GETROUTE, 0, &head, sizeof(head));
	struct view view = {0};

	rtnl_put(msg, RTA_DST, ip->bytes, ip_bytes(ip->family));
	rtnl_get(node->rtnl, msg, note_view, &view);
	return view;
}

/* The kernel keeps a route of type local for each of its addresses, and finds it as fast with one link as with a
 * thousand. */
bool route_is_ours(const struct netns *node, const struct ip *ip)
{
	return view(node, ip).type == RTN_LOCAL;
}

/* How messages call a link. */
struct label {
	char text[32];
};

static struct label label(int index)
{
	struct label l = {"no link"};

	if (index > 0 && !if_indextoname((unsigned)index, l.text))
		snprintf(l.text, sizeof(l.text), "link number %d", index);
	return l;
}

static int somebody_has(const struct ip *ip, int link, struct err *err)
{
	char text[IP_TEXT];

	err->no = EEXIST;
	return err_say(err, ERR_ADDRESS_IN_USE, "address %s is in use: the node's route to it leads through %s",
		       ip_print(ip, text), label(link).text);
}

int route_add_host(const struct netns *node, int index, const struct ip *ip, struct err *err)
{
	char text[IP_TEXT];

	int r = rtnl_ask(node->rtnl, host_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, index, ip));
	if (r == -EEXIST) {
		int other = view(node, ip).link;
		return other == index ? 0 : somebody_has(ip, other, err);
	}
	return r < 0 ? err_set(err, -r, "route %s through %s", ip_print(ip, text), label(index).text) : 0;
}

int route_remove_host(const struct netns *node, int index, const struct ip *ip, struct err *err)
{
	char text[IP_TEXT];

	int r = rtnl_ask(node->rtnl, host_message(RTM_DELROUTE, 0, index, ip));
	if (r == 0 || is_gone(r))
		return 0;
	return err_set(err, -r, "remove the route to %s through %s", ip_print(ip, text), label(index).text);
}

/* ---- forwarding ---- */

/* The number in a sysctl's file. */
static int read_number(int dir, const char *path)
{
	cleanup_free char *text = NULL;
	int r = io_read_file(dir, path, &text, NULL);

	return r < 0 ? r : atoi(text);
}

static int write_number(int dir, const char *path, const char *number, struct err *err)
{
	int r = io_write_kernel(dir, path, number);
	return r < 0 ? err_set(err, -r, "set sysctl %s to %s", path, number) : 0;
}

/* From routed guests no advertisement is wanted. */
static bool may_take_advertisements(const char *link)
{
	static const char *const never[] = {".", "..", "all", "default", "lo"};

	for (size_t i = 0; i < countof(never); i++)
		if (str_eq(link, never[i]))
			return false;
	return !str_after(link, "venet");
}

/* A link that forwards ignores router advertisements, unless accept_ra is 2. */
static int keep_advertisements(int net, struct err *err)
{
	int conf = openat(net, "ipv6/conf", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = conf < 0 ? NULL : fdopendir(conf);
	int r = dir ? 0 : err_set(err, errno, "list the links that have IPv6");

	for (struct dirent *link; r == 0 && (link = readdir(dir));) {
		cleanup_free char *path = str_fmt("%s/accept_ra", link->d_name);
		if (may_take_advertisements(link->d_name) && read_number(conf, path) == 1)
			r = write_number(conf, path, "2", err);
	}
	if (dir)
		closedir(dir);
	return r;
}

int route_forwarding(struct err *err)
{
	static const char ipv4[] = "ipv4/ip_forward", ipv6[] = "ipv6/conf/all/forwarding";
	cleanup_fd int net = open(PATH_SYSCTL_NET, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (net < 0)
		return err_set(err, errno, "open %s", PATH_SYSCTL_NET);

	int r = read_number(net, ipv4) == 1 ? 0 : write_number(net, ipv4, "1", err);
	if (r < 0 || read_number(net, ipv6) != 0)
		return r;
	r = keep_advertisements(net, err);
	return r < 0 ? r : write_number(net, ipv6, "1", err);
}
