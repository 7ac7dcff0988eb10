/* Addresses and routes. `node` is our own network namespace, `netns` any. What is there already, or gone already, is
 * success unless it says otherwise. */
#pragma once

#include <stdbool.h>

#include "runtime/base/ip.h"

struct err;
struct netns;

/* Without duplicate address detection: the node answers for it that it is the only one. With its prefix, as given. */
int addr_add(const struct netns *netns, int index, const struct ip *ip, struct err *err);
int addr_remove(const struct netns *netns, int index, const struct ip *ip, struct err *err);

/* Is it the node's own? */
bool route_is_ours(const struct netns *node, const struct ip *ip);

/* The default route of a family through the link; gateway NULL: directly, every address is behind it. One that leads
 * elsewhere already stays, in front of ours. */
int route_add_default(const struct netns *netns, int index, int family, const struct ip *gateway, struct err *err);
int route_remove_default(const struct netns *netns, int index, int family, const struct ip *gateway, struct err *err);

/* The node's route to one address through the link. An address that has a route of its own through another link is
 * -EEXIST: somebody has it. */
int route_add_host(const struct netns *node, int index, const struct ip *ip, struct err *err);
int route_remove_host(const struct netns *node, int index, const struct ip *ip, struct err *err);

/* Let the node forward packets of both families, in our own namespace. An interface that takes its routes from router
 * advertisements goes on doing so: accept_ra 1 becomes 2 (the kernel's ip-sysctl documentation, accept_ra). Costs two
 * small reads when all is set already. */
int route_forwarding(struct err *err);
