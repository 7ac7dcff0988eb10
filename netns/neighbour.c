/* What the node asks and tells its neighbours; proxy.c has what it answers them. */
#include "netns/neighbour.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "netns/arp.h"
#include "netns/ether.h"
#include "netns/nd.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "netns/uplink.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

#define AGAIN_MS 100
#define ENOUGH_MS 300

int neighbour_find(const struct netns *node, const struct neighbour_devices *devices, const struct ip *ip,
		   int ret[NEIGHBOUR_DEVICES], struct err *err)
{
	struct uplink uplinks[NEIGHBOUR_DEVICES];
	int n = uplink_find(node->rtnl, devices, ip, uplinks, err);
	for (int i = 0; i < n; i++)
		ret[i] = uplinks[i].index;
	return n;
}

/* ---- addresses and where their neighbours are ---- */

struct place {
	const struct ip *ip;
	struct uplink uplink;
};

struct places {
	struct place *list;
	size_t n;
};

static void places_done(struct places *places)
{
	free(places->list);
}

#define cleanup_places __attribute__((cleanup(places_done)))

static int find_places(const struct netns *node, const struct neighbour_devices *devices, const struct ips *ips,
		       struct places *ret, struct err *err)
{
	struct uplink uplinks[NEIGHBOUR_DEVICES];
	for (size_t i = 0; i < ips->n; i++) {
		int n = uplink_find(node->rtnl, devices, &ips->list[i], uplinks, err);
		if (n < 0)
			return n;
		ret->list = mem_grow(ret->list, ret->n + (size_t)n, sizeof(*ret->list));
		for (int u = 0; u < n; u++)
			ret->list[ret->n++] = (struct place){.ip = &ips->list[i], .uplink = uplinks[u]};
	}
	return 0;
}

/* ---- has somebody got it? ---- */

struct inquiry {
	struct places places;
	int wires[2]; /* of IPv4 and IPv6; -1: nothing to ask */
};

static void inquiry_done(struct inquiry *inquiry)
{
	places_done(&inquiry->places);
	fd_close(inquiry->wires[0]);
	fd_close(inquiry->wires[1]);
}

#define cleanup_inquiry __attribute__((cleanup(inquiry_done)))

static int wire_of(const struct inquiry *inquiry, const struct place *place)
{
	return inquiry->wires[place->ip->family == AF_INET6];
}

/* Where there is nothing to ask, *ret_wire stays as it is. */
static int listen_for(int family, const struct places *places, int *ret_wire, struct err *err)
{
	cleanup_free int *indexes = mem_zero(places->n, sizeof(*indexes));
	size_t n = 0;

	for (size_t i = 0; i < places->n; i++)
		if (places->list[i].ip->family == family)
			indexes[n++] = places->list[i].uplink.index;
	if (n == 0)
		return 0;
	int wire = ether_open(family, indexes, n, err);
	if (wire < 0)
		return wire;
	*ret_wire = wire;
	return 0;
}

