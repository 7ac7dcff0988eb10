/* The list of a VE's interfaces. What it looks like as text is in netif_text.c. */
#include "runtime/netif.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"

const char *netif_name_fault(const char *name)
{
	/* What OpenVE calls its own ends of routed interfaces, and the devices that shape what comes out of a VE. */
	static const char *const reserved[] = {"venet", "ifb"};

	if (!name[0] || strlen(name) >= NET_NAME)
		return "a network device has a name of 1 to 15 characters";
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-+", *c))
			return "the name of a network device is letters, digits and . _ - +";
	if (!isalnum((unsigned char)name[0]))
		return "the name of a network device begins with a letter or a digit";
	if (str_eq(name, "lo") || str_eq(name, "all") || str_eq(name, "default"))
		return "that name is the kernel's own"; /* the latter two: /proc/sys/net/ipv4/conf */
	for (size_t i = 0; i < countof(reserved); i++)
		if (str_after(name, reserved[i]))
			return "names that begin with venet or ifb are OpenVE's own";
	return NULL;
}

const char *netif_mac_fault(const struct mac *mac)
{
	if (mac_is_multicast(mac))
		return "that is a MAC address of a group (its first byte is odd)";
	return mac_is_zero(mac) ? "that is no station's MAC address" : NULL;
}

static void netif_done(struct netif *netif)
{
	ips_done(&netif->net.ips);
	free(netif->kept);
	*netif = (struct netif){0};
}

void netifs_done(struct netifs *netifs)
{
	for (size_t i = 0; i < netifs->n; i++)
		netif_done(&netifs->list[i]);
	free(netifs->list);
	*netifs = (struct netifs){0};
}

struct netif *netifs_find(const struct netifs *netifs, const char *name)
{
	for (size_t i = 0; i < netifs->n; i++)
		if (str_eq(netifs->list[i].net.name, name))
			return &netifs->list[i];
	return NULL;
}

void netifs_add(struct netifs *netifs, struct netif *netif)
{
	netifs->list = mem_grow(netifs->list, netifs->n + 1, sizeof(*netifs->list));
	netifs->list[netifs->n++] = *netif;
	*netif = (struct netif){0};
}

void netifs_remove(struct netifs *netifs, struct netif *netif)
{
	netif_done(netif);
	netifs->n--;
	memmove(netif, netif + 1, (size_t)(netifs->list + netifs->n - netif) * sizeof(*netif));
}

static int check_pair(const struct net_interface *a, const struct net_interface *b, struct why *why)
{
	char mac[MAC_TEXT];

	if (str_eq(a->name, b->name))
		return why_not(why, "two interfaces are called %s", a->name);
	if (a->host_name[0] && str_eq(a->host_name, b->host_name))
		return why_not(why, "%s and %s are both called %s on the node", a->name, b->name, a->host_name);
	if (!mac_is_zero(&a->mac) && mac_same(&a->mac, &b->mac))
		return why_not(why, "%s and %s have one MAC address, %s", a->name, b->name, mac_print(&a->mac, mac));
	return 0;
}

int netifs_check(const struct netifs *netifs, struct why *why)
{
	for (size_t i = 0; i < netifs->n; i++) {
		for (size_t j = 0; j < i; j++) {
			int r = check_pair(&netifs->list[j].net, &netifs->list[i].net, why);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool is_taken(const struct netifs *netifs, const char *host_name)
{
	for (size_t i = 0; i < netifs->n; i++)
		if (str_eq(netifs->list[i].net.host_name, host_name))
			return true;
	return false;
}

/* As vzctl does; the largest CTIDs leave no room for its whole prefix. */
static int choose_host_name(const struct netifs *netifs, uint32_t ctid, char ret[NET_NAME], struct why *why)
{
	for (unsigned n = 0; n < 100; n++) {
		cleanup_free char *usual = str_fmt("veth%u.%u", ctid, n), *brief = str_fmt("ve%u.%u", ctid, n);
		const char *name = strlen(usual) < NET_NAME ? usual : brief;
		if (is_taken(netifs, name))
			continue;
		strcpy(ret, name);
		return 0;
	}
	return why_not(why, "all names veth%u.0 to veth%u.99 are taken", ctid, ctid);
}

/* FNV-1a, 32 bits. */
static uint32_t hash(uint32_t h, const void *bytes, size_t len)
{
	for (const uint8_t *b = bytes, *end = b + len; b < end; b++)
		h = (h ^ *b) * 16777619u;
	return h;
}

static struct mac derive_mac(uint32_t ctid, const char *name)
{
	uint32_t h = hash(hash(2166136261u, &ctid, sizeof(ctid)), name, strlen(name));
	return (struct mac){{0x00, 0x18, 0x51, (uint8_t)(h >> 16), (uint8_t)(h >> 8), (uint8_t)h}};
}

/* A bridge takes on the lowest MAC of its ports, unless it was given one: that is never to be a VE's. */
static struct mac derive_host_mac(const struct mac *own)
{
	struct mac mac = *own;

	mac.bytes[0] = 0xfe;
	if (mac_same(&mac, own))
		mac.bytes[5] ^= 1;
	return mac;
}

int netifs_complete(struct netifs *netifs, uint32_t ctid, struct why *why)
{
	for (size_t i = 0; i < netifs->n; i++) {
		struct net_interface *net = &netifs->list[i].net;
		if (!net->host_name[0] && choose_host_name(netifs, ctid, net->host_name, why) < 0)
			return -EINVAL;
		if (mac_is_zero(&net->mac))
			net->mac = derive_mac(ctid, net->name);
		if (mac_is_zero(&net->host_mac))
			net->host_mac = derive_host_mac(&net->mac);
	}
	return 0;
}

/* "veth101.0" and "ve101.0", as choose_host_name() makes them. */
static bool follows_from(const char *host_name, uint32_t ctid)
{
	cleanup_free char *usual = str_fmt("veth%u.", ctid), *brief = str_fmt("ve%u.", ctid);
	const char *number = str_after(host_name, usual);

	if (!number)
		number = str_after(host_name, brief);
	return number && number[0] && strspn(number, "0123456789") == strlen(number);
}

int netifs_renumber(struct netifs *netifs, uint32_t from, uint32_t to, struct why *why)
{
	int r = netifs_complete(netifs, from, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < netifs->n; i++)
		if (follows_from(netifs->list[i].net.host_name, from))
			netifs->list[i].net.host_name[0] = '\0';
	return netifs_complete(netifs, to, why);
}
