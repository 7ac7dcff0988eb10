/* The Ethernet interfaces of a VE, veth pairs whose other end is on the node, as NETIF has them in vzctl's own format:
 * `ifname=eth0,bridge=br0,mac=00:18:51:…,host_ifname=veth101.0,host_mac=fe:18:51:…,mac_filter=on;ifname=eth1,…`. Beside
 * vzctl 4's keys there are vlan=N, ip=ADDRESS/BITS (as often as it takes), gw=ADDRESS and gw6=ADDRESS. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "netns/net.h"

struct why;

#define NETIF_VLAN_MAX 4094 /* IEEE 802.1Q */

struct netif {
	struct net_interface net; /* never routed. host_name "" or MACs of zeros: missing, see netifs_complete() */
	char *kept;		  /* keys of other programs, "network=lan,configure=none", or NULL */
};

struct netifs {
	struct netif *list;
	size_t n;
};

/* -EINVAL with what is wrong with it: also an interface without a name, and two with one name or MAC. */
int netifs_parse(const char *text, struct netifs *ret, struct why *why);

/* Add what --netif_add says: `IF[,MAC,HOST_IF,HOST_MAC,BRIDGE]`, of which any but the first may be empty. */
int netifs_parse_option(struct netifs *netifs, const char *text, struct why *why);

/* Canonical; the caller frees. */
char *netifs_print(const struct netifs *netifs);

void netifs_done(struct netifs *netifs);
#define cleanup_netifs __attribute__((cleanup(netifs_done)))

/* NULL if there is none of that name in the VE. */
struct netif *netifs_find(const struct netifs *netifs, const char *name);

/* Put it at the end, or take it out; what it owns belongs to the list, or is freed. */
void netifs_add(struct netifs *netifs, struct netif *netif);
void netifs_remove(struct netifs *netifs, struct netif *netif);

/* Fill in what is missing: names on the node (veth101.0), MACs that follow from the CTID and the interface's name, so
 * that they are the same whenever a file without them is read. -EINVAL when the names have run out. */
int netifs_complete(struct netifs *netifs, uint32_t ctid, struct why *why);

/* The VE gets another CTID: names on the node that follow from it follow from the new one. What nobody named yet is
 * what it was by the old one. */
int netifs_renumber(struct netifs *netifs, uint32_t from, uint32_t to, struct why *why);

/* No two of them have a name, a name on the node or a MAC in common. */
int netifs_check(const struct netifs *netifs, struct why *why);

/* One of vzctl's keys of an interface, from text: "bridge", "br0". -EINVAL with what is wrong with it. */
int netif_set(struct netif *netif, const char *key, const char *value, struct why *why);

/* What is wrong with a name for a network device, in a VE or on the node; NULL: nothing. It is quoted nowhere: not in
 * vzctl's formats, not in nftables'. */
const char *netif_name_fault(const char *name);

/* What is wrong with a station's MAC address; NULL: nothing. */
const char *netif_mac_fault(const struct mac *mac);
