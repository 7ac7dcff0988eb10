#include "runtime/guest.h"

#include <stdio.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/config.h"
#include "runtime/netif.h"
#include "runtime/publish.h"
#include "runtime/value.h"

#define VENET "venet0" /* as OpenVZ has it */

/* Texts in a configuration were checked when it was read. */
static int bad(uint32_t ctid, const char *key, const char *text, const struct why *why, struct err *err)
{
	return err_say(err, ERR_BAD_CONFIG, "%s=\"%s\" of CT %u: %s", key, text, ctid, why->text);
}

static struct net_interface *add_interface(struct net_guest *guest)
{
	guest->interfaces = mem_grow(guest->interfaces, guest->n_interfaces + 1, sizeof(*guest->interfaces));
	return &guest->interfaces[guest->n_interfaces++];
}

static int add_bridged(uint32_t ctid, const struct ve_config *config, struct net_guest *guest, struct err *err)
{
	cleanup_netifs struct netifs netifs = {0};
	struct why why;

	if (config->netif && netifs_parse(config->netif, &netifs, &why) < 0)
		return bad(ctid, "NETIF", config->netif, &why, err);
	for (size_t i = 0; i < netifs.n; i++) {
		*add_interface(guest) = netifs.list[i].net;
		netifs.list[i].net.ips = (struct ips){0};
	}
	return 0;
}

static int add_routed(uint32_t ctid, const struct ve_config *config, struct net_guest *guest, struct err *err)
{
	struct why why = {"no list of addresses"};
	struct ips ips = {0};
	const char *word;

	if (!config->ip_address)
		return 0;
	if (ips_parse(config->ip_address, &ips, &word) < 0)
		return bad(ctid, "IP_ADDRESS", config->ip_address, &why, err);

	struct net_interface *venet = add_interface(guest);
	*venet = (struct net_interface){.name = VENET, .routed = true, .ips = ips};
	snprintf(venet->host_name, sizeof(venet->host_name), "venet%u", ctid);
	return 0;
}

static int add_published(uint32_t ctid, const struct ve_config *config, struct net_guest *guest, struct err *err)
{
	cleanup_publishes struct publishes publishes = {0};
	struct why why;

	if (config->ports && publishes_parse(config->ports, &publishes, &why) < 0)
		return bad(ctid, "PORTS", config->ports, &why, err);
	const struct net_publish *blind = publishes_aim(&publishes, net_routed(guest));
	if (blind) {
		cleanup_free char *text = publish_print(blind);
		return err_say(err, ERR_BAD_VALUE,
			       "the port %s leads nowhere: CT %u has no address of that family (--ipadd)", text, ctid);
	}
	guest->published = steal_ptr(publishes.list);
	guest->n_published = publishes.n;
	publishes.n = 0;
	return 0;
}

int guest_of(uint32_t ctid, const struct ve_config *config, struct net_guest *ret, struct err *err)
{
	cleanup_net_guest struct net_guest guest = {.rate = config->rate};
	int r;

	if ((r = add_routed(ctid, config, &guest, err)) < 0 || (r = add_bridged(ctid, config, &guest, err)) < 0 ||
	    (r = add_published(ctid, config, &guest, err)) < 0)
		return r;
	*ret = guest;
	guest = (struct net_guest){0};
	return 0;
}

void guest_copy(struct ve_config *ret, const struct ve_config *config)
{
	param_replace_some(&config_table, PARAM_NETWORK, ret, config);
}
