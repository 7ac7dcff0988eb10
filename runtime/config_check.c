/* Whether the values of a configuration go together. That each is good by itself, its kind has seen to. */
#include <sys/socket.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/config.h"
#include "runtime/idmap.h"
#include "runtime/netif.h"
#include "runtime/publish.h"
#include "runtime/value.h"
#include "runtime/word.h"

static int check_bounds(const struct param *row, const struct ve_config *config, struct err *err)
{
	if ((row->kind != PARAM_ITEMS && row->kind != PARAM_SPACE) || !param_given(&config_table, row, config))
		return 0;

	const struct bounds *bounds = (const void *)((const char *)config + row->offset);
	if (bounds->barrier <= bounds->limit)
		return 0;
	cleanup_free char *text = param_print(&config_table, row, config);
	return err_say(err, ERR_BAD_VALUE, "Bad parameter for --%s: %s: the first value is above the second",
		       row->option, text);
}

static bool is_given(const struct ve_config *config, const char *key)
{
	return param_given(&config_table, param_by_key(&config_table, key), config);
}

/* A VE on a range outside the pool could share its ids with users of the node. */
static int check_range(const struct ve_config *config, struct err *err)
{
	uint64_t base = config->local_uid;
	if (!is_given(config, "LOCAL_UID") || (base >= IDMAP_FIRST && base <= IDMAP_LAST && base % USERNS_RANGE == 0))
		return 0;
	return err_say(err, ERR_BAD_CONFIG,
		       "LOCAL_UID=\"%ju\" is not a range of ids for VEs, which begin at multiples of %u from %u to %u: "
		       "remove the line, and the next start takes a free range",
		       base, USERNS_RANGE, IDMAP_FIRST, IDMAP_LAST);
}

static int check_address(const struct net_interface *net, const struct ip *ip, const struct ips *routed,
			 struct err *err)
{
	char address[IP_TEXT];

	if (!ips_has(routed, ip))
		return 0;
	return err_say(err, ERR_BAD_ADDRESS, "%s is an address of %s and of the container itself",
		       ip_print(ip, address), net->name);
}

/* In the VE, and among its addresses, each thing is there once. */
static int check_interfaces(const struct netifs *netifs, const struct ips *routed, const char *devices, struct err *err)
{
	for (size_t i = 0; i < netifs->n; i++) {
		const struct net_interface *net = &netifs->list[i].net;
		if (words_have(devices, net->name))
			return err_say(
				err, ERR_VETH,
				"%s cannot be an interface (--netif_add) and a device of the node (--netdev_add)",
				net->name);
		for (size_t j = 0; j < net->ips.n; j++) {
			int r = check_address(net, &net->ips.list[j], routed, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int check_ports(const struct ve_config *config, const struct ips *ips, struct err *err)
{
	cleanup_publishes struct publishes ports = {0};
	struct why why;

	if (publishes_parse(config->ports ? config->ports : "", &ports, &why) < 0)
		return err_say(err, ERR_BAD_CONFIG, "PORTS: %s", why.text);

	const struct net_publish *lost = publishes_aim(&ports, ips);
	if (!lost)
		return 0;
	cleanup_free char *text = publish_print(lost);
	return err_say(err, ERR_BAD_ADDRESS,
		       "the port %s leads nowhere: the container has no %s address of its own; give it one with "
		       "--ipadd, or take the port back with --port_del",
		       text, lost->address.family == AF_INET ? "IPv4" : "IPv6");
}

static int check_network(const struct ve_config *config, struct err *err)
{
	cleanup_netifs struct netifs netifs = {0};
	cleanup_ips struct ips ips = {0};
	const char *bad;
	struct why why;

	if (ips_parse(config->ip_address ? config->ip_address : "", &ips, &bad) < 0)
		return err_say(err, ERR_BAD_CONFIG, "IP_ADDRESS: %s is not an IP address", bad);
	if (netifs_parse(config->netif ? config->netif : "", &netifs, &why) < 0)
		return err_say(err, ERR_BAD_CONFIG, "NETIF: %s", why.text);

	int r = check_interfaces(&netifs, &ips, config->netdev, err);
	return r < 0 ? r : check_ports(config, &ips, err);
}

int config_check(const struct ve_config *config, struct err *err)
{
	for (size_t i = 0; i < config_table.n; i++) {
		int r = check_bounds(&config_table.rows[i], config, err);
		if (r < 0)
			return r;
	}
	/* No limit on memory needs none on swap: that is how vzctl knows configurations from before VSwap. */
	if (is_given(config, "PHYSPAGES") && config->ram != PARAM_UNLIMITED && !is_given(config, "SWAPPAGES"))
		return err_say(err, ERR_MISSING_LIMIT, "required UB parameter (swap) not set");
	int r = check_network(config, err);
	return r < 0 ? r : check_range(config, err);
}
