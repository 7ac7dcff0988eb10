#include "netns/nd.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

#define HOP_LIMIT 255 /* what a router has not passed on (RFC 4861, 7.1) */

/* Solicitations and advertisements have the same layout; so have the options of theirs that hold a MAC. */
struct message {
	struct ip6_hdr ip6;
	struct nd_neighbor_advert nd;
	struct {
		struct nd_opt_hdr head;
		struct mac mac;
	} option;
};

#define BARE_SIZE offsetof(struct message, option)

/* ---- to send ---- */

static uint32_t sum(const void *bytes, size_t len, uint32_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		n += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	return n;
}

/* RFC 4443, 2.3: of the message with both addresses, its length and the number of the protocol. 0 if it holds its own.
 */
static uint16_t checksum(const struct ip6_hdr *ip6, const void *icmp6, size_t len)
{
	uint32_t n = sum(&ip6->ip6_src, 2 * sizeof(ip6->ip6_src), (uint32_t)len + IPPROTO_ICMPV6);

	n = sum(icmp6, len, n);
	n = (n & 0xffff) + (n >> 16);
	return (uint16_t)~(n + (n >> 16));
}

static struct message message(uint8_t type, const struct ip *ip, size_t size)
{
	struct message m = {
		.ip6 = {.ip6_flow = htonl(6u << 28),
			.ip6_nxt = IPPROTO_ICMPV6,
			.ip6_hlim = HOP_LIMIT,
			.ip6_plen = htons((uint16_t)(size - sizeof(struct ip6_hdr)))},
		.nd = {.nd_na_type = type},
	};

	memcpy(&m.nd.nd_na_target, ip->bytes, sizeof(m.nd.nd_na_target));
	return m;
}

/* The MAC of a multicast group is 33:33 and its last four bytes (RFC 2464, 7). */
static void finish(struct frame *ret, struct message *m, size_t size)
{
	*ret = (struct frame){.protocol = ETH_P_IPV6, .to = {{0x33, 0x33}}, .len = size};
	memcpy(ret->to.bytes + 2, m->ip6.ip6_dst.s6_addr + 12, 4);
	m->nd.nd_na_cksum = htons(checksum(&m->ip6, &m->nd, size - sizeof(m->ip6)));
	memcpy(ret->bytes, m, size);
}

void nd_ask(struct frame *ret, const struct ip *ip)
{
	static const struct in6_addr solicited_node = {{{0xff, 0x02, [11] = 0x01, [12] = 0xff}}};
	struct message m = message(ND_NEIGHBOR_SOLICIT, ip, BARE_SIZE);

	m.ip6.ip6_dst = solicited_node;
	memcpy(m.ip6.ip6_dst.s6_addr + 13, ip->bytes + 13, 3);
	finish(ret, &m, BARE_SIZE);
}

/* The address speaks for itself: the device may have none. */
void nd_announce(struct frame *ret, const struct mac *mac, const struct ip *ip)
{
	static const struct in6_addr all_nodes = {{{0xff, 0x02, [15] = 0x01}}};
	struct message m = message(ND_NEIGHBOR_ADVERT, ip, sizeof(m));

	memcpy(&m.ip6.ip6_src, ip->bytes, sizeof(m.ip6.ip6_src));
	m.ip6.ip6_dst = all_nodes;
	m.nd.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	m.option.head.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	m.option.head.nd_opt_len = sizeof(m.option) / 8;
	m.option.mac = *mac;
	finish(ret, &m, sizeof(m));
}

/* ---- received ---- */

struct reader {
	struct message m;	/* without the option */
	const uint8_t *options; /* all of them are inside the packet */
	size_t options_len;
};

static bool read_heads(const uint8_t *bytes, size_t len, struct reader *ret)
{
	if (len < BARE_SIZE)
		return false;
	memcpy(&ret->m, bytes, BARE_SIZE);
	const struct ip6_hdr *ip6 = &ret->m.ip6;
	size_t payload = ntohs(ip6->ip6_plen);
	if (ip6->ip6_vfc >> 4 != 6 || ip6->ip6_nxt != IPPROTO_ICMPV6 || ip6->ip6_hlim != HOP_LIMIT ||
	    payload < sizeof(ret->m.nd) || payload > len - sizeof(*ip6))
		return false;

	ret->options = bytes + BARE_SIZE;
	ret->options_len = payload - sizeof(ret->m.nd);
	return checksum(ip6, bytes + sizeof(*ip6), payload) == 0;
}

/* The MAC in the first option of that type; *ret as it is if there is none. False if one of the options is no option.
 */
static bool read_option(const struct reader *reader, uint8_t type, struct mac *ret)
{
	const uint8_t *option = reader->options;
	bool found = false;

	for (size_t left = reader->options_len, len; left > 0; left -= len, option += len) {
		if (left < 8 || (len = 8u * option[1]) == 0 || len > left)
			return false;
		if (option[0] != type || found)
			continue;
		if (len != 8)
			return false;
		memcpy(ret->bytes, option + sizeof(struct nd_opt_hdr), sizeof(ret->bytes));
		found = true;
	}
	return true;
}

/* An answer to nobody in particular is not a solicited one (RFC 4861, 7.1.2). */
static bool is_advert(const struct message *m)
{
	return m->nd.nd_na_type == ND_NEIGHBOR_ADVERT && !IN6_IS_ADDR_UNSPECIFIED(&m->ip6.ip6_src) &&
	       !(IN6_IS_ADDR_MULTICAST(&m->ip6.ip6_dst) && m->nd.nd_na_flags_reserved & ND_NA_FLAG_SOLICITED);
}

/* Somebody else asks as we do (RFC 4862, 5.4.3). */
static bool is_probe(const struct message *m)
{
	return m->nd.nd_na_type == ND_NEIGHBOR_SOLICIT && IN6_IS_ADDR_UNSPECIFIED(&m->ip6.ip6_src) &&
	       IN6_IS_ADDR_MULTICAST(&m->ip6.ip6_dst);
}

bool nd_read(const void *bytes, size_t len, const struct mac *from, struct claim *ret)
{
	struct reader reader;
	struct claim claim = {.ip = {.family = AF_INET6, .prefix = 128}, .mac = *from};

	if (!read_heads(bytes, len, &reader) || reader.m.nd.nd_na_code != 0 ||
	    !(is_advert(&reader.m) || is_probe(&reader.m)) || !read_option(&reader, ND_OPT_TARGET_LINKADDR, &claim.mac))
		return false;

	memcpy(claim.ip.bytes, &reader.m.nd.nd_na_target, sizeof(reader.m.nd.nd_na_target));
	if (IN6_IS_ADDR_MULTICAST(&reader.m.nd.nd_na_target) || mac_is_zero(&claim.mac) || mac_is_multicast(&claim.mac))
		return false;
	*ret = claim;
	return true;
}
