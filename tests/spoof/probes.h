/* What a guest could say that is not its own to say, as frames, each with its name in it so that it is recognised where
 * it arrives; and, to compare, what it must be able to say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/spoof/frame.h"

struct who {
	struct mac mac;
	struct ip ip4, ip6;
};

/* Who speaks, as whom, and to whom. */
struct cast {
	struct who me, victim, to;
};

struct probe {
	const char *name;
	const char *what;
	enum {
		LINK = 1,   /* on a shared link */
		ROUTED = 2, /* to a router */
	} where;
	bool honest;
	unsigned parts; /* frames; 0 is 1 */
	void (*build)(struct frame *frame, const struct probe *probe, const struct cast *cast, unsigned part);
};

#define PROBE_MARK "openve-probe:" /* NAME; */

/* The i-th of all, NULL after the last. */
const struct probe *probe_at(size_t i);
const struct probe *probe_find(const char *name);

/* ---- for those who build them ---- */

enum { PROBE_IP4 = 0x0800, PROBE_ARP = 0x0806, PROBE_VLAN = 0x8100, PROBE_IP6 = 0x86dd, PROBE_QINQ = 0x88a8 };

#define BUILDER(name)                                                                                                  \
	static void name(struct frame *frame, const struct probe *probe, const struct cast *cast,                      \
			 unsigned part __attribute__((unused)))

void probe_mark(struct frame *frame, const struct probe *probe);

/* An IPv4 packet of UDP that carries the mark. */
void probe_udp4(struct frame *frame, const struct probe *probe, const struct ip *from, const struct ip *to,
		unsigned from_port, unsigned to_port);

struct probes {
	const struct probe *list;
	size_t n;
};

struct probes probes_arp(void);
struct probes probes_ip4(void);
struct probes probes_ip6(void);
struct probes probes_link(void);
struct probes probes_nd(void);
