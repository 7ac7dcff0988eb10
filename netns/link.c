#include "netns/link.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>

#include "netns/linkinfo.h"
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

static void put_end(struct nl_msg *msg, const char *name, const struct mac *mac)
{
	rtnl_put_text(msg, IFLA_IFNAME, name);
	if (!mac_is_zero(mac))
		rtnl_put(msg, IFLA_ADDRESS, mac->bytes, sizeof(mac->bytes));
}

/* One message makes both ends with all that is theirs, or neither. */
static int make_pair(struct nl_sock *sock, const struct link_veth *veth)
{
	struct ifinfomsg head = end_head(veth);
	struct nl_msg *msg = rtnl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	put_end(msg, veth->name, veth->routed ? &routed_mac : &veth->mac);
	struct nlattr *info = rtnl_nest(msg, IFLA_LINKINFO);
	rtnl_put_text(msg, IFLA_INFO_KIND, "veth");
	struct nlattr *data = rtnl_nest(msg, IFLA_INFO_DATA);
	struct nlattr *peer = rtnl_nest(msg, VETH_INFO_PEER);
	nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO);
	put_end(msg, veth->peer, veth->routed ? &routed_mac : &veth->peer_mac);
	if (veth->peer_netns != NETNS_OWN)
		rtnl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns);
	nla_nest_end(msg, peer);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return rtnl_ask(sock, msg);
}

/* No link-local address when it goes up. A link without IPv6 gives itself none anyway. */
static int forbid_link_local(struct nl_sock *sock, int index)
{
	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	struct nlattr *families = rtnl_nest(msg, IFLA_AF_SPEC), *inet6 = rtnl_nest(msg, AF_INET6);

	rtnl_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, families);
	int r = rtnl_ask(sock, msg);
	return r == -EAFNOSUPPORT ? 0 : r;
}

/* The kernel takes the mode of addresses only for links that exist. Both are down yet. */
static int forbid_link_locals(struct nl_sock *sock, const struct link_veth *veth, struct err *err)
{
	struct linkinfo end;
	cleanup_rtnl struct nl_sock *there = rtnl_open(veth->peer_netns, err);
	if (!there)
		return -err->no;

	int r = linkinfo_get(sock, 0, veth->name, &end);
	if (r == 0)
		r = forbid_link_local(sock, end.index);
	if (r == 0)
		r = forbid_link_local(there, end.peer);
	return r < 0 ? err_set(err, -r, "keep %s from giving itself an IPv6 address", veth->name) : 0;
}

static int name_taken(const struct link_veth *veth, struct err *err)
{
	err->no = EEXIST;
	if (link_exists(veth->name))
		return err_say(err, ERR_VETH, "the node has a network interface %s already", veth->name);
	return err_say(err, ERR_VETH, "there is a network interface %s in there already", veth->peer);
}

int link_add_veth(const struct link_veth *veth, struct err *err)
{
	cleanup_rtnl struct nl_sock *sock = rtnl_open(NETNS_OWN, err);
	if (!sock)
		return -err->no;

	int r = make_pair(sock, veth);
	if (r == -EEXIST)
		return name_taken(veth, err);
	if (r < 0)
		return err_set(err, -r, "make the pair of network interfaces %s and %s", veth->name, veth->peer);
	if (!veth->routed)
		return 0;
	r = forbid_link_locals(sock, veth, err);
	if (r < 0)
		rtnl_ask(sock, request(RTM_DELLINK, 0, veth->name));
	return r;
}

int link_delete(const char *name, struct err *err)
{
	cleanup_rtnl struct nl_sock *sock = rtnl_open(NETNS_OWN, err);
	if (!sock)
		return -err->no;

	int r = rtnl_ask(sock, request(RTM_DELLINK, 0, name));
	return r < 0 && r != -ENODEV ? err_set(err, -r, "remove link %s", name) : 0;
}

/* ---- questions ---- */

bool link_exists(const char *name)
{
	return link_index(NETNS_OWN, name) > 0;
}

static int ask(int netns, const char *name, struct linkinfo *ret)
{
	struct err ignored = {0};
	cleanup_rtnl struct nl_sock *sock = rtnl_open(netns, &ignored);

	return sock && linkinfo_get(sock, 0, name, ret) == 0 ? 0 : -ENODEV;
}

int link_index(int netns, const char *name)
{
	struct linkinfo info;
	return ask(netns, name, &info) == 0 ? info.index : -ENODEV;
}

