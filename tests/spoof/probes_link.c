/* Frames that are neither IP nor ARP, or not to be seen as such. */
#include "tests/spoof/probes.h"

#include "runtime/base/mem.h"

static void tagged(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned outer)
{
	frame_ether(frame, &cast->to.mac, &cast->me.mac, outer);
	frame_put16(frame, 7);
	if (outer == PROBE_QINQ) {
		frame_put16(frame, PROBE_VLAN);
		frame_put16(frame, 8);
	}
	frame_put16(frame, PROBE_IP4);
	probe_udp4(frame, probe, &cast->me.ip4, &cast->to.ip4, 9, 9);
}

BUILDER(vlan)
{
	tagged(frame, probe, cast, PROBE_VLAN);
}

BUILDER(qinq)
{
	tagged(frame, probe, cast, PROBE_QINQ);
}

static void typed(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned type)
{
	frame_ether(frame, &cast->to.mac, &cast->me.mac, type);
	probe_mark(frame, probe);
	frame_fill(frame, 60);
}

BUILDER(experimental)
{
	typed(frame, probe, cast, 0x88b5);
}

BUILDER(pppoe)
{
	typed(frame, probe, cast, 0x8863);
}

BUILDER(rarp)
{
	typed(frame, probe, cast, 0x8035);
}

/* IEEE 802.1D: to the bridges, with a length for a type, in LLC. */
BUILDER(bpdu)
{
	frame_ether(frame, &(struct mac){{0x01, 0x80, 0xc2}}, &cast->me.mac, 38);
	frame_put32(frame, 0x42420300);
	frame_fill(frame, 34);
	probe_mark(frame, probe);
}

/* A bridge keeps what is for 01:80:c2:00:00:0e (LLDP) to itself and gives it to the port it came by. */
BUILDER(link_local)
{
	frame_ether(frame, &(struct mac){{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}}, &cast->me.mac, PROBE_IP4);
	probe_udp4(frame, probe, &cast->me.ip4, &cast->to.ip4, 9, 9);
}

static const struct probe list[] = {
	{"bpdu", "spanning tree", LINK, .build = bpdu},
	{"experimental", "an EtherType that is neither IP nor ARP", LINK, .build = experimental},
	{"link-local", "IP in a frame that bridges keep to themselves", 0, .build = link_local},
	{"pppoe", "an access concentrator", LINK, .build = pppoe},
	{"qinq", "UDP in a VLAN in a provider's VLAN", LINK, .build = qinq},
	{"rarp", "reverse ARP", LINK, .build = rarp},
	{"vlan", "UDP in a VLAN", LINK, .build = vlan},
};

struct probes probes_link(void)
{
	return (struct probes){list, countof(list)};
}
