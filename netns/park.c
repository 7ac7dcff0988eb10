/* Pairs for a namespace that is still to come: the part of net.h that is about them. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "netns/addr.h"
#include "netns/link.h"
#include "netns/net.h"
#include "netns/netns.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

void net_parked(const struct net_interface *interface, char ret[NET_NAME])
{
	snprintf(ret, NET_NAME, "vzp%012" PRIx64, str_hash(interface->host_name) & 0xffffffffffff);
}

static int park(const struct netns *node, const struct net_interface *interface, struct err *err)
{
	char parked[NET_NAME];
	struct link_pair pair;

	net_parked(interface, parked);
	const struct link_veth veth = {
		.name = interface->host_name,
		.peer = parked,
		.peer_netns = node,
		.mac = interface->host_mac,
		.peer_mac = interface->mac,
		.routed = interface->routed,
	};
	return link_add_veth(node, &veth, &pair, err);
}

int net_park(const struct netns *node, const struct net_guest *guest, struct err *err)
{
	for (size_t i = 0; i < guest->n_interfaces; i++) {
		int r = park(node, &guest->interfaces[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A link that comes to another namespace has forgotten what link_add_veth() told it, and up, it gives itself the IPv6
 * address of its MAC there (RFC 4291, appendix A). */
static int forbid_link_local(const struct netns *guest, int index, struct err *err)
{
	const struct ip own = {
		.family = AF_INET6,
		.prefix = 64,
		.bytes = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 'v', 'e', 0xff, 0xfe, 'n', 'e', 't'},
	};

	int r = link_forbid_link_local(guest, index);
	return r < 0 ? err_set(err, -r, "keep a link from giving itself an IPv6 address")
		     : addr_remove(guest, index, &own, err);
}

int net_join(const struct netns *node, const struct netns *guest, const struct net_guest *to, struct err *err)
{
	struct link_pair pair;
	int r = 0;

	for (size_t i = 0; i < to->n_interfaces && r == 0; i++)
		if (to->interfaces[i].routed && link_find_veth(node, to->interfaces[i].host_name, &pair) == 0)
			r = forbid_link_local(guest, pair.peer, err);
	return r;
}

int net_name_inside(const struct netns *node, const struct netns *guest, const struct net_interface *interface,
		    char ret[NET_NAME], struct err *err)
{
	char kind[LINK_KIND];
	struct link_pair pair;

	/* Its index may be another link's in another namespace. */
	if (link_find_veth(node, interface->host_name, &pair) < 0 || link_kind(guest, pair.peer, kind) < 0 ||
	    !str_eq(kind, "veth") || link_name(guest, pair.peer, ret) < 0) {
		err->no = ENODEV;
		return err_say(err, ERR_VETH, "the network interface %s is not where it was made", interface->name);
	}
	return 0;
}
