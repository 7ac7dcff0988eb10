#include "netns/net.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/addr.h"
#include "netns/link.h"
#include "netns/neighbour.h"
#include "netns/rtnl.h"
#include "netns/shape.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

void net_guest_done(struct net_guest *guest)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		ips_done(&guest->interfaces[i].ips);
	free(guest->interfaces);
	free(guest->published);
	*guest = (struct net_guest){0};
}

/* The same pair of links, whatever else has changed about it. */
static const struct net_interface *find(const struct net_guest *guest, const struct net_interface *wanted)
{
	for (size_t i = 0; i < guest->n_interfaces; i++) {
		const struct net_interface *interface = &guest->interfaces[i];
		if (interface->routed == wanted->routed && str_eq(interface->host_name, wanted->host_name) &&
		    str_eq(interface->name, wanted->name) && mac_same(&interface->host_mac, &wanted->host_mac))
			return interface;
	}
	return NULL;
}

/* ---- one interface ---- */

static int drop_interface(const struct net_interface *interface, struct err *err)
{
	int r = link_delete(interface->host_name, err);
	if (r == 0)
		r = shape_forget(interface->host_name, err);
	if (r == 0 && interface->bridge[0])
		r = link_drop_bridge(interface->bridge, err);
	return r;
}

static int make_pair(int netns, const struct net_interface *interface, struct err *err)
{
	const struct link_veth veth = {
		.name = interface->host_name,
		.peer = interface->name,
		.peer_netns = netns,
		.mac = interface->host_mac,
		.peer_mac = interface->mac,
		.routed = interface->routed,
	};
	return link_exists(interface->host_name) ? 0 : link_add_veth(&veth, err);
}

static int join_bridge(const struct net_interface *interface, struct err *err)
{
	const struct link_port port = {
		.bridge = interface->bridge,
		.vlan = interface->vlan,
		.mac = interface->mac_filter ? &interface->mac : NULL,
	};
	int r = link_make_bridge(interface->bridge, err);
	return r < 0 ? r : link_set_port(interface->host_name, &port, err);
}

static int place(const struct net_interface *from, const struct net_interface *to, struct err *err)
{
	int r = to->bridge[0] ? join_bridge(to, err) : 0;
	if (r == 0 && from && from->bridge[0] && !str_eq(from->bridge, to->bridge))
		r = link_drop_bridge(from->bridge, err);
	return r;
}

