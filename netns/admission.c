#include "netns/admission.h"

#include <ctype.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/element.h"
#include "netns/filter.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* Of those with a 4 and a 6, the 6 is the next. The counters stand in the order of struct net_traffic. */
enum {
	INET_SOURCE4,
	INET_SOURCE6,
	INET_UNBRIDGED,
	INET_BY_ROUTE,
	INET_PORTS,
	INET_MACS,
	INET_SERVICES,
	INET_MASQUERADE4,
	INET_MASQUERADE6,
	INET_PUBLISHED4,
	INET_PUBLISHED6,
	INET_PUBLISHED_ANY4,
	INET_PUBLISHED_ANY6,
	INET_ITSELF4,
	INET_ITSELF6,
	INET_SENT4,
	INET_SENT6,
	INET_RECEIVED4,
	INET_RECEIVED6,
	INET_DROPPED,
	INET_DROPPED_MAC,
	BRIDGE_PORTS,
	BRIDGE_MAC,
	BRIDGE_HARDWARE,
	BRIDGE_MACS,
	BRIDGE_ANY_MAC,
	BRIDGE_KNOWN_AS,
	BRIDGE_SOURCE4,
	BRIDGE_SOURCE6,
	BRIDGE_DECLARED4,
	BRIDGE_DECLARED6,
	BRIDGE_LEARNING,
	BRIDGE_NODE4,
	BRIDGE_NODE6,
	BRIDGE_SENT4,
	BRIDGE_SENT6,
	BRIDGE_RECEIVED4,
	BRIDGE_RECEIVED6,
	BRIDGE_DROPPED,
};

static const struct element_set sets[] = {
	[INET_SOURCE4] = {"inet openve source4"},
	[INET_SOURCE6] = {"inet openve source6"},
	[INET_UNBRIDGED] = {"inet openve unbridged"},
	[INET_BY_ROUTE] = {"inet openve by_route"},
	[INET_PORTS] = {"inet openve ports"},
	[INET_MACS] = {"inet openve macs"},
	[INET_SERVICES] = {"inet openve services"},
	[INET_MASQUERADE4] = {"inet openve masquerade4"},
	[INET_MASQUERADE6] = {"inet openve masquerade6"},
	[INET_PUBLISHED4] = {"inet openve published4", .is_map = true, .unique = "port", .taken = ERR_BAD_VALUE},
	[INET_PUBLISHED6] = {"inet openve published6", .is_map = true, .unique = "port", .taken = ERR_BAD_VALUE},
	[INET_PUBLISHED_ANY4] = {"inet openve published_any4", .is_map = true, .unique = "port",
				 .taken = ERR_BAD_VALUE},
	[INET_PUBLISHED_ANY6] = {"inet openve published_any6", .is_map = true, .unique = "port",
				 .taken = ERR_BAD_VALUE},
	[INET_ITSELF4] = {"inet openve itself4"},
	[INET_ITSELF6] = {"inet openve itself6"},
	[INET_SENT4] = {"inet openve sent4", .counts = true},
	[INET_SENT6] = {"inet openve sent6", .counts = true},
	[INET_RECEIVED4] = {"inet openve received4", .counts = true},
	[INET_RECEIVED6] = {"inet openve received6", .counts = true},
	[INET_DROPPED] = {"inet openve dropped", .counts = true},
	[INET_DROPPED_MAC] = {"inet openve dropped_mac", .counts = true},
	[BRIDGE_PORTS] = {"bridge openve ports"},
	[BRIDGE_MAC] = {"bridge openve mac"},
	[BRIDGE_HARDWARE] = {"bridge openve hardware"},
	[BRIDGE_MACS] = {"bridge openve macs", .unique = "MAC", .taken = ERR_VETH},
	[BRIDGE_ANY_MAC] = {"bridge openve any_mac"},
	[BRIDGE_KNOWN_AS] = {"bridge openve known_as", .is_map = true},
	[BRIDGE_SOURCE4] = {"bridge openve source4"},
	[BRIDGE_SOURCE6] = {"bridge openve source6"},
	[BRIDGE_DECLARED4] = {"bridge openve declared4", .unique = "address", .taken = ERR_ADDRESS_IN_USE},
	[BRIDGE_DECLARED6] = {"bridge openve declared6", .unique = "address", .taken = ERR_ADDRESS_IN_USE},
	[BRIDGE_LEARNING] = {"bridge openve learning"},
	[BRIDGE_NODE4] = {"bridge openve node4"},
	[BRIDGE_NODE6] = {"bridge openve node6"},
	[BRIDGE_SENT4] = {"bridge openve sent4", .counts = true},
	[BRIDGE_SENT6] = {"bridge openve sent6", .counts = true},
	[BRIDGE_RECEIVED4] = {"bridge openve received4", .counts = true},
	[BRIDGE_RECEIVED6] = {"bridge openve received6", .counts = true},
	[BRIDGE_DROPPED] = {"bridge openve dropped", .counts = true},
};

