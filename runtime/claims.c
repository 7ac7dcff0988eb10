#include "runtime/claims.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/addr.h"
#include "netns/link.h"
#include "netns/netns.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/guest.h"
#include "runtime/publish.h"
#include "runtime/ve.h"

/* ---- what a guest has ---- */

static bool has_ip(const struct net_guest *guest, const struct ip *ip)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (ips_has(&guest->interfaces[i].ips, ip))
			return true;
	return false;
}

/* Either end's: on a bridge both are seen. */
static bool has_mac(const struct net_guest *guest, const struct mac *mac)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (!guest->interfaces[i].routed &&
		    (mac_same(&guest->interfaces[i].mac, mac) || mac_same(&guest->interfaces[i].host_mac, mac)))
			return true;
	return false;
}

static bool has_link(const struct net_guest *guest, const char *host_name)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (str_eq(guest->interfaces[i].host_name, host_name))
			return true;
	return false;
}

static bool node_has_link(const char *name)
{
	cleanup_netns struct netns node = {0};
	struct err ignored = {0};

	return netns_open(NETNS_OWN, &node, &ignored) == 0 && link_exists(&node, name);
}

static bool node_has_ip(const struct ip *ip)
{
	cleanup_netns struct netns node = {0};
	struct err ignored = {0};

	return netns_open(NETNS_OWN, &node, &ignored) == 0 && route_is_ours(&node, ip);
}

static bool is_any(const struct ip *ip)
{
	static const uint8_t zeros[sizeof(ip->bytes)];
	return memcmp(ip->bytes, zeros, ip_bytes(ip->family)) == 0;
}

static bool same_port(const struct net_publish *a, const struct net_publish *b)
{
	return a->protocol == b->protocol && a->port == b->port && a->address.family == b->address.family &&
	       (is_any(&a->address) || is_any(&b->address) || ip_same(&a->address, &b->address));
}

static bool has_port(const struct net_guest *guest, const struct net_publish *publish)
{
	for (size_t i = 0; i < guest->n_published; i++)
		if (same_port(&guest->published[i], publish))
			return true;
	return false;
}

/* ---- what is wanted anew ---- */

/* Where they are asked for, and by whom they are had already. */
struct claim {
	const struct net_guest *before, *wanted;
	const struct net_guest *other; /* NULL: the node itself */
	uint32_t other_ctid;
};

static int refuse(const struct claim *claim, enum err_kind kind, const char *what, const char *which, struct err *err)
{
	if (!claim->other)
		return err_say(err, kind, "%s %s is in use by the node itself", what, which);
	return err_say(err, kind, "%s %s is CT %u's", what, which, claim->other_ctid);
}

static int check_ips(const struct claim *claim, const struct net_interface *interface, struct err *err)
{
	char text[IP_TEXT];

	for (size_t i = 0; i < interface->ips.n; i++) {
		const struct ip *ip = &interface->ips.list[i];
		if (has_ip(claim->before, ip) || !(claim->other ? has_ip(claim->other, ip) : node_has_ip(ip)))
			continue;
		return refuse(claim, ERR_ADDRESS_IN_USE, "IP address", ip_print(ip, text), err);
	}
	return 0;
}

static int check_mac(const struct claim *claim, const struct mac *mac, struct err *err)
{
	char text[MAC_TEXT];

	if (!claim->other || has_mac(claim->before, mac) || !has_mac(claim->other, mac))
		return 0;
	return refuse(claim, ERR_VETH, "MAC address", mac_print(mac, text), err);
}

static int check_interface(const struct claim *claim, const struct net_interface *interface, struct err *err)
{
	const char *name = interface->host_name;
	int r = check_ips(claim, interface, err);
	if (r < 0 || interface->routed)
		return r;

	if (!has_link(claim->before, name) && (claim->other ? has_link(claim->other, name) : node_has_link(name)))
		return refuse(claim, ERR_VETH, "host interface name", name, err);
	r = check_mac(claim, &interface->mac, err);
	return r < 0 ? r : check_mac(claim, &interface->host_mac, err);
}

