/* Network links: made, moved, set up and removed. `netns` is the fd of a network namespace, NETNS_OWN ours. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/mac.h"

struct err;

struct link_veth {
	const char *name; /* here, in our own namespace */
	const char *peer; /* in `peer_netns` */
	int peer_netns;
	struct mac mac, peer_mac; /* all zero: of the kernel's choosing */
	/* No address resolution: both ends have one and the same MAC and IFF_NOARP, so that each frame's destination,
	 * which the kernel then takes from the sending end itself, is the receiver's. The macs above are ignored. */
	bool routed;
};

/* Make a pair, both ends down, neither giving itself an IPv6 link-local address when it is routed. -EEXIST when either
 * name is taken; the message says which namespace's. */
int link_add_veth(const struct link_veth *veth, struct err *err);

/* Remove it from our own namespace; gone already is success. Of a pair, both ends go, wherever the other is. */
int link_delete(const char *name, struct err *err);

/* Is there one of that name in our own namespace? (if_nametoindex(3) has the kernel look for a module of the name that
 * is not there.) */
bool link_exists(const char *name);

/* The index, or -ENODEV without a reason. */
int link_index(int netns, const char *name);

/* Of a pair's end in our namespace: the index of the other end, in its own namespace. -ENODEV without a reason when
 * there is no such link. */
int link_peer_index(const char *name);

#define LINK_KIND 16

/* What kind of link has that index: "veth", "dummy", "" for hardware. -ENODEV without a reason. */
int link_kind(int netns, int index, char kind[LINK_KIND]);

int link_up(int netns, const char *name, struct err *err);
int link_up_index(int netns, int index, struct err *err);

/* Change what is set while the link lives. */
int link_set_mac_index(int netns, int index, const struct mac *mac, struct err *err);
int link_rename(const char *name, const char *to, struct err *err);
int link_rename_index(int netns, int index, const char *to, struct err *err);

/* Make a bridge of ours, up, with vlan_filtering on, its alias (ifalias) saying that OpenVE made it; one that exists
 * already, whoever made it, is success and left as it is; a link of another kind is -EEXIST. */
int link_make_bridge(const char *bridge, struct err *err);

/* Remove a bridge that OpenVE made (by its alias), if it has no ports left. Not there, in use, or an operator's:
 * success. */
int link_drop_bridge(const char *bridge, struct err *err);

struct link_port {
	const char *bridge;
	uint16_t vlan; /* PVID, untagged; 0: the bridge's own default */
	const struct mac
		*mac; /* the only source MAC: the port does not learn, the address stands in its table. NULL: learn */
};

/* Make the link a port of the bridge: BPDUs from it are refused (bpdu guard, root block), it cannot become the spanning
 * tree's root. A VLAN on a bridge without vlan_filtering is refused with the remedy. A link that is up and comes into
 * the bridge, also from another one, is down for a moment, as a cable that is moved; on one that was there before
 * nothing is interrupted that stays as it is. */
int link_set_port(const char *name, const struct link_port *port, struct err *err);
int link_clear_port(const char *name, struct err *err);

/* Move a link (a device of the node) from one namespace to the other under the name given. It comes down on the way.
 * Returns its index there. */
int link_move(int from, const char *name, int to, const char *new_name, struct err *err);
int link_move_index(int from, int index, int to, const char *new_name, struct err *err);
