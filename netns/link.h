/* Network links: made, moved, set up and removed. `node` is our own network namespace, `netns` any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/mac.h"

struct err;
struct netns;

struct link_veth {
	const char *name; /* here, in our own namespace */
	const char *peer; /* in `peer_netns` */
	const struct netns *peer_netns;
	struct mac mac, peer_mac; /* all zero: of the kernel's choosing */
	/* No address resolution: both ends have one and the same MAC and IFF_NOARP, so that each frame's destination,
	 * which the kernel then takes from the sending end itself, is the receiver's. The macs above are ignored. */
	bool routed;
};

/* The indexes of its ends, each in its own namespace. */
struct link_pair {
	int end, peer;
};

/* Make a pair, both ends down, neither giving itself an IPv6 link-local address when it is routed. -EEXIST when either
 * name is taken; the message says which namespace's. */
int link_add_veth(const struct netns *node, const struct link_veth *veth, struct link_pair *ret, struct err *err);

/* Find the pair that has an end of that name here. -ENODEV without a reason when there is none. */
int link_find_veth(const struct netns *node, const char *name, struct link_pair *ret);

/* Remove it; gone already is success. Of a pair, both ends go, wherever the other is. */
int link_delete(const struct netns *node, const char *name, struct err *err);

/* Is there one of that name? (if_nametoindex(3) has the kernel look for a module of the name that is not there.) */
bool link_exists(const struct netns *netns, const char *name);

/* The index, or -ENODEV without a reason. */
int link_index(const struct netns *netns, const char *name);

#define LINK_KIND 16
#define LINK_NAME 16 /* IFNAMSIZ, if_name(7) */

/* What kind of link has that index: "veth", "dummy", "" for hardware. -ENODEV without a reason. */
int link_kind(const struct netns *netns, int index, char kind[LINK_KIND]);

/* The name of the link with that index. -ENODEV without a reason. */
int link_name(const struct netns *netns, int index, char ret[LINK_NAME]);

/* No IPv6 address of its MAC from now on, whenever it goes up. Returns -errno, without a reason. */
int link_forbid_link_local(const struct netns *netns, int index);

int link_up(const struct netns *netns, const char *name, struct err *err);
int link_up_index(const struct netns *netns, int index, struct err *err);

/* Change what is set while the link lives. */
int link_set_mac_index(const struct netns *netns, int index, const struct mac *mac, struct err *err);
int link_rename(const struct netns *netns, const char *name, const char *to, struct err *err);
int link_rename_index(const struct netns *netns, int index, const char *to, struct err *err);

/* Make a bridge of ours, up, with vlan_filtering on, its alias (ifalias) saying that OpenVE made it; one that exists
 * already, whoever made it, is success and left as it is; a link of another kind is -EEXIST. */
int link_make_bridge(const struct netns *node, const char *bridge, struct err *err);

/* Remove a bridge that OpenVE made (by its alias), if it has no ports left. Not there, in use, or an operator's:
 * success. */
int link_drop_bridge(const struct netns *node, const char *bridge, struct err *err);

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
int link_set_port(const struct netns *node, const char *name, const struct link_port *port, struct err *err);
int link_clear_port(const struct netns *node, const char *name, struct err *err);

/* Move a link (a device of the node) from one namespace to the other under the name given. It comes down on the way.
 * Returns its index there. */
int link_move(const struct netns *from, const char *name, const struct netns *to, const char *new_name,
	      struct err *err);
int link_move_index(const struct netns *from, int index, const struct netns *to, const char *new_name, struct err *err);
