#include "runtime/naming.h"

#include <fcntl.h>
#include <stdlib.h>

#include "netns/net.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/errand.h"
#include "runtime/guest.h"
#include "runtime/op.h"
#include "runtime/resolver.h"
#include "runtime/state.h"
#include "runtime/ve.h"

/* An interface that is added while the VE runs finds its network scripts told already. */
#define ROUTED "venet0"

/* What CRIU cannot dump is not made: nested namespaces of these kinds, and mounts and watches of single cgroup files,
 * which it cannot bring back. */
static const char dumpable_services[] = "# So that the container can be suspended (vzctl set --checkpointable).\n"
					"[Service]\n"
					"ProtectHostname=no\n"
					"PrivateUsers=no\n"
					"PrivateIPC=no\n"
					"PrivatePIDs=no\n"
					"ProtectControlGroups=no\n"
					"MemoryPressureWatch=off";

static bool inherits(const char *list)
{
	return list && str_eq(list, "inherit");
}

static void warn_of_node(const struct op *op, const struct resolver *node)
{
	if (node->skipped)
		op_warn(op, "WARNING: the container cannot ask the node's name server %s, which is left out",
			node->skipped);
	else if (!node->nameservers)
		op_warn(op, "WARNING: the node has no name servers that the container could inherit");
}

static void add_resolver(const struct op *op, const struct ve_config *config, struct dist_names *names)
{
	cleanup_resolver struct resolver node = {0};
	bool servers = inherits(config->nameserver), domains = inherits(config->searchdomain);
	struct err why = {0};

	if ((servers || domains) && resolver_read(&node, &why) < 0)
		op_warn(op, "WARNING: the node's name servers are not inherited: %s", why.text);
	else if (servers)
		warn_of_node(op, &node);
	names->nameservers = mem_strdup(servers ? node.nameservers : config->nameserver);
	names->searchdomains = mem_strdup(domains ? node.searchdomains : config->searchdomain);
}

/* The first that it was given, of its first interface that has any. */
static char *first_address(const struct net_guest *guest)
{
	char text[IP_TEXT];

	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (guest->interfaces[i].ips.n > 0)
			return mem_strdup(ip_print(&guest->interfaces[i].ips.list[0], text));
	return NULL;
}

/* One without addresses is its owner's to set up. */
static char *bridged(const struct net_guest *guest)
{
	struct text names = {0};

	for (size_t i = 0; i < guest->n_interfaces; i++) {
		const struct net_interface *interface = &guest->interfaces[i];
		if (!interface->routed && interface->ips.n > 0)
			text_add(&names, "%s%s", names.len ? " " : "", interface->name);
	}
	return names.s;
}

int naming_of(const struct op *op, const struct ve *ve, struct dist_names *ret, struct err *err)
{
	cleanup_net_guest struct net_guest guest = {0};

	int r = guest_of(ve->ctid, &ve->config, &guest, err);
	if (r < 0)
		return r;
	*ret = (struct dist_names){
		.hostname = mem_strdup(ve->config.hostname),
		.address = first_address(&guest),
		.routed = mem_strdup(ROUTED),
		.bridged = bridged(&guest),
		.services = ve->config.uncheckpointable ? NULL : mem_strdup(dumpable_services),
	};
	add_resolver(op, &ve->config, ret);
	return 0;
}

void naming_warn(const struct op *op, const struct err *why)
{
	if (why->kind != ERR_NONE)
		op_warn(op, "WARNING: not all names are written in the container: %s", why->text);
}

static bool gives(const struct ve_config *change, const char *key)
{
	return param_given(&config_table, param_by_key(&config_table, key), change);
}

static bool same_address(const struct ve *before, const struct ve *after)
{
	cleanup_net_guest struct net_guest old = {0}, new = {0};
	struct err ignored = {0};

	if (guest_of(before->ctid, &before->config, &old, &ignored) < 0 ||
	    guest_of(after->ctid, &after->config, &new, &ignored) < 0)
		return true;
	cleanup_free char *was = first_address(&old), *is = first_address(&new);
	return was && is ? str_eq(was, is) : was == is;
}

/* What only a start can tell it. */
static void forget_start(struct dist_names *names)
{
	free(names->routed);
	free(names->bridged);
	free(names->services);
	names->routed = names->bridged = names->services = NULL;
}

/* What its owner changed himself since the start stays, unless this very change is about it. */
static int changed(const struct op *op, const struct ve *before, const struct ve *after, const struct ve_config *change,
		   struct dist_names *ret, struct err *err)
{
	struct ve concerned = *after;

	if (!gives(change, "HOSTNAME") && same_address(before, after))
		concerned.config.hostname = NULL;
	if (!gives(change, "NAMESERVER"))
		concerned.config.nameserver = NULL;
	if (!gives(change, "SEARCHDOMAIN"))
		concerned.config.searchdomain = NULL;
	int r = naming_of(op, &concerned, ret, err);
	if (r == 0 && !gives(change, "NETIF"))
		forget_start(ret);
	return r;
}

static int write_names(const void *ctx, struct err *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? err_set(err, errno, "open /") : dist_write(root, ctx, err);
}

void naming_change(const struct op *op, const struct ve *before, const struct ve *after, const struct ve_config *change,
		   const struct state *state, int pidfd)
{
	cleanup_dist_names struct dist_names names = {0};
	struct err why = {0};

	if (pidfd < 0)
		return;
	int r = changed(op, before, after, change, &names, &why);
	if (r == 0 && (names.hostname || names.nameservers || names.searchdomains || names.routed))
		errand_run(op->host, pidfd, state->cgroup, write_names, &names, &why);
	naming_warn(op, &why);
}