/* A listener of the node's on the port keeps us from binding it; its connections, which outlive a service, do not. */
static int bind_port(const struct net_publish *publish)
{
	bool v6 = publish->address.family == AF_INET6;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(publish->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(publish->port)};
	const struct sockaddr *address = v6 ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in;
	const int on = 1;

	memcpy(&in.sin_addr, publish->address.bytes, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, publish->address.bytes, sizeof(in6.sin6_addr));
	int type = publish->protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	cleanup_fd int sock = socket(publish->address.family, type | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (v6)
		setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(sock, address, v6 ? sizeof(in6) : sizeof(in)) < 0 ? -errno : 0;
}

static int check_node_port(const struct claim *claim, const struct net_publish *publish, const char *text,
			   struct err *err)
{
	int r = bind_port(publish);
	if (r == -EADDRNOTAVAIL)
		return err_say(err, ERR_BAD_VALUE, "port %s: that is no address of the node", text);
	return r == -EADDRINUSE ? refuse(claim, ERR_ADDRESS_IN_USE, "port", text, err) : 0;
}

static int check_ports(const struct claim *claim, struct err *err)
{
	for (size_t i = 0; i < claim->wanted->n_published; i++) {
		const struct net_publish *publish = &claim->wanted->published[i];
		cleanup_free char *text = publish_print(publish);
		int r = 0;
		if (has_port(claim->before, publish))
			continue;
		if (!claim->other)
			r = check_node_port(claim, publish, text, err);
		else if (has_port(claim->other, publish))
			r = refuse(claim, ERR_ADDRESS_IN_USE, "port", text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_claim(const struct claim *claim, struct err *err)
{
	for (size_t i = 0; i < claim->wanted->n_interfaces; i++) {
		int r = check_interface(claim, &claim->wanted->interfaces[i], err);
		if (r < 0)
			return r;
	}
	return check_ports(claim, err);
}

/* ---- against all others ---- */

static int check_config(struct claim *claim, const struct ve_config *config, struct err *err)
{
	cleanup_net_guest struct net_guest other = {0};
	struct err unreadable = {0};

	if (guest_of(claim->other_ctid, config, &other, &unreadable) < 0)
		return 0;
	claim->other = &other;
	int r = check_claim(claim, err);
	claim->other = NULL;
	return r;
}

/* What it has and what it will have differ while a change of it is not saved. */
static int check_other(const struct host *host, struct claim *claim, uint32_t ctid, struct err *err)
{
	cleanup_ve struct ve ve = {0};
	cleanup_state struct state state = {0};
	struct err unreadable = {0};
	int r = 0;

	claim->other_ctid = ctid;
	if (ve_load(host, ctid, &ve, &unreadable) == 0)
		r = check_config(claim, &ve.config, err);
	if (r == 0 && state_load(ctid, &state, &unreadable) == 0)
		r = check_config(claim, &state.network, err);
	return r;
}

static int check_others(const struct host *host, uint32_t ctid, struct claim *claim, struct err *err)
{
	cleanup_free uint32_t *ctids = NULL;
	size_t n = 0;

	int r = ve_all(&ctids, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (ctids[i] != ctid)
			r = check_other(host, claim, ctids[i], err);
	return r;
}

int claims_check(const struct host *host, uint32_t ctid, const struct ve_config *before, const struct ve_config *wanted,
		 struct err *err)
{
	static const struct ve_config nothing;
	cleanup_net_guest struct net_guest old = {0}, new = {0};
	struct claim claim = {.before = &old, .wanted = &new};
	int r;

	if ((r = guest_of(ctid, before ? before : &nothing, &old, err)) < 0 ||
	    (r = guest_of(ctid, wanted, &new, err)) < 0)
		return r;
	r = check_claim(&claim, err);
	return r < 0 ? r : check_others(host, ctid, &claim, err);
}
