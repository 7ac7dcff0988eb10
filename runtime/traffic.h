/* What a VE has sent and received since it was created: the filter counts while it runs, and between two runs the last
 * count lies in the pool. */
#pragma once

#include <stdint.h>

#include "netns/net.h"

struct err;
struct host;
struct op;

/* What it had when it last stopped; zeros if it never ran. */
int traffic_load(const struct host *host, uint32_t ctid, struct net_traffic *ret, struct err *err);

/* Keep what the guest has counted up to now. That it cannot be kept is only worth a warning. */
void traffic_save(struct op *op, uint32_t ctid, const struct net_guest *guest);

int traffic_forget(const struct host *host, uint32_t ctid, struct err *err);
