/* What is asked of the kernel here is asked at every start of a guest, on nodes that have a link for each of hundreds.
 * So the node's addresses are read, which are few, and then just the links that have one; all links are read only where
 * vz.conf says "all". */
#include "netns/uplink.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct search {
	const struct ip *ip;
	struct uplink *list;
	size_t n;
};

static struct uplink *known(const struct search *search, int index)
{
	for (size_t i = 0; i < search->n; i++)
		if (search->list[i].index == index)
			return &search->list[i];
	return NULL;
}

static struct uplink *add(struct search *search, int index)
{
	struct uplink *uplink = known(search, index);

	if (uplink || search->n == NEIGHBOUR_DEVICES)
		return uplink;
	uplink = &search->list[search->n++];
	*uplink = (struct uplink){.index = index};
	return uplink;
}

/* Links come and go while the kernel lists them, which it then says. It lists them by index, each with its addresses:
 * what was there all the time is in the list, once. */
static int go_on(struct nl_msg *msg __attribute__((unused)), void *ctx __attribute__((unused)))
{
	return NL_OK;
}

static int dump(struct nl_sock *sock, struct nl_msg *msg, rtnl_answer *answer, struct search *search)
{
	nl_socket_modify_cb(sock, NL_CB_DUMP_INTR, NL_CB_CUSTOM, go_on, NULL);
	int r = rtnl_get(sock, msg, answer, search);
	nl_socket_modify_cb(sock, NL_CB_DUMP_INTR, NL_CB_DEFAULT, NULL, NULL);
	return r;
}

/* ---- links ---- */

/* By its name, see net.h: what begins with "venet" is routed; "veth101.0" is what an Ethernet's end is called by
 * default. */
static bool is_guests(const char *name)
{
	unsigned ctid, number;
	char more;

	return str_after(name, "venet") || sscanf(name, "veth%u.%u%c", &ctid, &number, &more) == 2;
}

/* An Ethernet on which addresses are resolved. Ports of a bridge and parts of a bond are none: what they hear belongs
 * to the bridge or bond. */
static bool is_uplink(const struct ifinfomsg *head, struct nlattr *const attrs[])
{
	const unsigned wanted = IFF_UP | IFF_BROADCAST;

	if (head->ifi_type != ARPHRD_ETHER || attrs[IFLA_MASTER] || !attrs[IFLA_IFNAME] || !attrs[IFLA_ADDRESS] ||
	    nla_len(attrs[IFLA_ADDRESS]) != sizeof(struct mac))
		return false;
	return (head->ifi_flags & (wanted | IFF_LOOPBACK | IFF_NOARP)) == wanted &&
	       !is_guests(nla_get_string(attrs[IFLA_IFNAME]));
}

static int note_link(struct nl_msg *msg, void *ctx)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *head = nlmsg_data(nlmsg_hdr(msg));

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*head), attrs, IFLA_MAX, NULL) < 0 || !is_uplink(head, attrs))
		return NL_OK;
	struct uplink *uplink = add(ctx, head->ifi_index);
	if (uplink) {
		nla_strlcpy(uplink->name, attrs[IFLA_IFNAME], sizeof(uplink->name));
		nla_memcpy(uplink->mac.bytes, attrs[IFLA_ADDRESS], sizeof(uplink->mac.bytes));
	}
	return NL_OK;
}

static struct nl_msg *link_message(int flags, int index, const char *name)
{
	struct ifinfomsg head = {.ifi_index = index};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, flags, &head, sizeof(head));

	if (name)
		rtnl_put_text(msg, IFLA_IFNAME, name);
	rtnl_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return msg;
}

/* One that is not there has no neighbours. */
static int ask_link(struct nl_sock *sock, int index, const char *name, struct search *search)
{
	int r = rtnl_get(sock, link_message(0, index, name), note_link, search);
	return r == -ENODEV ? 0 : r;
}

