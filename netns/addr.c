#include "netns/addr.h"

#include <linux/if_addr.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"

/* What the kernel means when it refuses an IPv6 address; NULL: nothing to do with IPv6. */
static const char *why_no_ipv6(int r)
{
	switch (-r) {
	case EACCES:
		return "IPv6 is switched off there (sysctl disable_ipv6)";
	case EINVAL:
		return "the link takes none; its MTU has to be 1280 at least";
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return "the kernel has no IPv6";
	}
	return NULL;
}

static int refused(const char *what, int index, const struct ip *ip, int r, struct err *err)
{
	char text[IP_TEXT];
	const char *why = ip->family == AF_INET6 ? why_no_ipv6(r) : NULL;

	ip_print_prefix(ip, text);
	if (why)
		return err_set(err, -r, "%s %s, link number %d: %s", what, text, index, why);
	return err_set(err, -r, "%s %s, link number %d", what, text, index);
}

/* The last address of its network, 0 if that is too small to have one to spare (RFC 3021). */
static uint32_t broadcast_of(const struct ip *ip)
{
	uint32_t address;

	if (ip->family != AF_INET || ip->prefix > 30)
		return 0;
	memcpy(&address, ip->bytes, sizeof(address));
	return address | htonl(UINT32_MAX >> ip->prefix);
}

static struct nl_msg *address_message(int type, int flags, int index, const struct ip *ip)
{
	struct ifaddrmsg head = {
		.ifa_family = (uint8_t)ip->family,
		.ifa_prefixlen = (uint8_t)ip->prefix,
		.ifa_flags = ip->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = (uint32_t)index,
	};
	struct nl_msg *msg = rtnl_message(type, flags, &head, sizeof(head));

	rtnl_put(msg, IFA_LOCAL, ip->bytes, ip_bytes(ip->family));
	rtnl_put(msg, IFA_ADDRESS, ip->bytes, ip_bytes(ip->family));
	return msg;
}

int addr_add(const struct netns *netns, int index, const struct ip *ip, struct err *err)
{
	uint32_t broadcast = broadcast_of(ip);
	struct nl_msg *msg = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, ip);
	if (broadcast)
		rtnl_put(msg, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	int r = rtnl_ask(netns->rtnl, msg);
	return r == 0 || r == -EEXIST ? 0 : refused("add address", index, ip, r, err);
}

/* With an IPv4 address go all that came later in the same network, unless the link promotes them. */
static int keep_others(struct nl_sock *sock, int index, const struct ip *ip)
{
	if (ip->family != AF_INET || ip->prefix == ip_bits(AF_INET))
		return 0;

	struct ifinfomsg head = {.ifi_index = index};
	struct nl_msg *msg = rtnl_message(RTM_SETLINK, 0, &head, sizeof(head));
	struct nlattr *families = rtnl_nest(msg, IFLA_AF_SPEC), *inet = rtnl_nest(msg, AF_INET);
	struct nlattr *settings = rtnl_nest(msg, IFLA_INET_CONF);
	rtnl_put_u32(msg, IPV4_DEVCONF_PROMOTE_SECONDARIES, 1);
	nla_nest_end(msg, settings);
	nla_nest_end(msg, inet);
	nla_nest_end(msg, families);
	return rtnl_ask(sock, msg);
}

/* The address, the link or all of the family is not there. */
static bool is_gone(int r)
{
	return r == -EADDRNOTAVAIL || r == -ENODEV || r == -ENXIO || r == -EOPNOTSUPP || r == -EAFNOSUPPORT;
}

int addr_remove(const struct netns *netns, int index, const struct ip *ip, struct err *err)
{
	int r = keep_others(netns->rtnl, index, ip);
	if (r == 0)
		r = rtnl_ask(netns->rtnl, address_message(RTM_DELADDR, 0, index, ip));
	return r == 0 || is_gone(r) ? 0 : refused("remove address", index, ip, r, err);
}
