/* IPv4: other sources, servers, routers. */
#include "tests/spoof/probes.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"

/* The numbers are IANA's; the headers that have them claim the name of struct ip. */
enum { ECHO_REQUEST = 8, REDIRECT = 5, ROUTER_ADVERT = 9 };
enum { IGMP_QUERY = 0x11, IGMP_REPORT = 0x16, IGMP_ROUTER = 0x30 };
enum { PIM = 103, PIM_HELLO = 0x20 };

static const struct ip nobody = {.family = AF_INET};
static const struct ip everybody = {.family = AF_INET, .bytes = {255, 255, 255, 255}};

static void ether(struct frame *frame, const struct cast *cast)
{
	frame_ether(frame, &cast->to.mac, &cast->me.mac, PROBE_IP4);
}

BUILDER(ip4_own)
{
	ether(frame, cast);
	probe_udp4(frame, probe, &cast->me.ip4, &cast->to.ip4, 9, 9);
}

BUILDER(ip4_source)
{
	ether(frame, cast);
	probe_udp4(frame, probe, &cast->victim.ip4, &cast->to.ip4, 9, 9);
}

BUILDER(ip4_unspecified)
{
	ether(frame, cast);
	probe_udp4(frame, probe, &nobody, &everybody, 9, 9);
}

BUILDER(mac_source)
{
	frame_ether(frame, &cast->to.mac, &cast->victim.mac, PROBE_IP4);
	probe_udp4(frame, probe, &cast->me.ip4, &cast->to.ip4, 9, 9);
}

BUILDER(dhcp4_offer)
{
	ether(frame, cast);
	probe_udp4(frame, probe, &cast->me.ip4, &cast->to.ip4, 67, 68);
}

/* RFC 2131: the hardware address is at 28 in a message of 236 bytes and options. */
static void discover(struct frame *frame, const struct probe *probe, const struct cast *cast, const struct mac *mac)
{
	ether(frame, cast);
	size_t ip = frame_ip4(frame, &nobody, &everybody, IPPROTO_UDP);
	size_t udp = frame_udp(frame, 68, 67);

	frame_put32(frame, 0x01010600);
	frame_fill(frame, 24);
	frame_put(frame, mac->bytes, 6);
	frame_fill(frame, 202);
	probe_mark(frame, probe);
	frame_close_upper(frame, ip, udp, IPPROTO_UDP);
	frame_close_ip4(frame, ip);
}

BUILDER(dhcp4_discover)
{
	discover(frame, probe, cast, &cast->me.mac);
}

BUILDER(dhcp4_starve)
{
	discover(frame, probe, cast, &cast->victim.mac);
}

/* A message of ICMP, IGMP or PIM: type, code, checksum and four bytes. */
static void message4(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned protocol,
		     unsigned type)
{
	ether(frame, cast);
	size_t ip = frame_ip4(frame, &cast->me.ip4, &cast->to.ip4, protocol);
	size_t icmp = frame_icmp(frame, type, 0);

	frame_put(frame, cast->me.ip4.bytes, 4);
	probe_mark(frame, probe);
	frame_close_upper(frame, ip, icmp, protocol);
	frame_close_ip4(frame, ip);
}

BUILDER(icmp4_echo)
{
	message4(frame, probe, cast, IPPROTO_ICMP, ECHO_REQUEST);
}

BUILDER(icmp4_redirect)
{
	message4(frame, probe, cast, IPPROTO_ICMP, REDIRECT);
}

BUILDER(icmp4_router)
{
	message4(frame, probe, cast, IPPROTO_ICMP, ROUTER_ADVERT);
}

BUILDER(igmp_query)
{
	message4(frame, probe, cast, IPPROTO_IGMP, IGMP_QUERY);
}

BUILDER(igmp_router)
{
	message4(frame, probe, cast, IPPROTO_IGMP, IGMP_ROUTER);
}

BUILDER(igmp_report)
{
	message4(frame, probe, cast, IPPROTO_IGMP, IGMP_REPORT);
}

BUILDER(pim_hello)
{
	message4(frame, probe, cast, PIM, PIM_HELLO);
}

static const struct probe list[] = {
	{"dhcp4-offer", "a DHCP server's answer", LINK | ROUTED, .build = dhcp4_offer},
	{"dhcp4-starve", "ask for an address for another's MAC", LINK, .build = dhcp4_starve},
	{"icmp4-redirect", "another way to somewhere", LINK | ROUTED, .build = icmp4_redirect},
	{"icmp4-router", "a router (RFC 1256)", LINK | ROUTED, .build = icmp4_router},
	{"igmp-query", "a multicast router", LINK, .build = igmp_query},
	{"igmp-router", "a multicast router (RFC 4286)", LINK, .build = igmp_router},
	{"ip4-source", "UDP from another's address", LINK | ROUTED, .build = ip4_source},
	{"ip4-unspecified", "UDP from 0.0.0.0", LINK, .build = ip4_unspecified},
	{"mac-source", "UDP from another's MAC", LINK, .build = mac_source},
	{"pim-hello", "a multicast router", LINK, .build = pim_hello},
	{"dhcp4-discover", "ask for an address", LINK, true, .build = dhcp4_discover},
	{"icmp4-echo", "a ping", LINK | ROUTED, true, .build = icmp4_echo},
	{"igmp-report", "listen to a group", LINK | ROUTED, true, .build = igmp_report},
	{"ip4-own", "UDP", LINK | ROUTED, true, .build = ip4_own},
};

struct probes probes_ip4(void)
{
	return (struct probes){list, countof(list)};
}