const struct element_set *admission_sets(size_t *ret_n)
{
	*ret_n = countof(sets);
	return sets;
}

/* The key and the value (NULL: none) are the list's from now on. */
static void add(struct elements *elements, int set, char *key, char *value)
{
	elements_add(elements, &sets[set], key, value ? value : mem_strdup(""));
}

static int of_family(int set4, const struct ip *ip)
{
	return ip->family == AF_INET6 ? set4 + 1 : set4;
}

/* ---- an interface ---- */

/* A name stands in quotes, and one that ends in a star means all that begin so. */
static int check_name(const char *name, struct err *err)
{
	for (const char *p = name; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr("\"\\*", *p))
			return err_say(err, ERR_VETH, "an interface of that name cannot be filtered: %s", name);
	return *name ? 0 : err_say(err, ERR_VETH, "an interface without a name cannot be filtered");
}

static char *quoted(const char *name)
{
	return str_fmt("\"%s\"", name);
}

static char *comment(const char *name)
{
	return str_fmt(" comment \"%s\"", name);
}

static void add_addresses(struct elements *elements, int source4, const struct net_interface *interface)
{
	char text[IP_TEXT];

	for (size_t i = 0; i < interface->ips.n; i++) {
		const struct ip *ip = &interface->ips.list[i];

		ip_print(ip, text);
		add(elements, of_family(source4, ip), str_fmt("\"%s\" . %s", interface->host_name, text), NULL);
		add(elements, of_family(BRIDGE_DECLARED4, ip), mem_strdup(text), comment(interface->host_name));
	}
}

static void add_counters(struct elements *elements, int sent4, const char *name, const struct net_traffic *traffic)
{
	const struct net_count counts[] = {
		traffic->sent4, traffic->sent6, traffic->received4, traffic->received6, traffic->dropped,
	};

	for (size_t i = 0; i < countof(counts); i++)
		add(elements, sent4 + (int)i, quoted(name),
		    str_fmt(" counter packets %llu bytes %llu", (unsigned long long)counts[i].packets,
			    (unsigned long long)counts[i].bytes));
}

static void add_macs(struct elements *elements, const struct net_interface *interface)
{
	const char *name = interface->host_name;
	const uint8_t *b = interface->mac.bytes;
	char mac[MAC_TEXT];

	mac_print(&interface->mac, mac);
	add(elements, INET_MACS, mem_strdup(mac), NULL);
	add(elements, INET_DROPPED_MAC, mem_strdup(mac), NULL);
	add(elements, BRIDGE_MACS, mem_strdup(mac), comment(name));
	add(elements, BRIDGE_MAC, str_fmt("\"%s\" . %s", name, mac), NULL);
	add(elements, BRIDGE_HARDWARE,
	    str_fmt("\"%s\" . 0x%02x%02x%02x%02x%02x%02x", name, b[0], b[1], b[2], b[3], b[4], b[5]), NULL);
	if (!interface->mac_filter) {
		add(elements, BRIDGE_ANY_MAC, quoted(name), NULL);
		add(elements, BRIDGE_KNOWN_AS, quoted(name), str_fmt(" : %s", mac));
	}
}

/* The inet table counts, too, what of a port comes to the node's IP layer and must not. */
static int add_port(struct elements *elements, const struct net_interface *interface, const struct net_traffic *traffic,
		    struct err *err)
{
	const char *name = interface->host_name;

	if (mac_is_zero(&interface->mac) || mac_is_multicast(&interface->mac))
		return err_say(err, ERR_VETH, "%s cannot be filtered without a MAC that is its own", name);
	add(elements, INET_PORTS, quoted(name), NULL);
	add(elements, INET_DROPPED, quoted(name), NULL);
	add(elements, BRIDGE_PORTS, quoted(name), NULL);
	if (interface->ips.n == 0 || !interface->mac_filter)
		add(elements, BRIDGE_LEARNING, quoted(name), NULL);
	add_macs(elements, interface);
	add_addresses(elements, BRIDGE_SOURCE4, interface);
	add_counters(elements, BRIDGE_SENT4, name, traffic);
	return 0;
}

static void add_unbridged(struct elements *elements, const char *name, bool by_route)
{
	add(elements, INET_UNBRIDGED, quoted(name), NULL);
	if (by_route)
		add(elements, INET_BY_ROUTE, quoted(name), NULL);
}

