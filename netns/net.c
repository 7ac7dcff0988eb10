#include "netns/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/addr.h"
#include "netns/link.h"
#include "netns/neighbour.h"
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

static int drop_interface(const struct netns *node, const struct net_interface *interface, struct err *err)
{
	int r = link_delete(node, interface->host_name, err);
	if (r == 0)
		r = shape_forget(node, interface->host_name, err);
	if (r == 0 && interface->bridge[0])
		r = link_drop_bridge(node, interface->bridge, err);
	return r;
}

/* One that is being brought up. */
struct raising {
	const struct netns *node, *guest;
	const struct net_interface *from, *to; /* from NULL: it is new */
	struct link_pair pair;
	struct err *err;
};

static int make_pair(struct raising *raising)
{
	const struct net_interface *to = raising->to;
	const struct link_veth veth = {
		.name = to->host_name,
		.peer = to->name,
		.peer_netns = raising->guest,
		.mac = to->host_mac,
		.peer_mac = to->mac,
		.routed = to->routed,
	};
	struct err err = {0};

	if (raising->from && link_find_veth(raising->node, to->host_name, &raising->pair) == 0)
		return 0;
	int r = link_add_veth(raising->node, &veth, &raising->pair, &err);
	if (r == -EEXIST && link_find_veth(raising->node, to->host_name, &raising->pair) == 0)
		return 0;
	if (r < 0)
		*raising->err = err;
	return r;
}

static int join_bridge(const struct netns *node, const struct net_interface *interface, struct err *err)
{
	const struct link_port port = {
		.bridge = interface->bridge,
		.vlan = interface->vlan,
		.mac = interface->mac_filter ? &interface->mac : NULL,
	};
	int r = link_make_bridge(node, interface->bridge, err);
	return r < 0 ? r : link_set_port(node, interface->host_name, &port, err);
}

static int place(const struct raising *raising)
{
	const struct net_interface *from = raising->from, *to = raising->to;

	int r = to->bridge[0] ? join_bridge(raising->node, to, raising->err) : 0;
	if (r == 0 && from && from->bridge[0] && !str_eq(from->bridge, to->bridge))
		r = link_drop_bridge(raising->node, from->bridge, raising->err);
	return r;
}

