#include "netns/link.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>

#include "netns/linkinfo.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* The MAC of both ends of every routed pair: locally administered (the 02), then "venet" in ASCII. It never meets
 * another on a wire; and as it is the same everywhere, a guest that comes back from an image or another node fits its
 * new pair. */
static const struct mac routed_mac = {{0x02, 'v', 'e', 'n', 'e', 't'}};

/* How messages call a link that is known by its name or only by its index. */
struct label {
	char text[IFNAMSIZ + 16];
};

static struct label label(int index, const char *name)
{
	struct label l;

	if (name)
		snprintf(l.text, sizeof(l.text), "%s", name);
	else
		snprintf(l.text, sizeof(l.text), "number %d", index);
	return l;
}

/* A request for one link, by index or, when that is 0, by name. */
static struct nl_msg *request(int type, int index, const char *name)
{
	struct ifinfomsg head = {.ifi_index = index};
	struct nl_msg *msg = rtnl_message(type, 0, &head, sizeof(head));

	if (index == 0)
		rtnl_put_text(msg, IFLA_IFNAME, name);
	return msg;
}

/* ---- pairs ---- */

static struct ifinfomsg end_head(const struct link_veth *veth)
{
	if (!veth->routed)
		return (struct ifinfomsg){0};
	return (struct ifinfomsg){.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP | IFF_MULTICAST};
}

/* With one queue for each direction. Of itself the kernel makes as many as there are processors and then puts all but
 * one away, waiting for every processor each time. */
static void put_end(struct nl_msg *msg, const char *name, const struct mac *mac)
{
	rtnl_put_text(msg, IFLA_IFNAME, name);
	rtnl_put_u32(msg, IFLA_NUM_TX_QUEUES, 1);
	rtnl_put_u32(msg, IFLA_NUM_RX_QUEUES, 1);
	if (!mac_is_zero(mac))
		rtnl_put(msg, IFLA_ADDRESS, mac->bytes, sizeof(mac->bytes));
}

/* One message makes both ends with all that is theirs, or neither. */
static int make_pair(struct nl_sock *sock, const struct link_veth *veth, struct link_pair *ret)
{
	struct ifinfomsg head = end_head(veth);
	struct nl_msg *msg = rtnl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	struct linkinfo info;

	put_end(msg, veth->name, veth->routed ? &routed_mac : &veth->mac);
	struct nlattr *linkinfo = rtnl_nest(msg, IFLA_LINKINFO);
	rtnl_put_text(msg, IFLA_INFO_KIND, "veth");
	struct nlattr *data = rtnl_nest(msg, IFLA_INFO_DATA);
	struct nlattr *peer = rtnl_nest(msg, VETH_INFO_PEER);
	nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO);
	put_end(msg, veth->peer, veth->routed ? &routed_mac : &veth->peer_mac);
	if (veth->peer_netns->fd != NETNS_OWN)
		rtnl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns->fd);
	nla_nest_end(msg, peer);
	nla_nest_end(msg, data);
	nla_nest_end(msg, linkinfo);

	int r = linkinfo_make(sock, msg, &info);
	if (r == 0)
		*ret = (struct link_pair){.end = info.index, .peer = info.peer};
	return r;
}

/* A link without IPv6 gives itself none anyway. */
int link_forbid_link_local(const struct netns *netns, int index)
{
	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	struct nlattr *families = rtnl_nest(msg, IFLA_AF_SPEC), *inet6 = rtnl_nest(msg, AF_INET6);

	rtnl_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, families);
	int r = rtnl_ask(netns->rtnl, msg);
	return r == -EAFNOSUPPORT ? 0 : r;
}

/* The kernel takes the mode of addresses only for links that exist, and after it has set them up. Both are down yet. */
static int forbid_link_locals(const struct netns *node, const struct link_veth *veth, const struct link_pair *pair,
			      struct err *err)
{
	int r = link_forbid_link_local(node, pair->end);
	if (r == 0)
		r = link_forbid_link_local(veth->peer_netns, pair->peer);
	return r < 0 ? err_set(err, -r, "keep %s from giving itself an IPv6 address", veth->name) : 0;
}

static int name_taken(const struct netns *node, const struct link_veth *veth, struct err *err)
{
	err->no = EEXIST;
	if (link_exists(node, veth->name))
		return err_say(err, ERR_VETH, "the node has a network interface %s already", veth->name);
	return err_say(err, ERR_VETH, "there is a network interface %s in there already", veth->peer);
}

int link_add_veth(const struct netns *node, const struct link_veth *veth, struct link_pair *ret, struct err *err)
{
	struct link_pair pair;

	int r = make_pair(node->rtnl, veth, &pair);
	if (r == -EEXIST)
		return name_taken(node, veth, err);
	if (r < 0)
		return err_set(err, -r, "make the pair of network interfaces %s and %s", veth->name, veth->peer);
	r = veth->routed ? forbid_link_locals(node, veth, &pair, err) : 0;
	if (r < 0)
		rtnl_ask(node->rtnl, request(RTM_DELLINK, pair.end, NULL));
	else
		*ret = pair;
	return r;
}

