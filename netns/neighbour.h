/* A routed guest's addresses on the node's own Ethernets: does somebody there have one already, the node's answers for
 * them (proxy ARP and neighbour discovery), and telling everybody after they have come here (RFC 5227, RFC 4861, RFC
 * 826). */
#pragma once

#include "runtime/base/ip.h"
#include "runtime/base/mac.h"

struct err;
struct netns;

#define NEIGHBOUR_DEVICES 16

/* Which devices of the node: vz.conf's NEIGHBOUR_DEVS. */
struct neighbour_devices {
	enum { NEIGHBOUR_DETECT, NEIGHBOUR_ALL, NEIGHBOUR_LIST } how;
	const char *list; /* names separated by blanks */
};

/* The devices on which the address is to be answered for: of the Ethernets that are up, all, those listed, or those
 * that have an address in whose network this one lies. Bridges are Ethernets, their ports are not. Never one of a
 * guest's. Returns how many, their indexes in ret; there may be none. Costs little, but for "all", which looks at every
 * link of the node. */
int neighbour_find(const struct netns *node, const struct neighbour_devices *devices, const struct ip *ip,
		   int ret[NEIGHBOUR_DEVICES], struct err *err);

/* Ask on these devices whether somebody has one of the addresses, is another node that answers for it, or is about to
 * take it: two probes 100 ms apart, an answer within 300 ms, for all addresses at once. Returns 1 with who it is, 0
 * when nobody answers, at once where there is no device to ask on. */
struct neighbour_duplicate {
	struct ip ip;
	struct mac mac;
	char device[16];
};
int neighbour_detect(const struct netns *node, const struct neighbour_devices *devices, const struct ips *ips,
		     struct neighbour_duplicate *ret, struct err *err);

/* Answer for it, without the kernel's delay, as long as the device is up: the kernel forgets it when that goes down,
 * and this is to be called again. It also needs the node to forward packets (route_forwarding) and, of IPv4, a route
 * for the address that leads elsewhere. Idempotent, both. */
int neighbour_answer(const struct netns *node, const struct neighbour_devices *devices, const struct ip *ip,
		     struct err *err);
int neighbour_forget(const struct netns *node, const struct ip *ip,
		     struct err *err); /* on whatever device it is answered for */

/* Say who has them now: gratuitous ARP, unsolicited neighbour advertisements with the override flag. */
int neighbour_announce(const struct netns *node, const struct neighbour_devices *devices, const struct ips *ips,
		       struct err *err);
