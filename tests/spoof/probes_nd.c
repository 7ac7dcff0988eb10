/* Neighbour discovery (RFC 4861): messages without a byte too much, the mark behind them in the frame. */
#include "tests/spoof/probes.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"

/* The numbers are IANA's; the headers that have them claim the name of struct ip. */
enum { ROUTER_SOLICIT = 133, SOLICIT = 135, ADVERT = 136 };
enum { OPTION_SOURCE = 1, OPTION_TARGET = 2, OPTION_NONCE = 14 };

static const struct ip nobody = {.family = AF_INET6};

struct discovery {
	unsigned type;
	const struct ip *from, *target; /* NULL: a router solicitation, which has none */
	unsigned option;		/* 0: none */
	const struct mac *mac;
};

static void discovery(struct frame *frame, const struct probe *probe, const struct cast *cast,
		      const struct discovery *d)
{
	frame_ether(frame, &cast->to.mac, &cast->me.mac, PROBE_IP6);
	size_t ip = frame_ip6(frame, d->from, &cast->to.ip6, IPPROTO_ICMPV6);
	size_t icmp = frame_icmp(frame, d->type, 0);

	frame_put32(frame, d->type == ADVERT ? 0x20000000 : 0); /* override */
	if (d->target)
		frame_put(frame, d->target->bytes, 16);
	if (d->option) {
		frame_put16(frame, d->option << 8 | 1);
		frame_put(frame, d->mac->bytes, 6);
	}
	frame_close_upper(frame, ip, icmp, IPPROTO_ICMPV6);
	frame_close_ip6(frame, ip);
	probe_mark(frame, probe);
}

#define DISCOVERY(name, ...)                                                                                           \
	BUILDER(name)                                                                                                  \
	{                                                                                                              \
		discovery(frame, probe, cast, &(struct discovery){__VA_ARGS__});                                       \
	}

DISCOVERY(ns_own, SOLICIT, &cast->me.ip6, &cast->to.ip6, OPTION_SOURCE, &cast->me.mac)
DISCOVERY(ns_source, SOLICIT, &cast->victim.ip6, &cast->to.ip6, OPTION_SOURCE, &cast->me.mac)
DISCOVERY(ns_hardware, SOLICIT, &cast->me.ip6, &cast->to.ip6, OPTION_SOURCE, &cast->victim.mac)
DISCOVERY(na_own, ADVERT, &cast->me.ip6, &cast->me.ip6, OPTION_TARGET, &cast->me.mac)
DISCOVERY(na_target, ADVERT, &cast->me.ip6, &cast->victim.ip6, OPTION_TARGET, &cast->me.mac)
DISCOVERY(na_hardware, ADVERT, &cast->me.ip6, &cast->me.ip6, OPTION_TARGET, &cast->victim.mac)
DISCOVERY(dad_own, SOLICIT, &nobody, &cast->me.ip6, 0, NULL)
DISCOVERY(dad_nonce, SOLICIT, &nobody, &cast->me.ip6, OPTION_NONCE, &cast->me.mac)
DISCOVERY(dad_other, SOLICIT, &nobody, &cast->victim.ip6, 0, NULL)
DISCOVERY(rs_own, ROUTER_SOLICIT, &cast->me.ip6, NULL, OPTION_SOURCE, &cast->me.mac)
DISCOVERY(rs_nobody, ROUTER_SOLICIT, &nobody, NULL, 0, NULL)
DISCOVERY(rs_hardware, ROUTER_SOLICIT, &cast->me.ip6, NULL, OPTION_SOURCE, &cast->victim.mac)

static const struct probe list[] = {
	{"dad-other", "look whether somebody has another's IPv6 address", LINK, .build = dad_other},
	{"na-hardware", "have one's own IPv6 address at another's MAC", LINK, .build = na_hardware},
	{"na-target", "answer for another's IPv6 address", LINK, .build = na_target},
	{"ns-hardware", "ask and be answered at another's MAC", LINK, .build = ns_hardware},
	{"ns-source", "ask from another's IPv6 address", LINK, .build = ns_source},
	{"rs-hardware", "ask for routers and be answered at another's MAC", LINK, .build = rs_hardware},
	{"dad-nonce", "look whether somebody has one's IPv6 address (RFC 7527)", LINK, true, .build = dad_nonce},
	{"dad-own", "look whether somebody has one's IPv6 address", LINK, true, .build = dad_own},
	{"na-own", "announce one's own IPv6 address", LINK, true, .build = na_own},
	{"ns-own", "ask from one's own IPv6 address", LINK, true, .build = ns_own},
	{"rs-nobody", "ask for routers before one has an address", LINK, true, .build = rs_nobody},
	{"rs-own", "ask for routers", LINK, true, .build = rs_own},
};

struct probes probes_nd(void)
{
	return (struct probes){list, countof(list)};
}
