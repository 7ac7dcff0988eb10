/* From what a command line wants changed to what is to be: `--ipadd A` over the addresses there are. */
#pragma once

#include <stdint.h>

#include "runtime/config.h"

struct err;

/* Turn the edits in the change (rows that are PARAM_EDIT) into whole values of IP_ADDRESS, NETIF, NETDEV, PORTS and
 * FEATURES, over those of `before`, or over the change's own where it has a whole value. Deletions come before
 * additions. No edit is left then but SKIP_ARPDETECT. On failure the change is as it was.
 *
 * What is not there cannot be deleted, what is there not be added as something else. A new interface gets MACs and a
 * name on the node. */
int config_resolve(uint32_t ctid, const struct ve_config *before, struct ve_config *change, struct err *err);
