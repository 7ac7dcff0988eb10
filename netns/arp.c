#include "netns/arp.h"

#include <arpa/inet.h>
#include <netinet/if_ether.h>
#include <string.h>

static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void request(struct frame *ret, const struct mac *mac, const struct ip *sender, const struct ip *target)
{
	struct ether_arp arp = {
		.arp_hrd = htons(ARPHRD_ETHER),
		.arp_pro = htons(ETH_P_IP),
		.arp_hln = sizeof(arp.arp_sha),
		.arp_pln = sizeof(arp.arp_spa),
		.arp_op = htons(ARPOP_REQUEST),
	};

	memcpy(arp.arp_sha, mac->bytes, sizeof(arp.arp_sha));
	if (sender)
		memcpy(arp.arp_spa, sender->bytes, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, target->bytes, sizeof(arp.arp_tpa));
	*ret = (struct frame){.protocol = ETH_P_ARP, .to = everybody, .len = sizeof(arp)};
	memcpy(ret->bytes, &arp, sizeof(arp));
}

void arp_ask(struct frame *ret, const struct mac *mac, const struct ip *sender, const struct ip *ip)
{
	request(ret, mac, sender, ip);
}

/* A request, not a reply: that is what all take notice of (RFC 5227, 3). */
void arp_announce(struct frame *ret, const struct mac *mac, const struct ip *ip)
{
	request(ret, mac, ip, ip);
}

static bool is_well_formed(const struct ether_arp *arp)
{
	return ntohs(arp->arp_hrd) == ARPHRD_ETHER && ntohs(arp->arp_pro) == ETH_P_IP &&
	       arp->arp_hln == sizeof(arp->arp_sha) && arp->arp_pln == sizeof(arp->arp_spa) &&
	       (ntohs(arp->arp_op) == ARPOP_REQUEST || ntohs(arp->arp_op) == ARPOP_REPLY);
}

/* Whoever sends one has the sender's address, and without one, in a request, is about to take the target's. */
bool arp_read(const void *bytes, size_t len, struct claim *ret)
{
	static const uint8_t nobody[4];
	struct claim claim = {.ip = {.family = AF_INET, .prefix = 32}};
	struct ether_arp arp;

	if (len < sizeof(arp))
		return false;
	memcpy(&arp, bytes, sizeof(arp));
	bool probe = memcmp(arp.arp_spa, nobody, sizeof(nobody)) == 0;
	if (!is_well_formed(&arp) || (probe && ntohs(arp.arp_op) != ARPOP_REQUEST))
		return false;

	memcpy(claim.ip.bytes, probe ? arp.arp_tpa : arp.arp_spa, sizeof(arp.arp_spa));
	memcpy(claim.mac.bytes, arp.arp_sha, sizeof(arp.arp_sha));
	if (mac_is_zero(&claim.mac) || mac_is_multicast(&claim.mac))
		return false;
	*ret = claim;
	return true;
}
