/* What a guest's interfaces have counted. */
#include <errno.h>
#include <stddef.h>

#include "netns/counter.h"
#include "netns/filter.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

#define TABLE "openve"

/* Where each counter stands: what is no bridge's port counts in the inet table, a port in the bridge table; what is
 * refused to a port by the node itself, in the inet table, partly by its MAC. */
static const struct counter {
	const char *set;
	bool of_ports, by_mac;
	enum counter_family family;
	size_t sum; /* in struct net_traffic */
} counters[] = {
	{"sent4", false, false, COUNTER_INET, offsetof(struct net_traffic, sent4)},
	{"sent6", false, false, COUNTER_INET, offsetof(struct net_traffic, sent6)},
	{"received4", false, false, COUNTER_INET, offsetof(struct net_traffic, received4)},
	{"received6", false, false, COUNTER_INET, offsetof(struct net_traffic, received6)},
	{"dropped", false, false, COUNTER_INET, offsetof(struct net_traffic, dropped)},
	{"sent4", true, false, COUNTER_BRIDGE, offsetof(struct net_traffic, sent4)},
	{"sent6", true, false, COUNTER_BRIDGE, offsetof(struct net_traffic, sent6)},
	{"received4", true, false, COUNTER_BRIDGE, offsetof(struct net_traffic, received4)},
	{"received6", true, false, COUNTER_BRIDGE, offsetof(struct net_traffic, received6)},
	{"dropped", true, false, COUNTER_BRIDGE, offsetof(struct net_traffic, dropped)},
	{"dropped", true, false, COUNTER_INET, offsetof(struct net_traffic, dropped)},
	{"dropped_mac", true, true, COUNTER_INET, offsetof(struct net_traffic, dropped)},
};

static int add(struct nl_sock *sock, const struct counter *counter, const struct net_interface *interface,
	       struct net_traffic *traffic)
{
	struct net_count *sum = (struct net_count *)((char *)traffic + counter->sum), count = {0};
	const void *key = counter->by_mac ? (const void *)&interface->mac : interface->host_name;
	size_t key_size = counter->by_mac ? sizeof(interface->mac) : sizeof(interface->host_name);

	int r = counter_read(sock, counter->family, TABLE, counter->set, key, key_size, &count);
	sum->packets += count.packets;
	sum->bytes += count.bytes;
	return r == -ENOENT ? 0 : r;
}

int filter_traffic(const struct net_guest *guest, struct net_traffic *ret, struct err *err)
{
	struct net_traffic traffic = {0};
	cleanup_rtnl struct nl_sock *sock = counter_open(err);
	if (!sock)
		return -err->no;

	for (size_t i = 0; i < guest->n_interfaces; i++) {
		const struct net_interface *interface = &guest->interfaces[i];
		bool is_port = !interface->routed && interface->bridge[0];

		for (size_t k = 0; k < countof(counters); k++) {
			int r = counters[k].of_ports == is_port ? add(sock, &counters[k], interface, &traffic) : 0;
			if (r < 0)
				return err_set(err, -r, "read the counters of %s", interface->host_name);
		}
	}
	*ret = traffic;
	return 0;
}