static int hear_rivals(const struct inquiry *inquiry, struct err *err)
{
	for (size_t i = 0; i < inquiry->places.n; i++) {
		const struct place *place = &inquiry->places.list[i];
		struct frame frame;
		if (place->ip->family != AF_INET6)
			continue;
		nd_ask(&frame, place->ip);
		int r = ether_hear_group(wire_of(inquiry, place), place->uplink.index, &frame.to, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int begin(struct inquiry *inquiry, const struct netns *node, const struct neighbour_devices *devices,
		 const struct ips *ips, struct err *err)
{
	int r;
	if ((r = find_places(node, devices, ips, &inquiry->places, err)) < 0 ||
	    (r = listen_for(AF_INET, &inquiry->places, &inquiry->wires[0], err)) < 0 ||
	    (r = listen_for(AF_INET6, &inquiry->places, &inquiry->wires[1], err)) < 0)
		return r;
	return hear_rivals(inquiry, err);
}

/* Of IPv4, an address that another node answers for as its guest's is found only by asking as one of ourselves. */
static int ask(int wire, const struct place *place, struct err *err)
{
	const struct uplink *uplink = &place->uplink;
	struct frame frame;

	if (place->ip->family == AF_INET6)
		nd_ask(&frame, place->ip);
	else
		arp_ask(&frame, &uplink->mac, NULL, place->ip);
	int r = ether_send(wire, uplink->index, &frame, err);
	if (r < 0 || !uplink->source.family)
		return r;
	arp_ask(&frame, &uplink->mac, &uplink->source, place->ip);
	return ether_send(wire, uplink->index, &frame, err);
}

static int ask_everywhere(const struct inquiry *inquiry, struct err *err)
{
	for (size_t i = 0; i < inquiry->places.n; i++) {
		const struct place *place = &inquiry->places.list[i];
		int r = ask(wire_of(inquiry, place), place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Two devices of ours may be on one Ethernet and hear each other. */
static bool is_ours(const struct places *places, const struct mac *mac)
{
	for (size_t i = 0; i < places->n; i++)
		if (mac_same(&places->list[i].uplink.mac, mac))
			return true;
	return false;
}

static bool judge(const struct places *places, int index, const struct claim *claim, struct neighbour_duplicate *ret)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct place *place = &places->list[i];
		if (place->uplink.index != index || !ip_same(place->ip, &claim->ip) || is_ours(places, &claim->mac))
			continue;
		*ret = (struct neighbour_duplicate){.ip = *place->ip, .mac = claim->mac};
		snprintf(ret->device, sizeof(ret->device), "%s", place->uplink.name);
		return true;
	}
	return false;
}

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Listen until then, or to the first who has one of the addresses: 1. */
static int listen_until(const struct inquiry *inquiry, long then, struct neighbour_duplicate *ret, struct err *err)
{
	struct pollfd polls[2] = {{inquiry->wires[0], POLLIN, 0}, {inquiry->wires[1], POLLIN, 0}};
	struct claim claim;
	int index;

	for (long now = now_ms(); now < then; now = now_ms()) {
		if (poll(polls, countof(polls), (int)(then - now)) < 0 && errno != EINTR)
			return err_set(err, errno, "wait for an answer of the neighbours");
		for (size_t i = 0; i < countof(polls); i++)
			if (polls[i].revents && ether_receive(polls[i].fd, &index, &claim) &&
			    judge(&inquiry->places, index, &claim, ret))
				return 1;
	}
	return 0;
}

int neighbour_detect(const struct netns *node, const struct neighbour_devices *devices, const struct ips *ips,
		     struct neighbour_duplicate *ret, struct err *err)
{
	cleanup_inquiry struct inquiry inquiry = {.wires = {-1, -1}};

	int r = begin(&inquiry, node, devices, ips, err);
	if (r < 0 || inquiry.places.n == 0)
		return r;

	const long start = now_ms(), ends[] = {start + AGAIN_MS, start + ENOUGH_MS};
	for (size_t i = 0; i < countof(ends) && r == 0; i++) {
		r = ask_everywhere(&inquiry, err);
		if (r == 0)
			r = listen_until(&inquiry, ends[i], ret, err);
	}
	return r;
}

/* ---- we have it ---- */

static int say(int wire, const struct place *place, struct err *err)
{
	struct frame frame;

	if (place->ip->family == AF_INET6)
		nd_announce(&frame, &place->uplink.mac, place->ip);
	else
		arp_announce(&frame, &place->uplink.mac, place->ip);
	return ether_send(wire, place->uplink.index, &frame, err);
}

int neighbour_announce(const struct netns *node, const struct neighbour_devices *devices, const struct ips *ips,
		       struct err *err)
{
	cleanup_places struct places places = {0};

	int r = find_places(node, devices, ips, &places, err);
	if (r < 0 || places.n == 0)
		return r;
	cleanup_fd int wire = ether_open_mute(err);
	if (wire < 0)
		return wire;
	for (size_t i = 0; i < places.n && r == 0; i++)
		r = say(wire, &places.list[i], err);
	return r;
}
