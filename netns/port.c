/* Ports of bridges: the part of link.h that is about them. A guest's port is locked to its MAC before a frame can pass:
 * it enters the bridge while the link is down. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "netns/link.h"
#include "netns/linkinfo.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

#define VLAN_MAX 4094 /* IEEE 802.1Q: 4095 is reserved */

struct port {
	struct nl_sock *sock;
	struct linkinfo link, bridge;
	bool moves; /* it is not in that bridge yet */
};

static int set_running(const struct port *port, bool up)
{
	struct ifinfomsg head = {.ifi_index = port->link.index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP};
	return rtnl_ask(port->sock, rtnl_message(RTM_SETLINK, 0, &head, sizeof(head)));
}

/* 0: no bridge. */
static int set_bridge(struct nl_sock *sock, int link, int bridge)
{
	struct ifinfomsg head = {.ifi_index = link};
	struct nl_msg *msg = rtnl_message(RTM_SETLINK, 0, &head, sizeof(head));

	rtnl_put_u32(msg, IFLA_MASTER, (uint32_t)bridge);
	return rtnl_ask(sock, msg);
}

/* A message to the bridge about its port. */
static struct nl_msg *port_message(const struct port *port, int type)
{
	struct ifinfomsg head = {.ifi_family = AF_BRIDGE, .ifi_index = port->link.index};
	return rtnl_message(type, 0, &head, sizeof(head));
}

/* Locked, the port passes only sources that its table has, learns none, and gets nothing that is meant for others. */
static int set_guards(const struct port *port, bool locked)
{
	struct nl_msg *msg = port_message(port, RTM_SETLINK);
	struct nlattr *guards = rtnl_nest(msg, IFLA_PROTINFO);

	rtnl_put_u8(msg, IFLA_BRPORT_GUARD, 1);
	rtnl_put_u8(msg, IFLA_BRPORT_PROTECT, 1);
	rtnl_put_u8(msg, IFLA_BRPORT_LOCKED, locked);
	rtnl_put_u8(msg, IFLA_BRPORT_LEARNING, !locked);
	rtnl_put_u8(msg, IFLA_BRPORT_UNICAST_FLOOD, !locked);
	nla_nest_end(msg, guards);
	return rtnl_ask(port->sock, msg);
}

