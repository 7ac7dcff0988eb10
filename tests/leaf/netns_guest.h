/* A guest in another namespace, at the end of a routed pair, and what reaches whom. */
#pragma once

#include "tests/leaf/netns_tell.h"

#include "netns/addr.h"
#include "netns/link.h"

static inline struct ip ip_of(const char *text)
{
	struct ip ip;
	if (ip_parse(text, &ip) < 0)
		fail_msg("%s", text);
	return ip;
}

/* A guest's end venet0, up, its node's end up. */
static inline int add_guest(int netns, const char *host)
{
	cleanup_netns struct netns node = opened(NETNS_OWN), guest = opened(netns);
	struct link_veth veth = {.name = host, .peer = "venet0", .peer_netns = &guest, .routed = true};
	struct link_pair pair;
	struct err err = {0};

	assert_done(link_add_veth(&node, &veth, &pair, &err), err);
	assert_done(link_up(&node, host, &err), err);
	assert_done(link_up(&guest, "venet0", &err), err);
	return pair.peer;
}

static inline void add_address(int fd, int index, const char *text)
{
	cleanup_netns struct netns netns = opened(fd);
	struct ip ip = ip_of(text);
	struct err err = {0};
	assert_done(addr_add(&netns, index, &ip, &err), err);
}

static inline void remove_address(int fd, int index, const char *text)
{
	cleanup_netns struct netns netns = opened(fd);
	struct ip ip = ip_of(text);
	struct err err = {0};
	assert_done(addr_remove(&netns, index, &ip, &err), err);
}

static inline int try_route(const char *link, const char *address, struct err *err)
{
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct ip ip = ip_of(address);
	return route_add_host(&node, link_index(&node, link), &ip, err);
}

static inline void add_route(const char *link, const char *address)
{
	struct err err = {0};
	assert_done(try_route(link, address, &err), err);
}

static inline void remove_route(const char *link, const char *address)
{
	cleanup_netns struct netns node = opened(NETNS_OWN);
	struct ip ip = ip_of(address);
	struct err err = {0};
	assert_done(route_remove_host(&node, link_index(&node, link), &ip, &err), err);
}

static inline bool pings(int netns, const struct env *env, const char *address)
{
	char words[64];

	snprintf(words, sizeof(words), "ping -n -c 3 -i 0.2 -W 1 %s", address);
	enter(netns);
	bool answered = try_program(words) == 0;
	enter(env->node);
	return answered;
}
