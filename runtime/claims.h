/* What only one VE can have: addresses, MACs, names of links on the node, ports of the node. The kernel refuses a
 * second one to a VE that runs; here the configurations of all VEs are asked, before a change is saved. */
#pragma once

#include <stdint.h>

struct err;
struct host;
struct ve_config;

/* Has another VE, running or not, what this configuration wants beyond `before`? ERR_ADDRESS_IN_USE, ERR_VETH; the
 * message names what and whose. Also refused: an address, a link or a port in use that is the node's own. `before` may
 * be NULL. */
int claims_check(const struct host *host, uint32_t ctid, const struct ve_config *before, const struct ve_config *wanted,
		 struct err *err);
