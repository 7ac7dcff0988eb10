/* Bridges: the part of link.h that is about them. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "netns/link.h"
#include "netns/linkinfo.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

#define ALIAS "made by OpenVE"

static bool is_bridge(const struct linkinfo *info)
{
	return str_eq(info->kind, "bridge");
}

/* With a MAC of its own, which else would be that of one of its ports, and change with them. */
static int make_bridge(struct nl_sock *sock, const char *bridge, bool vlans)
{
	struct ifinfomsg head = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct nl_msg *msg = rtnl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	struct mac mac;

	mac_generate(&mac);
	rtnl_put_text(msg, IFLA_IFNAME, bridge);
	rtnl_put(msg, IFLA_ADDRESS, mac.bytes, sizeof(mac.bytes));
	struct nlattr *info = rtnl_nest(msg, IFLA_LINKINFO);
	rtnl_put_text(msg, IFLA_INFO_KIND, "bridge");
	struct nlattr *data = rtnl_nest(msg, IFLA_INFO_DATA);
	if (vlans)
		rtnl_put_u8(msg, IFLA_BR_VLAN_FILTERING, 1);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return rtnl_ask(sock, msg);
}

/* The kernel takes an alias only for a link that exists. */
static int set_alias(struct nl_sock *sock, const char *bridge)
{
	struct ifinfomsg head = {0};
	struct nl_msg *msg = rtnl_message(RTM_SETLINK, 0, &head, sizeof(head));

	rtnl_put_text(msg, IFLA_IFNAME, bridge);
	rtnl_put_text(msg, IFLA_IFALIAS, ALIAS);
	return rtnl_ask(sock, msg);
}

static int accept_existing(struct nl_sock *sock, const char *bridge, struct err *err)
{
	struct linkinfo info;

	int r = linkinfo_get(sock, 0, bridge, &info);
	if (r < 0)
		return err_set(err, -r, "look at bridge %s", bridge);
	if (is_bridge(&info))
		return 0;
	err->no = EEXIST;
	return err_say(err, ERR_VETH, "network interface %s is no bridge", bridge);
}

int link_make_bridge(const struct netns *node, const char *bridge, struct err *err)
{
	int r = make_bridge(node->rtnl, bridge, true);
	if (r == -EOPNOTSUPP) /* the kernel was built without VLANs in bridges */
		r = make_bridge(node->rtnl, bridge, false);
	if (r == -EEXIST)
		return accept_existing(node->rtnl, bridge, err);
	if (r == 0)
		r = set_alias(node->rtnl, bridge);
	return r < 0 ? err_set(err, -r, "make bridge %s", bridge) : 0;
}

static int note_port(struct nl_msg *msg __attribute__((unused)), void *ctx)
{
	*(bool *)ctx = true;
	return NL_OK;
}

/* The kernel looks for the bridge's ports among all links, but tells only of those. */
static int has_ports(struct nl_sock *sock, int bridge, bool *ret)
{
	struct ifinfomsg head = {0};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, NLM_F_DUMP, &head, sizeof(head));

	*ret = false;
	rtnl_put_u32(msg, IFLA_MASTER, (uint32_t)bridge);
	rtnl_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return rtnl_get(sock, msg, note_port, ret);
}

static int drop_unless_used(struct nl_sock *sock, int bridge)
{
	struct ifinfomsg head = {.ifi_index = bridge};
	bool used;

	int r = has_ports(sock, bridge, &used);
	return r < 0 || used ? r : rtnl_ask(sock, rtnl_message(RTM_DELLINK, 0, &head, sizeof(head)));
}

int link_drop_bridge(const struct netns *node, const char *bridge, struct err *err)
{
	struct linkinfo info;

	int r = linkinfo_get(node->rtnl, 0, bridge, &info);
	if (r == 0 && is_bridge(&info) && str_eq(info.alias, ALIAS))
		r = drop_unless_used(node->rtnl, info.index);
	return r < 0 && r != -ENODEV ? err_set(err, -r, "remove bridge %s", bridge) : 0;
}
