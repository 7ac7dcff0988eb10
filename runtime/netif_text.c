/* NETIF and --netif_add: interfaces from text and to text. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/netif.h"
#include "runtime/value.h"
#include "runtime/word.h"

static int set_name(char name[NET_NAME], const char *value, struct why *why)
{
	const char *fault = netif_name_fault(value);
	if (fault)
		return why_not(why, "%s%s%s", value, value[0] ? ": " : "", fault);
	strcpy(name, value);
	return 0;
}

static int set_mac(struct mac *mac, const char *value, struct why *why)
{
	struct mac parsed;
	if (mac_parse(value, &parsed) < 0)
		return why_not(why, "%s: a MAC address is six bytes like 00:18:51:ab:cd:ef", value);

	const char *fault = netif_mac_fault(&parsed);
	if (fault)
		return why_not(why, "%s: %s", value, fault);
	*mac = parsed;
	return 0;
}

static int set_ifname(struct netif *netif, const char *value, struct why *why)
{
	return set_name(netif->net.name, value, why);
}

/* An empty name is none. */
static int set_name_or_none(char name[NET_NAME], const char *value, struct why *why)
{
	if (value[0])
		return set_name(name, value, why);
	name[0] = '\0';
	return 0;
}

static int set_bridge(struct netif *netif, const char *value, struct why *why)
{
	return set_name_or_none(netif->net.bridge, value, why);
}

static int set_own_mac(struct netif *netif, const char *value, struct why *why)
{
	return set_mac(&netif->net.mac, value, why);
}

static int set_host_ifname(struct netif *netif, const char *value, struct why *why)
{
	return set_name_or_none(netif->net.host_name, value, why);
}

static int set_host_mac(struct netif *netif, const char *value, struct why *why)
{
	return set_mac(&netif->net.host_mac, value, why);
}

static int set_mac_filter(struct netif *netif, const char *value, struct why *why)
{
	if (!str_eq(value, "on") && !str_eq(value, "off"))
		return why_not(why, "mac_filter must be on or off");
	netif->net.mac_filter = str_eq(value, "on");
	return 0;
}

static int set_vlan(struct netif *netif, const char *value, struct why *why)
{
	uint32_t vlan;
	if (str_u32(value, &vlan) < 0 || vlan > NETIF_VLAN_MAX)
		return why_not(why, "vlan must be 0 to %u", NETIF_VLAN_MAX);
	netif->net.vlan = (uint16_t)vlan;
	return 0;
}

static int set_ip(struct netif *netif, const char *value, struct why *why)
{
	struct ip ip;
	if (ip_parse(value, &ip) < 0)
		return why_not(why, "%s is not an IP address", value);

	const char *fault = ip_unusable(&ip);
	if (fault)
		return why_not(why, "%s is %s", value, fault);
	if (!ips_has(&netif->net.ips, &ip))
		ips_add(&netif->net.ips, &ip);
	return 0;
}

static int set_gateway(struct ip *gateway, int family, const char *value, struct why *why)
{
	struct ip ip = {0};
	if (value[0] && (ip_parse(value, &ip) < 0 || ip.family != family))
		return why_not(why, "%s is not an %s address", value, family == AF_INET ? "IPv4" : "IPv6");
	*gateway = ip;
	return 0;
}

static int set_gw(struct netif *netif, const char *value, struct why *why)
{
	return set_gateway(&netif->net.gateway4, AF_INET, value, why);
}

static int set_gw6(struct netif *netif, const char *value, struct why *why)
{
	return set_gateway(&netif->net.gateway6, AF_INET6, value, why);
}

static const struct key {
	const char *name;
	int (*set)(struct netif *netif, const char *value, struct why *why);
} keys[] = {
	{"ifname", set_ifname},
	{"bridge", set_bridge},
	{"mac", set_own_mac},
	{"host_ifname", set_host_ifname},
	{"host_mac", set_host_mac},
	{"mac_filter", set_mac_filter},
	{"vlan", set_vlan},
	{"ip", set_ip},
	{"gw", set_gw},
	{"gw6", set_gw6},
};