static int add_interface(struct elements *elements, const struct net_interface *interface,
			 const struct net_traffic *traffic, struct err *err)
{
	const char *name = interface->host_name;

	int r = check_name(name, err);
	if (r < 0)
		return r;
	if (!interface->routed && interface->bridge[0])
		return add_port(elements, interface, traffic, err);
	if (!interface->routed)
		add_unbridged(elements, name, interface->ips.n == 0);
	add_addresses(elements, INET_SOURCE4, interface);
	add_counters(elements, INET_SENT4, name, traffic);
	return 0;
}

/* ---- a guest ---- */

static void add_published(struct elements *elements, const struct net_publish *publish, const char *owner)
{
	const char *protocol = publish->protocol == IPPROTO_TCP ? "tcp" : "udp";
	bool any = memcmp(publish->address.bytes, (uint8_t[16]){0}, ip_bytes(publish->address.family)) == 0;
	char from[IP_TEXT], to[IP_TEXT];

	ip_print(&publish->address, from);
	ip_print(&publish->to, to);
	char *key = any ? str_fmt("%s . %u", protocol, publish->port)
			: str_fmt("%s . %s . %u", protocol, from, publish->port);
	add(elements, of_family(any ? INET_PUBLISHED_ANY4 : INET_PUBLISHED4, &publish->address), key,
	    str_fmt(" comment \"%s\" : %s . %u", owner, to, publish->to_port));
	add(elements, of_family(INET_ITSELF4, &publish->to), str_fmt("%s . %s", to, to), NULL);
}

int admission_add_guest(struct elements *elements, const struct net_guest *guest, struct err *err)
{
	static const struct net_traffic nothing;
	const char *owner = guest->n_interfaces > 0 ? guest->interfaces[0].host_name : "a guest without interfaces";

	for (size_t i = 0; i < guest->n_interfaces; i++) {
		int r = add_interface(elements, &guest->interfaces[i], i == 0 ? &guest->traffic : &nothing, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < guest->n_published; i++)
		add_published(elements, &guest->published[i], owner);
	return 0;
}

bool admission_learns(const struct net_guest *guest)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (!guest->interfaces[i].routed && guest->interfaces[i].bridge[0])
			return true;
	return false;
}

/* ---- the node ---- */

/* Intervals in a set do not overlap: is the network part of another, or one that came before? */
static bool is_covered(const struct ips *networks, size_t i)
{
	const struct ip *network = &networks->list[i];

	for (size_t k = 0; k < networks->n; k++) {
		const struct ip *other = &networks->list[k];
		bool wider = other->prefix < network->prefix || (other->prefix == network->prefix && k < i);
		if (wider && ip_within(other, network))
			return true;
	}
	return false;
}

void admission_add_policy(struct elements *elements, const struct filter_policy *policy)
{
	char text[IP_TEXT];

	for (size_t i = 0; i < policy->masquerade.n; i++) {
		const struct ip *ip = &policy->masquerade.list[i];
		if (!is_covered(&policy->masquerade, i))
			add(elements, of_family(INET_MASQUERADE4, ip), mem_strdup(ip_print_prefix(ip, text)), NULL);
	}
	for (size_t i = 0; i < policy->n_services; i++) {
		const struct filter_service *service = &policy->services[i];
		const char *protocol = service->protocol == IPPROTO_TCP ? "tcp" : "udp";
		add(elements, INET_SERVICES, str_fmt("%s . %u", protocol, service->port), NULL);
	}
}

static int add_address(struct nl_msg *msg, void *ctx)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	const struct ifaddrmsg *address = nlmsg_data(head);
	struct ip ip = {.family = address->ifa_family};
	/* IFA_ADDRESS is the other end's where there is an IFA_LOCAL. */
	const struct nlattr *attr = nlmsg_find_attr(head, sizeof(*address), IFA_LOCAL);
	char text[IP_TEXT];

	if (!attr)
		attr = nlmsg_find_attr(head, sizeof(*address), IFA_ADDRESS);
	if (!attr || ip_bytes(ip.family) == 0 || (size_t)nla_len(attr) != ip_bytes(ip.family))
		return NL_OK;
	memcpy(ip.bytes, nla_data(attr), ip_bytes(ip.family));
	add(ctx, of_family(BRIDGE_NODE4, &ip), mem_strdup(ip_print(&ip, text)), NULL);
	return NL_OK;
}

int admission_add_node(struct elements *elements, struct err *err)
{
	const struct ifaddrmsg all = {.ifa_family = AF_UNSPEC};
	cleanup_netns struct netns node = {0};

	int r = netns_open(NETNS_OWN, &node, err);
	if (r < 0)
		return r;
	r = rtnl_get(node.rtnl, rtnl_message(RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all)), add_address, elements);
	return r < 0 ? err_set(err, -r, "list the node's addresses") : 0;
}