static int ask_all_links(struct nl_sock *sock, struct search *search)
{
	return dump(sock, link_message(NLM_F_DUMP, 0, NULL), note_link, search);
}

static int ask_listed_links(struct nl_sock *sock, const char *list, struct search *search)
{
	int r = 0;

	for (list += strspn(list, " \t"); *list && r == 0; list += strspn(list, " \t")) {
		char name[IFNAMSIZ] = "";
		size_t len = strcspn(list, " \t");
		if (len < sizeof(name)) {
			memcpy(name, list, len);
			r = ask_link(sock, 0, name, search);
		}
		list += len;
	}
	return r;
}

/* ---- addresses ---- */

struct address {
	int index;
	struct ip own;	   /* the node's */
	struct ip network; /* that it is in; of a point-to-point link, the other side's */
};

static bool read_ip(int family, unsigned prefix, const struct nlattr *attr, struct ip *ret)
{
	if (!attr || nla_len(attr) != (int)ip_bytes(family))
		return false;
	*ret = (struct ip){.family = family, .prefix = prefix};
	memcpy(ret->bytes, nla_data(attr), ip_bytes(family));
	return true;
}

static bool read_address(struct nl_msg *msg, struct address *ret)
{
	struct nlattr *attrs[IFA_MAX + 1];
	const struct ifaddrmsg *head = nlmsg_data(nlmsg_hdr(msg));

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*head), attrs, IFA_MAX, NULL) < 0)
		return false;
	ret->index = (int)head->ifa_index;
	return read_ip(head->ifa_family, head->ifa_prefixlen, attrs[IFA_ADDRESS], &ret->network) &&
	       read_ip(head->ifa_family, head->ifa_prefixlen, attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS],
		       &ret->own);
}

static int note_network(struct nl_msg *msg, void *ctx)
{
	struct search *search = ctx;
	struct address address;

	if (read_address(msg, &address) && ip_within(&address.network, search->ip))
		add(search, address.index);
	return NL_OK;
}

static int note_source(struct nl_msg *msg, void *ctx)
{
	const struct search *search = ctx;
	struct address address;

	if (!read_address(msg, &address))
		return NL_OK;
	struct uplink *uplink = known(search, address.index);
	if (uplink && (!uplink->source.family || ip_within(&address.network, search->ip)))
		uplink->source = address.own;
	return NL_OK;
}

static int ask_addresses(struct nl_sock *sock, rtnl_answer *answer, struct search *search)
{
	struct ifaddrmsg head = {.ifa_family = (uint8_t)search->ip->family};
	return dump(sock, rtnl_message(RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head)), answer, search);
}

/* ---- which ---- */

static int ask_near_links(struct nl_sock *sock, struct search *search)
{
	struct uplink near[NEIGHBOUR_DEVICES];
	struct search networks = {.ip = search->ip, .list = near};

	int r = ask_addresses(sock, note_network, &networks);
	for (size_t i = 0; i < networks.n && r == 0; i++)
		r = ask_link(sock, near[i].index, NULL, search);
	return r;
}

static int ask_links(struct nl_sock *sock, const struct neighbour_devices *devices, struct search *search)
{
	switch (devices->how) {
	case NEIGHBOUR_ALL:
		return ask_all_links(sock, search);
	case NEIGHBOUR_LIST:
		return ask_listed_links(sock, devices->list, search);
	default:
		return ask_near_links(sock, search);
	}
}

int uplink_find(struct nl_sock *sock, const struct neighbour_devices *devices, const struct ip *ip,
		struct uplink ret[NEIGHBOUR_DEVICES], struct err *err)
{
	struct search search = {.ip = ip, .list = ret};

	int r = ask_links(sock, devices, &search);
	if (r == 0 && search.n > 0 && ip->family == AF_INET)
		r = ask_addresses(sock, note_source, &search);
	return r < 0 ? err_set(err, -r, "find the node's network devices") : (int)search.n;
}
