/* ARP for IPv4 over Ethernet (RFC 826), as address conflicts are found and avoided with it (RFC 5227). */
#pragma once

#include "netns/frame.h"

/* Who has it? `sender` is our own address, NULL for a probe, which nobody takes for a claim of ours; Linux does not
 * answer a probe for an address that it is only a proxy for. */
void arp_ask(struct frame *ret, const struct mac *mac, const struct ip *sender, const struct ip *ip);

/* We have it. */
void arp_announce(struct frame *ret, const struct mac *mac, const struct ip *ip);

/* What a message claims. False if it is not what the RFCs say such a message is. */
bool arp_read(const void *bytes, size_t len, struct claim *ret);
