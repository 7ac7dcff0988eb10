/* Ports of the node that lead to a VE, as PORTS has them: `tcp:192.0.2.1:8080:80 udp:[::]:53:53`, that is protocol (tcp
 * where an option has none), address of the node (0.0.0.0 and [::]: any of that family), its port, the VE's port. */
#pragma once

#include <stddef.h>

#include "netns/net.h"

struct why;

struct publishes {
	struct net_publish *list; /* `to` is none until publishes_aim() */
	size_t n;
};

/* -EINVAL with what is wrong with it. The same entry twice is kept once; two for one port of the node are refused. */
int publishes_parse(const char *text, struct publishes *ret, struct why *why);

/* Canonical; the caller frees. */
char *publishes_print(const struct publishes *publishes);
char *publish_print(const struct net_publish *publish);

void publishes_done(struct publishes *publishes);
#define cleanup_publishes __attribute__((cleanup(publishes_done)))

/* The one for that protocol, address and port of the node; NULL if there is none. */
struct net_publish *publishes_find(const struct publishes *publishes, const struct net_publish *like);

void publishes_add(struct publishes *publishes, const struct net_publish *publish);
void publishes_remove(struct publishes *publishes, struct net_publish *publish);

/* Let each lead to the first of the VE's addresses that is of its family. Returns the first for which there is none, or
 * NULL. */
const struct net_publish *publishes_aim(struct publishes *publishes, const struct ips *ips);