static int drop_addresses(int netns, int index, const struct net_interface *from, const struct net_interface *to,
			  struct err *err)
{
	for (size_t i = 0; from && i < from->ips.n; i++) {
		int r = ips_has(&to->ips, &from->ips.list[i]) ? 0 : addr_remove(netns, index, &from->ips.list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An address is in the guest and, when it is routed, on the node's way to it. */
static int add_address(int netns, int index, const struct net_interface *interface, const struct ip *ip,
		       struct err *err)
{
	int r = addr_add(netns, index, ip, err);
	return r < 0 || !interface->routed ? r : route_add_host(interface->host_name, ip, err);
}

static int add_addresses(int netns, int index, const struct net_interface *interface, struct err *err)
{
	for (size_t i = 0; i < interface->ips.n; i++) {
		int r = add_address(netns, index, interface, &interface->ips.list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_family(const struct net_interface *interface, int family)
{
	for (size_t i = 0; i < interface->ips.n; i++)
		if (interface->ips.list[i].family == family)
			return true;
	return false;
}

struct default_route {
	bool wanted;
	const struct ip *gateway; /* NULL: the link itself leads everywhere */
};

static struct default_route default_route(const struct net_interface *interface, int family)
{
	const struct ip *gateway = family == AF_INET ? &interface->gateway4 : &interface->gateway6;

	if (!interface)
		return (struct default_route){0};
	if (interface->routed)
		return (struct default_route){.wanted = has_family(interface, family)};
	return (struct default_route){.wanted = gateway->family == family, .gateway = gateway};
}

static bool same_route(const struct default_route *a, const struct default_route *b)
{
	if (a->wanted != b->wanted)
		return false;
	return !a->gateway || !b->gateway ? a->gateway == b->gateway : ip_same(a->gateway, b->gateway);
}

static int change_default(int netns, int index, const struct net_interface *from, const struct net_interface *to,
			  int family, struct err *err)
{
	const struct default_route none = {0};
	const struct default_route old = from ? default_route(from, family) : none, new = default_route(to, family);
	int r = 0;

	if (old.wanted && !same_route(&old, &new))
		r = route_remove_default(netns, index, family, old.gateway, err);
	if (r == 0 && new.wanted)
		r = route_add_default(netns, index, family, new.gateway, err);
	return r;
}

static int furnish(int netns, int index, const struct net_interface *from, const struct net_interface *to,
		   struct err *err)
{
	int r;
	if ((r = drop_addresses(netns, index, from, to, err)) < 0 || (r = add_addresses(netns, index, to, err)) < 0 ||
	    (r = change_default(netns, index, from, to, AF_INET, err)) < 0)
		return r;
	return change_default(netns, index, from, to, AF_INET6, err);
}

/* Up first: a route needs a link that is up, and the node's own end comes before the guest's, or what the guest sends
 * first is lost. */
static int raise_interface(int netns, const struct net_interface *from, const struct net_interface *to, uint64_t rate,
			   struct err *err)
{
	int r;
	if ((r = make_pair(netns, to, err)) < 0 || (r = place(from, to, err)) < 0 ||
	    (r = shape_set(to->host_name, rate, err)) < 0)
		return r;

	int index = link_peer_index(to->host_name);
	if (index < 0)
		return err_set(err, -index, "find the other end of %s", to->host_name);
	if (from && !mac_same(&from->mac, &to->mac) && (r = link_set_mac_index(netns, index, &to->mac, err)) < 0)
		return r;
	if ((r = link_up(NETNS_OWN, to->host_name, err)) < 0 || (r = link_up_index(netns, index, err)) < 0)
		return r;
	return furnish(netns, index, from, to, err);
}

/* ---- the guest ---- */

/* A pair that stays loses the node's ways to addresses that go, and its bridge if it will have none: before that is
 * admitted. */
static int loosen(const struct net_interface *from, const struct net_interface *to, struct err *err)
{
	for (size_t i = 0; from->routed && i < from->ips.n; i++) {
		const struct ip *ip = &from->ips.list[i];
		int r = ips_has(&to->ips, ip) ? 0 : route_remove_host(from->host_name, ip, err);
		if (r < 0)
			return r;
	}
	return from->bridge[0] && !to->bridge[0] ? link_clear_port(from->host_name, err) : 0;
}

static int drop_links(const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	for (size_t i = 0; i < from->n_interfaces; i++) {
		const struct net_interface *old = &from->interfaces[i], *new = find(to, old);
		int r = new ? loosen(old, new, err) : drop_interface(old, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int raise_links(int netns, const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	for (size_t i = 0; i < to->n_interfaces; i++) {
		const struct net_interface *interface = &to->interfaces[i];
		int r = raise_interface(netns, find(from, interface), interface, to->rate, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct net_interface *routed(const struct net_guest *guest)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (guest->interfaces[i].routed)
			return &guest->interfaces[i];
	return NULL;
}

const struct ips *net_routed(const struct net_guest *guest)
{
	static const struct ips none;
	const struct net_interface *interface = routed(guest);
	return interface ? &interface->ips : &none;
}

static int forget_addresses(const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	const struct ips *old = net_routed(from), *new = net_routed(to);

	for (size_t i = 0; i < old->n; i++) {
		int r = ips_has(new, &old->list[i]) ? 0 : neighbour_forget(&old->list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int answer_for(const struct net_guest *guest, const struct neighbour_devices *devices, struct err *err)
{
	const struct ips *ips = net_routed(guest);

	for (size_t i = 0; i < ips->n; i++) {
		int r = neighbour_answer(devices, &ips->list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct net_guest *or_nothing(const struct net_guest *guest)
{
	static const struct net_guest nothing;
	return guest ? guest : &nothing;
}

int net_drop(const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	int r = forget_addresses(or_nothing(from), or_nothing(to), err);
	return r < 0 ? r : drop_links(or_nothing(from), or_nothing(to), err);
}

int net_raise(int netns, const struct net_guest *from, const struct net_guest *to,
	      const struct neighbour_devices *devices, struct err *err)
{
	int r = raise_links(netns, or_nothing(from), or_nothing(to), err);
	return r < 0 || !devices ? r : answer_for(or_nothing(to), devices, err);
}