static void keep(struct netif *netif, const char *pair)
{
	char *kept = str_fmt("%s%s%s", netif->kept ? netif->kept : "", netif->kept ? "," : "", pair);
	free(netif->kept);
	netif->kept = kept;
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < countof(keys); i++)
		if (str_eq(keys[i].name, name))
			return &keys[i];
	return NULL;
}

int netif_set(struct netif *netif, const char *name, const char *value, struct why *why)
{
	const struct key *key = find_key(name);
	return key ? key->set(netif, value, why) : why_not(why, "%s is no key of an interface", name);
}

static int parse_pair(struct netif *netif, const char *pair, struct why *why)
{
	size_t len = strcspn(pair, "=");
	cleanup_free char *name = str_fmt("%.*s", (int)len, pair);
	const struct key *key = find_key(name);

	if (key && pair[len])
		return key->set(netif, pair + len + 1, why);
	keep(netif, pair);
	return 0;
}

static int parse_one(struct netif *netif, const char *text, struct why *why)
{
	char *pair;
	int r = 0;

	netif->net.mac_filter = true;
	while (r == 0 && (pair = word_next(&text, ","))) {
		r = parse_pair(netif, pair, why);
		free(pair);
	}
	if (r == 0 && !netif->net.name[0])
		return why_not(why, "an interface has no ifname");
	return r;
}

int netifs_parse(const char *text, struct netifs *ret, struct why *why)
{
	cleanup_netifs struct netifs netifs = {0};
	char *one;
	int r = 0;

	while (r == 0 && (one = word_next(&text, "; \t"))) {
		struct netif netif = {0};
		r = parse_one(&netif, one, why);
		netifs_add(&netifs, &netif);
		free(one);
	}
	if (r == 0)
		r = netifs_check(&netifs, why);
	if (r < 0)
		return r;
	*ret = netifs;
	netifs = (struct netifs){0};
	return 0;
}

int netifs_parse_option(struct netifs *netifs, const char *text, struct why *why)
{
	static int (*const setters[])(struct netif *, const char *, struct why *) = {
		set_ifname, set_own_mac, set_host_ifname, set_host_mac, set_bridge,
	};
	cleanup_free char *copy = mem_strdup(text);
	struct netif netif = {.net.mac_filter = true};
	char *rest = copy, *word;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (word = strsep(&rest, ","))) {
		if (i == countof(setters))
			return why_not(why, "an interface is IF[,MAC,HOST_IF,HOST_MAC,BRIDGE]");
		if (i == 0 || word[0])
			r = setters[i](&netif, word, why);
		i++;
	}
	if (r < 0)
		return r;
	netifs_add(netifs, &netif);
	return netifs_check(netifs, why);
}

static void print_one(struct text *out, const struct netif *netif)
{
	const struct net_interface *net = &netif->net;
	char mac[MAC_TEXT], ip[IP_TEXT];

	text_add(out, "ifname=%s", net->name);
	if (net->bridge[0])
		text_add(out, ",bridge=%s", net->bridge);
	if (!mac_is_zero(&net->mac))
		text_add(out, ",mac=%s", mac_print(&net->mac, mac));
	if (net->host_name[0])
		text_add(out, ",host_ifname=%s", net->host_name);
	if (!mac_is_zero(&net->host_mac))
		text_add(out, ",host_mac=%s", mac_print(&net->host_mac, mac));
	text_add(out, ",mac_filter=%s", net->mac_filter ? "on" : "off");
	if (net->vlan)
		text_add(out, ",vlan=%u", net->vlan);
	for (size_t i = 0; i < net->ips.n; i++)
		text_add(out, ",ip=%s", ip_print_prefix(&net->ips.list[i], ip));
	if (net->gateway4.family)
		text_add(out, ",gw=%s", ip_print(&net->gateway4, ip));
	if (net->gateway6.family)
		text_add(out, ",gw6=%s", ip_print(&net->gateway6, ip));
	if (netif->kept)
		text_add(out, ",%s", netif->kept);
}

char *netifs_print(const struct netifs *netifs)
{
	struct text out = {0};

	text_add(&out, "%s", "");
	for (size_t i = 0; i < netifs->n; i++) {
		text_add(&out, "%s", i ? ";" : "");
		print_one(&out, &netifs->list[i]);
	}
	return out.s;
}
