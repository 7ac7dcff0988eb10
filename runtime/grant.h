/* What a VE is granted of the kernel's network beyond what all VEs have: its NETFILTER and FEATURES as bits. The tables
 * of what holds VEs back (seccomp.c, guard.c, bind.c) have a column for them. */
#pragma once

#include <stdint.h>

struct err;
struct ve_config;

enum {
	GRANT_NETFILTER = 1 << 0, /* nftables, and iptables by way of it */
	GRANT_TRACKING = 1 << 1,  /* connection tracking */
	GRANT_NAT = 1 << 2,	  /* with it, tracking also in network namespaces within the VE's own */
	GRANT_XTABLES = 1 << 3,	  /* iptables by the interface that it had before nftables */

	GRANT_BRIDGE = 1 << 4,
	GRANT_DUMMY = 1 << 5,
	GRANT_IPGRE = 1 << 6,
	GRANT_IPIP = 1 << 7,
	GRANT_SIT = 1 << 8,
	GRANT_TUN = 1 << 9,
	GRANT_WIREGUARD = 1 << 10,
};

uint32_t grant_of(const struct ve_config *config);

/* Load the kernel modules of the features among them, those that are not there yet. A feature whose module this kernel
 * does not have is an error that names both. */
int grant_modules(uint32_t granted, struct err *err);