int link_delete(const struct netns *node, const char *name, struct err *err)
{
	int r = rtnl_ask(node->rtnl, request(RTM_DELLINK, 0, name));
	return r < 0 && r != -ENODEV ? err_set(err, -r, "remove link %s", name) : 0;
}

/* ---- questions ---- */

int link_index(const struct netns *netns, const char *name)
{
	struct linkinfo info;
	return linkinfo_get(netns->rtnl, 0, name, &info) == 0 ? info.index : -ENODEV;
}

bool link_exists(const struct netns *netns, const char *name)
{
	return link_index(netns, name) > 0;
}

int link_kind(const struct netns *netns, int index, char kind[LINK_KIND])
{
	struct linkinfo info;

	if (index <= 0 || linkinfo_get(netns->rtnl, index, NULL, &info) < 0)
		return -ENODEV;
	memcpy(kind, info.kind, LINK_KIND);
	return 0;
}

int link_name(const struct netns *netns, int index, char ret[LINK_NAME])
{
	struct linkinfo info;

	if (index <= 0 || linkinfo_get(netns->rtnl, index, NULL, &info) < 0)
		return -ENODEV;
	memcpy(ret, info.name, LINK_NAME);
	return 0;
}

int link_find_veth(const struct netns *node, const char *name, struct link_pair *ret)
{
	struct linkinfo info;

	if (linkinfo_get(node->rtnl, 0, name, &info) < 0 || !str_eq(info.kind, "veth"))
		return -ENODEV;
	*ret = (struct link_pair){.end = info.index, .peer = info.peer};
	return 0;
}

/* ---- changes ---- */

static int set_up(const struct netns *netns, int index, const char *name, struct err *err)
{
	struct ifinfomsg head = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct nl_msg *msg = rtnl_message(RTM_SETLINK, 0, &head, sizeof(head));
	if (name)
		rtnl_put_text(msg, IFLA_IFNAME, name);
	int r = rtnl_ask(netns->rtnl, msg);
	return r < 0 ? err_set(err, -r, "set link %s up", label(index, name).text) : 0;
}

int link_up(const struct netns *netns, const char *name, struct err *err)
{
	return set_up(netns, 0, name, err);
}

int link_up_index(const struct netns *netns, int index, struct err *err)
{
	return set_up(netns, index, NULL, err);
}

int link_set_mac_index(const struct netns *netns, int index, const struct mac *mac, struct err *err)
{
	char text[MAC_TEXT];
	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	rtnl_put(msg, IFLA_ADDRESS, mac->bytes, sizeof(mac->bytes));
	int r = rtnl_ask(netns->rtnl, msg);
	return r < 0 ? err_set(err, -r, "set the MAC of link number %d to %s", index, mac_print(mac, text)) : 0;
}

static int rename_link(const struct netns *netns, int index, const char *name, const char *to, struct err *err)
{
	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	rtnl_put_text(msg, IFLA_IFNAME, to);
	int r = rtnl_ask(netns->rtnl, msg);
	return r < 0 ? err_set(err, -r, "rename link %s to %s", label(index, name).text, to) : 0;
}

int link_rename(const struct netns *netns, const char *name, const char *to, struct err *err)
{
	int index = link_index(netns, name);
	return index < 0 ? err_set(err, -index, "rename link %s to %s", name, to)
			 : rename_link(netns, index, name, to, err);
}

int link_rename_index(const struct netns *netns, int index, const char *to, struct err *err)
{
	return rename_link(netns, index, NULL, to, err);
}

/* ---- from one namespace to another ---- */

/* The kernel moves first and renames then: a name that is taken there has to be found out before. */
static int move_link(const struct netns *from, int index, const char *name, const struct netns *to,
		     const char *new_name, struct err *err)
{
	cleanup_fd int own = to->fd == NETNS_OWN ? netns_own(err) : -1;
	if (to->fd == NETNS_OWN && own < 0)
		return own;
	if (link_index(to, new_name) > 0) {
		err->no = EEXIST;
		return err_say(err, ERR_NETDEV, "move link %s to another network namespace: there is an %s already",
			       label(index, name).text, new_name);
	}

	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	rtnl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)(to->fd == NETNS_OWN ? own : to->fd));
	rtnl_put_text(msg, IFLA_IFNAME, new_name);
	int r = rtnl_ask(from->rtnl, msg);
	if (r == 0)
		r = link_index(to, new_name);
	return r < 0 ? err_set(err, -r, "move link %s to another network namespace", label(index, name).text) : r;
}

int link_move(const struct netns *from, const char *name, const struct netns *to, const char *new_name, struct err *err)
{
	int index = link_index(from, name);
	return index < 0 ? err_set(err, -index, "move link %s to another network namespace", name)
			 : move_link(from, index, name, to, new_name, err);
}

int link_move_index(const struct netns *from, int index, const struct netns *to, const char *new_name, struct err *err)
{
	return move_link(from, index, NULL, to, new_name, err);
}
