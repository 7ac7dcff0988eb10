/* What goes over an Ethernet to find out who has an address, and to say so: messages of ARP and of neighbour discovery,
 * without the head of the frame. Those that come in are a stranger's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/ip.h"
#include "runtime/base/mac.h"

struct frame {
	uint16_t protocol; /* ETH_P_ARP, ETH_P_IPV6 */
	struct mac to;
	size_t len;
	uint8_t bytes[80];
};

/* Somebody says that he has the address, or is about to take it. */
struct claim {
	struct ip ip;
	struct mac mac;
};
