/* The node's own Ethernets, by which its neighbours reach it. */
#pragma once

#include <net/if.h>

#include "netns/neighbour.h"
#include "runtime/base/ip.h"
#include "runtime/base/mac.h"

struct nl_sock;

struct uplink {
	int index;
	char name[IFNAMSIZ];
	struct mac mac;
	struct ip source; /* for an IPv4 address: one of the node's own there, in its network if there is one; family 0:
			     none */
};

/* What neighbour_find() finds. At most NEIGHBOUR_DEVICES. */
int uplink_find(struct nl_sock *sock, const struct neighbour_devices *devices, const struct ip *ip,
		struct uplink ret[NEIGHBOUR_DEVICES], struct err *err);
