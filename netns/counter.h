/* The counter of one element of a set of nftables, asked of the kernel itself: libnftables would load all elements of
 * all sets for that, which takes longer the more guests there are. Reading needs no owner. */
#pragma once

#include <stddef.h>

#include "netns/net.h"

struct err;
struct nl_sock;

/* NFPROTO_INET and NFPROTO_BRIDGE of <linux/netfilter.h>, which does not go with <netinet/in.h>. */
enum counter_family { COUNTER_INET = 1, COUNTER_BRIDGE = 7 };

/* A socket for questions; NULL with the reason in err, and err->no > 0. */
struct nl_sock *counter_open(struct err *err);

/* The key as the kernel has it. Returns a negative errno, without a reason: -ENOENT if there is no such element, set or
 * table. */
int counter_read(struct nl_sock *sock, enum counter_family family, const char *table, const char *set, const void *key,
		 size_t key_size, struct net_count *ret);
