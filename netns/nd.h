/* Neighbour discovery for IPv6 over Ethernet (RFC 4861), as duplicate addresses are found with it (RFC 4862, 5.4). */
#pragma once

#include "netns/frame.h"

/* Has anybody got it? From the unspecified address: nobody takes it for a claim of ours. */
void nd_ask(struct frame *ret, const struct ip *ip);

/* We have it: unsolicited, and what others remember is to be replaced. */
void nd_announce(struct frame *ret, const struct mac *mac, const struct ip *ip);

/* What a message claims; `from` is whose frame it came in. False if it is not what the RFCs say such a message is. */
bool nd_read(const void *bytes, size_t len, const struct mac *from, struct claim *ret);
