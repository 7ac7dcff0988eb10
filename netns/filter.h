/* What guests may send and reach: tables `inet openve` and `bridge openve` of nftables. Their rules are fixed; sets and
 * maps keyed by interface and address hold what is one guest's, so that a guest more is some elements more, in one
 * transaction.
 *
 * They come before any rule of an operator. A packet from a guest passes only with a source that is the guest's own:
 * MAC, IPv4, IPv6, and the same in ARP and neighbour discovery. Router advertisements, redirects, answers of DHCP
 * servers, VLAN tags and whatever is neither IP nor ARP do not pass. An interface that is routed and not admitted
 * passes nothing.
 *
 * A bridged interface with addresses sends from these (and the IPv6 link-local ones that it was the first to use). One
 * without takes addresses by using them, a few at a time, as long as no guest and not the node has them, on whichever
 * bridge; it keeps them until it has been silent for an hour. Without mac_filter it may have other MACs behind it, too,
 * and takes addresses the same way. One that is no bridge's port and has no addresses sends from those that the node
 * routes to it.
 *
 * All of it is done by a process of its own that owns the tables (see nft.h): nobody else on the node can flush them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "netns/net.h"

struct err;

/* What the node's operator decides. */
struct filter_policy {
	struct ips masquerade; /* networks whose guests reach the world under the node's address */
	const struct filter_service {
		uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
		uint16_t port;
	} *services; /* of the node, for guests; all others are closed to them */
	size_t n_services;
	/* That the node tracks for one guest at most; from three quarters of it on some new ones are refused. 0: 65536.
	 */
	uint32_t connections;
};

/* Make the tables anew, in one transaction, with the policy and these guests. Guests that the tables have go on
 * counting where they are; for others it begins at guest->traffic. Also the first time, and when the policy has
 * changed. */
int filter_rebuild(const struct filter_policy *policy, const struct net_guest *guests, size_t n, struct err *err);

/* Are the tables there, ours, and made by this version? */
bool filter_intact(void);

/* Change what is admitted from one network to the other; NULL: nothing. One transaction, all or nothing. An address or
 * a published port that another guest has is -EEXIST and says which. With `from` NULL it is idempotent in nothing; with
 * `to` NULL it is idempotent. Where `from` is NULL counting begins at to->traffic, and at zero for an interface that
 * comes later. */
int filter_change(const struct net_guest *from, const struct net_guest *to, struct err *err);

/* Add up what the guest's interfaces have counted. Those that are not admitted count as nothing. */
int filter_traffic(const struct net_guest *guest, struct net_traffic *ret, struct err *err);
