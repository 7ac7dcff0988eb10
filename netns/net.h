/* The network of a guest, as it is wanted: plain data, and what makes it so. A guest is whatever lives in a network
 * namespace of its own; its interfaces are veth pairs, one end in there, the other on the node.
 *
 * A routed interface is its guest's alone: no layer 2, a host route for each address, nothing to resolve. A bridged one
 * is a port of a bridge. Either way what it sends is filtered by netns/filter.h before anything else on the node sees
 * it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/ip.h"
#include "runtime/base/mac.h"

struct err;

#define NET_NAME 16 /* IFNAMSIZ, if_name(7) */

struct net_interface {
	char name[NET_NAME];	  /* in the guest: eth0 */
	char host_name[NET_NAME]; /* on the node: veth101.0. A routed one's begins with "venet", no other's does */
	bool routed;
	struct ips ips;		      /* what it may send from. Bridged and none: see filter.h */
	struct mac mac, host_mac;     /* bridged only; a routed pair has no use for them */
	char bridge[NET_NAME];	      /* "": it is no bridge's port, the node's operator routes it */
	uint16_t vlan;		      /* of the bridge's port, untagged there; 0: none */
	bool mac_filter;	      /* bridged: only `mac` may send */
	struct ip gateway4, gateway6; /* bridged: of the default routes in the guest; family 0: none */
};

/* A port of the node that leads to one of the guest's. */
struct net_publish {
	uint8_t protocol;  /* IPPROTO_TCP, IPPROTO_UDP */
	struct ip address; /* of the node; unspecified (0.0.0.0, ::): any of that family */
	uint16_t port;
	struct ip to; /* of the guest */
	uint16_t to_port;
};

struct net_count {
	uint64_t packets, bytes;
};

/* By direction, from the guest's own point of view, and family; and what the filter has thrown away of what it sent. */
struct net_traffic {
	struct net_count sent4, sent6, received4, received6, dropped;
};

struct net_guest {
	struct net_interface *interfaces;
	size_t n_interfaces;
	struct net_publish *published;
	size_t n_published;
	uint64_t rate;		    /* bits per second, of each interface and each way; 0: no limit */
	struct net_traffic traffic; /* where counting begins */
};

struct neighbour_devices;
struct netns;

/* From one network of a guest to another in three steps, each idempotent: net_drop(), filter_change(), net_raise().
 * What a guest may send is admitted before there is a link that could carry it, and taken back when the link is gone:
 * so at no moment is it unfiltered. NULL: no network at all. */

/* Take down what `to` lacks: links with all that hangs on them, and the node's answers for addresses. */
int net_drop(const struct netns *node, const struct net_guest *from, const struct net_guest *to, struct err *err);

/* Bring up what `from` lacks, and change what is another, in the guest's namespace, and answer for its addresses on
 * these devices of the node (NULL: on none). -EEXIST: an address or a name that somebody else has. */
int net_raise(const struct netns *node, const struct netns *guest, const struct net_guest *from,
	      const struct net_guest *to, const struct neighbour_devices *devices, struct err *err);

/* For a guest whose namespace is still to be made, by somebody who moves links there: make its pairs, both ends in our
 * own namespace and down, the guest's under the name that net_parked() gives it. When they are there, net_join() takes
 * away what the kernel has given them on the way, and net_raise() does the rest. */
int net_park(const struct netns *node, const struct net_guest *guest, struct err *err);
void net_parked(const struct net_interface *interface, char ret[NET_NAME]);
int net_join(const struct netns *node, const struct netns *guest, const struct net_guest *to, struct err *err);

/* The name that the guest's end of it has in there now, which root of the guest may have changed. -ENODEV with a reason
 * when it is not in that namespace. */
int net_name_inside(const struct netns *node, const struct netns *guest, const struct net_interface *interface,
		    char ret[NET_NAME], struct err *err);

/* The addresses of its routed interface; none if it has none. */
const struct ips *net_routed(const struct net_guest *guest);

void net_guest_done(struct net_guest *guest);
#define cleanup_net_guest __attribute__((cleanup(net_guest_done)))
