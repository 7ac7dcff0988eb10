/* ARP (RFC 826): a frame that is longer than the message is padded, which is where the mark is. */
#include "tests/spoof/probes.h"

#include <sys/socket.h>

#include "runtime/base/mem.h"

static const struct ip nobody = {.family = AF_INET};

enum { ASK = 1, ANSWER = 2 };

static void arp(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned operation,
		const struct mac *mac, const struct ip *ip, const struct ip *about)
{
	frame_ether(frame, &cast->to.mac, &cast->me.mac, PROBE_ARP);
	frame_put32(frame, 1 << 16 | PROBE_IP4);
	frame_put32(frame, 6 << 24 | 4 << 16 | operation);
	frame_put(frame, mac->bytes, 6);
	frame_put(frame, ip->bytes, 4);
	frame_put(frame, cast->to.mac.bytes, 6);
	frame_put(frame, about->bytes, 4);
	probe_mark(frame, probe);
}

BUILDER(arp_reply)
{
	arp(frame, probe, cast, ANSWER, &cast->me.mac, &cast->victim.ip4, &cast->to.ip4);
}

BUILDER(arp_request)
{
	arp(frame, probe, cast, ASK, &cast->me.mac, &cast->victim.ip4, &cast->to.ip4);
}

BUILDER(arp_gratuitous)
{
	arp(frame, probe, cast, ASK, &cast->me.mac, &cast->victim.ip4, &cast->victim.ip4);
}

BUILDER(arp_sender)
{
	arp(frame, probe, cast, ANSWER, &cast->victim.mac, &cast->me.ip4, &cast->to.ip4);
}

BUILDER(arp_probe)
{
	arp(frame, probe, cast, ASK, &cast->me.mac, &nobody, &cast->victim.ip4);
}

BUILDER(arp_hardware)
{
	arp(frame, probe, cast, ANSWER, &cast->me.mac, &cast->me.ip4, &cast->to.ip4);
	frame->bytes[15] = 6; /* IEEE 802 */
}

BUILDER(arp_inverse)
{
	arp(frame, probe, cast, 8, &cast->me.mac, &cast->me.ip4, &cast->to.ip4);
}

BUILDER(arp_own)
{
	arp(frame, probe, cast, ASK, &cast->me.mac, &cast->me.ip4, &cast->to.ip4);
}

BUILDER(arp_probe_own)
{
	arp(frame, probe, cast, ASK, &cast->me.mac, &nobody, &cast->me.ip4);
}

static const struct probe list[] = {
	{"arp-gratuitous", "announce another's address", LINK, .build = arp_gratuitous},
	{"arp-hardware", "ARP for another kind of hardware", LINK, .build = arp_hardware},
	{"arp-inverse", "inverse ARP", LINK, .build = arp_inverse},
	{"arp-probe", "look whether somebody has another's address (RFC 5227)", LINK, .build = arp_probe},
	{"arp-reply", "answer for another's address", LINK, .build = arp_reply},
	{"arp-request", "ask from another's address", LINK, .build = arp_request},
	{"arp-sender", "have one's own address at another's MAC", LINK, .build = arp_sender},
	{"arp-own", "ask from one's own address", LINK, true, .build = arp_own},
	{"arp-probe-own", "look whether somebody has one's address", LINK, true, .build = arp_probe_own},
};

struct probes probes_arp(void)
{
	return (struct probes){list, countof(list)};
}