static int drop_addresses(const struct raising *raising)
{
	const struct net_interface *from = raising->from, *to = raising->to;

	for (size_t i = 0; from && i < from->ips.n; i++) {
		const struct ip *ip = &from->ips.list[i];
		int r = ips_has(&to->ips, ip) ? 0 : addr_remove(raising->guest, raising->pair.peer, ip, raising->err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An address is in the guest and, when it is routed, on the node's way to it. */
static int add_address(const struct raising *raising, const struct ip *ip)
{
	int r = addr_add(raising->guest, raising->pair.peer, ip, raising->err);
	return r < 0 || !raising->to->routed ? r : route_add_host(raising->node, raising->pair.end, ip, raising->err);
}

static int add_addresses(const struct raising *raising)
{
	for (size_t i = 0; i < raising->to->ips.n; i++) {
		int r = add_address(raising, &raising->to->ips.list[i]);
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

static int change_default(const struct raising *raising, int family)
{
	const struct default_route none = {0};
	const struct default_route old = raising->from ? default_route(raising->from, family) : none;
	const struct default_route new = default_route(raising->to, family);
	int index = raising->pair.peer, r = 0;

	if (old.wanted && !same_route(&old, &new))
		r = route_remove_default(raising->guest, index, family, old.gateway, raising->err);
	if (r == 0 && new.wanted)
		r = route_add_default(raising->guest, index, family, new.gateway, raising->err);
	return r;
}

static int furnish(const struct raising *raising)
{
	int r;
	if ((r = drop_addresses(raising)) < 0 || (r = add_addresses(raising)) < 0 ||
	    (r = change_default(raising, AF_INET)) < 0)
		return r;
	return change_default(raising, AF_INET6);
}

/* The node's own end comes before the guest's, or what the guest sends first is lost. */
static int set_up(const struct raising *raising)
{
	int r = link_up_index(raising->node, raising->pair.end, raising->err);
	return r < 0 ? r : link_up_index(raising->guest, raising->pair.peer, raising->err);
}

static int change_mac(const struct raising *raising)
{
	const struct net_interface *from = raising->from, *to = raising->to;

	if (!from || mac_same(&from->mac, &to->mac))
		return 0;
	return link_set_mac_index(raising->guest, raising->pair.peer, &to->mac, raising->err);
}

/* A new link has no limit. */
static int change_rate(const struct raising *raising, uint64_t rate)
{
	return raising->from || rate ? shape_set(raising->node, raising->to->host_name, rate, raising->err) : 0;
}

/* Up before addresses: a route needs a link that is up. */
static int raise_interface(struct raising *raising, uint64_t rate)
{
	int r;
	if ((r = make_pair(raising)) < 0 || (r = place(raising)) < 0 || (r = change_rate(raising, rate)) < 0 ||
	    (r = change_mac(raising)) < 0 || (r = set_up(raising)) < 0)
		return r;
	return furnish(raising);
}

/* ---- the guest ---- */

/* A pair that stays loses the node's ways to addresses that go, and its bridge if it will have none: before that is
 * admitted. */
static int loosen(const struct netns *node, const struct net_interface *from, const struct net_interface *to,
		  struct err *err)
{
	int index = from->routed ? link_index(node, from->host_name) : -ENODEV;

	for (size_t i = 0; index > 0 && i < from->ips.n; i++) {
		const struct ip *ip = &from->ips.list[i];
		int r = ips_has(&to->ips, ip) ? 0 : route_remove_host(node, index, ip, err);
		if (r < 0)
			return r;
	}
	return from->bridge[0] && !to->bridge[0] ? link_clear_port(node, from->host_name, err) : 0;
}

static int drop_links(const struct netns *node, const struct net_guest *from, const struct net_guest *to,
		      struct err *err)
{
	for (size_t i = 0; i < from->n_interfaces; i++) {
		const struct net_interface *old = &from->interfaces[i], *new = find(to, old);
		int r = new ? loosen(node, old, new, err) : drop_interface(node, old, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int raise_links(const struct netns *node, const struct netns *guest, const struct net_guest *from,
		       const struct net_guest *to, struct err *err)
{
	for (size_t i = 0; i < to->n_interfaces; i++) {
		struct raising raising = {
			.node = node,
			.guest = guest,
			.from = find(from, &to->interfaces[i]),
			.to = &to->interfaces[i],
			.err = err,
		};
		int r = raise_interface(&raising, to->rate);
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

static int forget_addresses(const struct netns *node, const struct net_guest *from, const struct net_guest *to,
			    struct err *err)
{
	const struct ips *old = net_routed(from), *new = net_routed(to);

	for (size_t i = 0; i < old->n; i++) {
		int r = ips_has(new, &old->list[i]) ? 0 : neighbour_forget(node, &old->list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int answer_for(const struct netns *node, const struct net_guest *guest, const struct neighbour_devices *devices,
		      struct err *err)
{
	const struct ips *ips = net_routed(guest);

	for (size_t i = 0; i < ips->n; i++) {
		int r = neighbour_answer(node, devices, &ips->list[i], err);
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

int net_drop(const struct netns *node, const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	int r = forget_addresses(node, or_nothing(from), or_nothing(to), err);
	return r < 0 ? r : drop_links(node, or_nothing(from), or_nothing(to), err);
}

int net_raise(const struct netns *node, const struct netns *guest, const struct net_guest *from,
	      const struct net_guest *to, const struct neighbour_devices *devices, struct err *err)
{
	int r = raise_links(node, guest, or_nothing(from), or_nothing(to), err);
	return r < 0 || !devices ? r : answer_for(node, or_nothing(to), devices, err);
}
