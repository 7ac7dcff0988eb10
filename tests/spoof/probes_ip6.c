/* IPv6: other sources, servers, routers, in the open and hidden. */
#include "tests/spoof/probes.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"

/* The numbers are IANA's; the headers that have them claim the name of struct ip. */
enum { FRAGMENT = 44, OPTIONS = 60 };
enum { ECHO_REQUEST = 128, MLD_QUERY = 130, ROUTER_ADVERT = 134, REDIRECT = 137, MLD2_REPORT = 143 };

static const struct ip nobody = {.family = AF_INET6};

static void ether(struct frame *frame, const struct cast *cast)
{
	frame_ether(frame, &cast->to.mac, &cast->me.mac, PROBE_IP6);
}

static void udp6(struct frame *frame, const struct probe *probe, const struct cast *cast, const struct ip *from,
		 unsigned from_port, unsigned to_port)
{
	ether(frame, cast);
	size_t ip = frame_ip6(frame, from, &cast->to.ip6, IPPROTO_UDP);
	size_t udp = frame_udp(frame, from_port, to_port);

	probe_mark(frame, probe);
	frame_close_upper(frame, ip, udp, IPPROTO_UDP);
	frame_close_ip6(frame, ip);
}

BUILDER(ip6_own)
{
	udp6(frame, probe, cast, &cast->me.ip6, 9, 9);
}

BUILDER(ip6_source)
{
	udp6(frame, probe, cast, &cast->victim.ip6, 9, 9);
}

BUILDER(ip6_unspecified)
{
	udp6(frame, probe, cast, &nobody, 9, 9);
}

BUILDER(dhcp6_reply)
{
	udp6(frame, probe, cast, &cast->me.ip6, 547, 546);
}

BUILDER(dhcp6_solicit)
{
	udp6(frame, probe, cast, &cast->me.ip6, 546, 547);
}

/* With the mark as what it carries. */
static void icmp6(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned type)
{
	ether(frame, cast);
	size_t ip = frame_ip6(frame, &cast->me.ip6, &cast->to.ip6, IPPROTO_ICMPV6);
	size_t icmp = frame_icmp(frame, type, 0);

	frame_put32(frame, 0);
	probe_mark(frame, probe);
	frame_close_upper(frame, ip, icmp, IPPROTO_ICMPV6);
	frame_close_ip6(frame, ip);
}

BUILDER(icmp6_echo)
{
	icmp6(frame, probe, cast, ECHO_REQUEST);
}

BUILDER(icmp6_redirect)
{
	icmp6(frame, probe, cast, REDIRECT);
}

BUILDER(icmp6_router)
{
	icmp6(frame, probe, cast, ROUTER_ADVERT);
}

BUILDER(mld_query)
{
	icmp6(frame, probe, cast, MLD_QUERY);
}

BUILDER(mld_report)
{
	icmp6(frame, probe, cast, MLD2_REPORT);
}

/* A header that only says what comes next (RFC 8200, 4.6): padding. */
static void options6(struct frame *frame, unsigned next_header)
{
	frame_put32(frame, next_header << 24 | 0x000104);
	frame_put32(frame, 0);
}

/* The advertisement behind another header. */
BUILDER(router_behind)
{
	ether(frame, cast);
	size_t ip = frame_ip6(frame, &cast->me.ip6, &cast->to.ip6, OPTIONS);
	options6(frame, IPPROTO_ICMPV6);
	size_t icmp = frame_icmp(frame, ROUTER_ADVERT, 0);

	frame_fill(frame, 12);
	probe_mark(frame, probe);
	frame_close_upper(frame, ip, icmp, IPPROTO_ICMPV6);
	frame_close_ip6(frame, ip);
}

/* `at` in units of eight bytes. */
static size_t fragment6(struct frame *frame, const struct cast *cast, unsigned next_header, unsigned at, bool more)
{
	ether(frame, cast);
	size_t ip = frame_ip6(frame, &cast->me.ip6, &cast->to.ip6, FRAGMENT);

	frame_put16(frame, next_header << 8);
	frame_put16(frame, at << 3 | more);
	frame_put32(frame, 0x0b5e55ed);
	return ip;
}

/* Of what is in fragments only the first shows its type; what is in the mark's place is never read. */
static void fragmented(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned type,
		       unsigned part)
{
	size_t ip = fragment6(frame, cast, IPPROTO_ICMPV6, part * 8, part == 0);
	size_t begin = frame->len;

	if (part == 0)
		frame_icmp(frame, type, 0);
	probe_mark(frame, probe);
	frame_fill(frame, 64 - (frame->len - begin));
	frame_close_ip6(frame, ip);
}

BUILDER(router_fragmented)
{
	fragmented(frame, probe, cast, ROUTER_ADVERT, part);
}

BUILDER(echo_fragmented)
{
	fragmented(frame, probe, cast, ECHO_REQUEST, part);
}

/* The first fragment has room only for a header that hides what is in the second (RFC 7113). */
BUILDER(router_hidden)
{
	size_t ip = fragment6(frame, cast, OPTIONS, part, part == 0);

	if (part == 0) {
		options6(frame, IPPROTO_ICMPV6);
	} else {
		frame_icmp(frame, ROUTER_ADVERT, 0);
		frame_fill(frame, 12);
		probe_mark(frame, probe);
	}
	frame_close_ip6(frame, ip);
	if (part == 0)
		probe_mark(frame, probe);
}

static const struct probe list[] = {
	{"dhcp6-reply", "a DHCPv6 server's answer", LINK | ROUTED, .build = dhcp6_reply},
	{"icmp6-redirect", "another way to somewhere", LINK | ROUTED, .build = icmp6_redirect},
	{"icmp6-router", "a router advertisement", LINK | ROUTED, .build = icmp6_router},
	{"ip6-source", "UDP from another's IPv6 address", LINK | ROUTED, .build = ip6_source},
	{"ip6-unspecified", "UDP from ::", LINK, .build = ip6_unspecified},
	{"mld-query", "a multicast router", LINK | ROUTED, .build = mld_query},
	{"router-behind", "a router advertisement behind another header", LINK | ROUTED, .build = router_behind},
	{"router-fragmented", "the first fragment of a router advertisement", LINK | ROUTED,
	 .build = router_fragmented},
	{"router-hidden", "a router advertisement hidden in fragments", LINK | ROUTED, .parts = 2,
	 .build = router_hidden},
	{"dhcp6-solicit", "ask for an IPv6 address", LINK | ROUTED, true, .build = dhcp6_solicit},
	{"echo-fragmented", "a ping in fragments", LINK | ROUTED, true, .parts = 2, .build = echo_fragmented},
	{"icmp6-echo", "a ping", LINK | ROUTED, true, .build = icmp6_echo},
	{"ip6-own", "UDP", LINK | ROUTED, true, .build = ip6_own},
	{"mld-report", "listen to a group", LINK, true, .build = mld_report},
};

struct probes probes_ip6(void)
{
	return (struct probes){list, countof(list)};
}