static void put_vlan(struct nl_msg *msg, uint16_t vlan, uint16_t flags)
{
	struct bridge_vlan_info info = {.vid = vlan, .flags = flags};
	rtnl_put(msg, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

static int leave_vlans(const struct port *port, uint16_t first, uint16_t last)
{
	struct nl_msg *msg = port_message(port, RTM_DELLINK);
	struct nlattr *vlans = rtnl_nest(msg, IFLA_AF_SPEC);

	put_vlan(msg, first, first < last ? BRIDGE_VLAN_INFO_RANGE_BEGIN : 0);
	if (first < last)
		put_vlan(msg, last, BRIDGE_VLAN_INFO_RANGE_END);
	nla_nest_end(msg, vlans);
	return rtnl_ask(port->sock, msg);
}

static int enter_vlan(const struct port *port, uint16_t vlan)
{
	struct nl_msg *msg = port_message(port, RTM_SETLINK);
	struct nlattr *vlans = rtnl_nest(msg, IFLA_AF_SPEC);

	put_vlan(msg, vlan, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	nla_nest_end(msg, vlans);
	return rtnl_ask(port->sock, msg);
}

/* A port that comes into a bridge is in the bridge's default VLAN; one that was there before may be in any. */
static int leave_others(const struct port *port, uint16_t vlan)
{
	uint16_t usual = port->bridge.default_vlan;

	if (port->moves)
		return usual && usual != vlan ? leave_vlans(port, usual, usual) : 0;
	int r = vlan > 1 ? leave_vlans(port, 1, vlan - 1) : 0;
	return r == 0 && vlan < VLAN_MAX ? leave_vlans(port, vlan + 1, VLAN_MAX) : r;
}

/* Into the one before out of the others: what is as it shall be goes on without a gap. */
static int set_vlan(const struct port *port, uint16_t vlan)
{
	uint16_t wanted = vlan ? vlan : port->bridge.default_vlan;

	if (!port->bridge.vlan_filtering)
		return 0;
	int r = wanted ? enter_vlan(port, wanted) : 0;
	return r < 0 ? r : leave_others(port, wanted);
}

struct entry {
	const struct port *port;
	bool stands;
};

static int note_entry(struct nl_msg *msg, void *ctx)
{
	const struct ndmsg *head = nlmsg_data(nlmsg_hdr(msg));
	struct entry *entry = ctx;

	entry->stands = head->ndm_ifindex == entry->port->link.index && head->ndm_flags & NTF_STICKY;
	return NL_OK;
}

static bool is_admitted(const struct port *port, const struct mac *mac)
{
	struct ndmsg head = {.ndm_family = AF_BRIDGE, .ndm_ifindex = port->link.index, .ndm_flags = NTF_MASTER};
	struct nl_msg *msg = rtnl_message(RTM_GETNEIGH, 0, &head, sizeof(head));
	struct entry entry = {.port = port};

	rtnl_put(msg, NDA_LLADDR, mac->bytes, sizeof(mac->bytes));
	return rtnl_get(port->sock, msg, note_entry, &entry) == 0 && entry.stands;
}

static int forget_macs(const struct port *port)
{
	struct ndmsg head = {.ndm_family = AF_BRIDGE, .ndm_ifindex = port->link.index, .ndm_flags = NTF_MASTER};
	return rtnl_ask(port->sock, rtnl_message(RTM_DELNEIGH, NLM_F_BULK, &head, sizeof(head)));
}

/* Sticky: another port that uses the MAC does not take it over. It stands for all VLANs that the port is in now. */
static int admit_mac(const struct port *port, const struct mac *mac)
{
	struct ndmsg head = {
		.ndm_family = AF_BRIDGE,
		.ndm_ifindex = port->link.index,
		.ndm_state = NUD_NOARP,
		.ndm_flags = NTF_MASTER | NTF_STICKY,
	};
	struct nl_msg *msg = rtnl_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));

	rtnl_put(msg, NDA_LLADDR, mac->bytes, sizeof(mac->bytes));
	return rtnl_ask(port->sock, msg);
}

static int configure(const struct port *port, const struct link_port *how)
{
	int r = set_guards(port, how->mac);
	if (r == 0)
		r = set_vlan(port, how->vlan);
	if (r == 0 && !port->moves && !(how->mac && is_admitted(port, how->mac)))
		r = forget_macs(port);
	if (r == 0 && how->mac)
		r = admit_mac(port, how->mac);
	return r;
}

/* A link that is down passes nothing while the bridge's port is not yet what it shall be. */
static int move_in(const struct port *port, const struct link_port *how)
{
	int r = port->link.up ? set_running(port, false) : 0;
	if (r == 0)
		r = set_bridge(port->sock, port->link.index, port->bridge.index);
	if (r < 0)
		return r;
	r = configure(port, how);
	if (r < 0)
		set_bridge(port->sock, port->link.index, 0);
	return r == 0 && port->link.up ? set_running(port, true) : r;
}

static int find_bridge(const struct link_port *how, const char *name, struct port *port, struct err *err)
{
	int r = linkinfo_get(port->sock, 0, how->bridge, &port->bridge);
	if (r < 0)
		return err_set(err, -r, "make %s a port of bridge %s: look at the bridge", name, how->bridge);
	if (!str_eq(port->bridge.kind, "bridge"))
		return err_say(err, ERR_VETH, "network interface %s is no bridge, %s cannot be its port", how->bridge,
			       name);
	if (how->vlan && !port->bridge.vlan_filtering)
		return err_say(err, ERR_VETH,
			       "bridge %s knows no VLANs, %s cannot be in its VLAN %u; "
			       "ip link set %s type bridge vlan_filtering 1 makes it know them",
			       how->bridge, name, how->vlan, how->bridge);
	return 0;
}

int link_set_port(const struct netns *node, const char *name, const struct link_port *how, struct err *err)
{
	struct port port = {.sock = node->rtnl};
	int r = find_bridge(how, name, &port, err);
	if (r < 0)
		return r;
	r = linkinfo_get(node->rtnl, 0, name, &port.link);
	port.moves = r == 0 && port.link.bridge != port.bridge.index;
	if (r == 0)
		r = port.moves ? move_in(&port, how) : configure(&port, how);
	return r < 0 ? err_set(err, -r, "make %s a port of bridge %s", name, how->bridge) : 0;
}

int link_clear_port(const struct netns *node, const char *name, struct err *err)
{
	int r = link_index(node, name);
	if (r > 0)
		r = set_bridge(node->rtnl, r, 0);
	return r < 0 && r != -ENODEV ? err_set(err, -r, "take %s out of its bridge", name) : 0;
}