int link_kind(int netns, int index, char kind[LINK_KIND])
{
	struct linkinfo info;
	struct err ignored = {0};
	cleanup_rtnl struct nl_sock *sock = index > 0 ? rtnl_open(netns, &ignored) : NULL;

	if (!sock || linkinfo_get(sock, index, NULL, &info) < 0)
		return -ENODEV;
	memcpy(kind, info.kind, LINK_KIND);
	return 0;
}

int link_peer_index(const char *name)
{
	struct linkinfo info;
	return ask(NETNS_OWN, name, &info) == 0 && str_eq(info.kind, "veth") ? info.peer : -ENODEV;
}

/* ---- changes ---- */

static int set_up(int netns, int index, const char *name, struct err *err)
{
	struct ifinfomsg head = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	cleanup_rtnl struct nl_sock *sock = rtnl_open(netns, err);
	if (!sock)
		return -err->no;

	struct nl_msg *msg = rtnl_message(RTM_SETLINK, 0, &head, sizeof(head));
	if (name)
		rtnl_put_text(msg, IFLA_IFNAME, name);
	int r = rtnl_ask(sock, msg);
	return r < 0 ? err_set(err, -r, "set link %s up", label(index, name).text) : 0;
}

int link_up(int netns, const char *name, struct err *err)
{
	return set_up(netns, 0, name, err);
}

int link_up_index(int netns, int index, struct err *err)
{
	return set_up(netns, index, NULL, err);
}

int link_set_mac_index(int netns, int index, const struct mac *mac, struct err *err)
{
	char text[MAC_TEXT];
	cleanup_rtnl struct nl_sock *sock = rtnl_open(netns, err);
	if (!sock)
		return -err->no;

	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	rtnl_put(msg, IFLA_ADDRESS, mac->bytes, sizeof(mac->bytes));
	int r = rtnl_ask(sock, msg);
	return r < 0 ? err_set(err, -r, "set the MAC of link number %d to %s", index, mac_print(mac, text)) : 0;
}

static int rename_link(int netns, int index, const char *name, const char *to, struct err *err)
{
	cleanup_rtnl struct nl_sock *sock = rtnl_open(netns, err);
	if (!sock)
		return -err->no;

	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	rtnl_put_text(msg, IFLA_IFNAME, to);
	int r = rtnl_ask(sock, msg);
	return r < 0 ? err_set(err, -r, "rename link %s to %s", label(index, name).text, to) : 0;
}

int link_rename(const char *name, const char *to, struct err *err)
{
	int index = link_index(NETNS_OWN, name);
	return index < 0 ? err_set(err, -index, "rename link %s to %s", name, to)
			 : rename_link(NETNS_OWN, index, name, to, err);
}

int link_rename_index(int netns, int index, const char *to, struct err *err)
{
	return rename_link(netns, index, NULL, to, err);
}

/* ---- from one namespace to another ---- */

/* The kernel moves first and renames then: a name that is taken there has to be found out before. */
static int move_link(int from, int index, const char *name, int to, const char *new_name, struct err *err)
{
	cleanup_fd int own = to == NETNS_OWN ? rtnl_own_netns(err) : -1;
	if (to == NETNS_OWN && own < 0)
		return own;
	cleanup_rtnl struct nl_sock *sock = rtnl_open(from, err);
	if (!sock)
		return -err->no;
	if (link_index(to, new_name) > 0) {
		err->no = EEXIST;
		return err_say(err, ERR_NETDEV, "move link %s to another network namespace: there is an %s already",
			       label(index, name).text, new_name);
	}

	struct nl_msg *msg = request(RTM_SETLINK, index, NULL);
	rtnl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)(to == NETNS_OWN ? own : to));
	rtnl_put_text(msg, IFLA_IFNAME, new_name);
	int r = rtnl_ask(sock, msg);
	if (r == 0)
		r = link_index(to, new_name);
	return r < 0 ? err_set(err, -r, "move link %s to another network namespace", label(index, name).text) : r;
}

int link_move(int from, const char *name, int to, const char *new_name, struct err *err)
{
	int index = link_index(from, name);
	return index < 0 ? err_set(err, -index, "move link %s to another network namespace", name)
			 : move_link(from, index, name, to, new_name, err);
}

int link_move_index(int from, int index, int to, const char *new_name, struct err *err)
{
	return move_link(from, index, NULL, to, new_name, err);
}
