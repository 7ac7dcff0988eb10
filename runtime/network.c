#include "runtime/network.h"

#include <fcntl.h>

#include "netns/addr.h"
#include "netns/filter.h"
#include "netns/link.h"
#include "netns/neighbour.h"
#include "netns/netns.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/guest.h"
#include "runtime/host.h"
#include "runtime/lock.h"
#include "runtime/netdev.h"
#include "runtime/op.h"
#include "runtime/state.h"
#include "runtime/traffic.h"
#include "runtime/ve.h"

/* A VE on its way from one network to another. */
struct move {
	uint32_t ctid;
	struct state *state; /* its record, which says where it is */
	struct netns node;
	const struct netns *guest; /* NULL: still to come, its links wait on the node */
	struct net_guest from, to;
	const struct ve_config *wanted; /* what `to` is made of */
	struct ips fresh;		/* what of `to` is routed and new */
	const struct network_options *options;
	bool has_neighbours; /* on the node's own networks, for what is fresh */
	bool admitted;	     /* by the filter, to where it goes */
};

static void move_done(struct move *move)
{
	netns_close(&move->node);
	net_guest_done(&move->from);
	net_guest_done(&move->to);
	ips_done(&move->fresh);
}

#define cleanup_move __attribute__((cleanup(move_done)))

/* ---- what has to be so before ---- */

static bool has_ip(const struct net_guest *guest, const struct ip *ip)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (ips_has(&guest->interfaces[i].ips, ip))
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

static int check_ip(struct move *move, const struct net_interface *interface, const struct ip *ip, struct err *err)
{
	char text[IP_TEXT];

	if (has_ip(&move->from, ip))
		return 0;
	if (route_is_ours(&move->node, ip))
		return err_say(err, ERR_ADDRESS_IN_USE, "%s is an address of the node itself", ip_print(ip, text));
	if (interface->routed)
		ips_add(&move->fresh, ip);
	return 0;
}

/* A link that is there already is somebody's, and would be taken for ours. Names of routed ones are all ours: it is one
 * that a crash has left. */
static int check_link(const struct move *move, const struct net_interface *interface, struct err *err)
{
	const char *name = interface->host_name;

	if (has_link(&move->from, name) || !link_exists(&move->node, name))
		return 0;
	if (interface->routed)
		return link_delete(&move->node, name, err);
	return err_say(err, ERR_VETH,
		       "the node has a network interface %s already: give %s of CT %u another name (--host_ifname)",
		       name, interface->name, move->ctid);
}

static int check_interface(struct move *move, const struct net_interface *interface, struct err *err)
{
	int r = check_link(move, interface, err);
	for (size_t i = 0; r == 0 && i < interface->ips.n; i++)
		r = check_ip(move, interface, &interface->ips.list[i], err);
	return r;
}

/* Somebody on the node's network may have it. vz.conf decides whether that is a reason to stop. */
static int look_for_duplicates(struct op *op, const struct move *move)
{
	const struct node_config *node = &op->host->node;
	struct neighbour_devices devices = node_neighbours(node);
	struct neighbour_duplicate duplicate;
	char ip[IP_TEXT], mac[MAC_TEXT];

	int r = neighbour_detect(&move->node, &devices, &move->fresh, &duplicate, op->err);
	if (r <= 0)
		return r;
	ip_print(&duplicate.ip, ip);
	mac_print(&duplicate.mac, mac);
	if (node->error_on_arpfail)
		return err_say(op->err, ERR_ADDRESS_IN_USE, "IP address %s is already used by %s on %s", ip, mac,
			       duplicate.device);
	op_warn(op, "WARNING: IP address %s is already used by %s on %s", ip, mac, duplicate.device);
	return 0;
}

static int look_for_neighbours(struct op *op, struct move *move)
{
	struct neighbour_devices devices = node_neighbours(&op->host->node);
	int found[NEIGHBOUR_DEVICES], r = 0;

	for (size_t i = 0; r == 0 && i < move->fresh.n; i++)
		r = neighbour_find(&move->node, &devices, &move->fresh.list[i], found, op->err);
	move->has_neighbours = r > 0;
	return r < 0 ? r : 0;
}

static int prepare(struct op *op, struct move *move)
{
	const struct node_config *node = &op->host->node;
	int r = 0;

	if (move->options->back) {
		move->has_neighbours = true;
		return 0;
	}
	for (size_t i = 0; r == 0 && i < move->to.n_interfaces; i++)
		r = check_interface(move, &move->to.interfaces[i], op->err);
	if (r < 0 || move->fresh.n == 0)
		return r;
	r = look_for_neighbours(op, move);
	if (r == 0 && move->has_neighbours && !node->skip_arpdetect && !move->options->skip_arpdetect)
		r = look_for_duplicates(op, move);
	if (r == 0 && !node->skip_sysctl)
		r = route_forwarding(op->err);
	if (r < 0)
		return r;
	cleanup_free char *list = ips_print(&move->fresh);
	op_say(op, "Adding IP address(es): %s", list);
	return 0;
}

static void announce(struct op *op, const struct move *move)
{
	struct neighbour_devices devices = node_neighbours(&op->host->node);
	struct err err = {0};

	if (neighbour_announce(&move->node, &devices, &move->fresh, &err) < 0)
		op_warn(op, "cannot announce the addresses: %s", err.text);
}

/* ---- locks ---- */

static bool has_bridge(const struct net_guest *guest)
{
	for (size_t i = 0; i < guest->n_interfaces; i++)
		if (guest->interfaces[i].bridge[0])
			return true;
	return false;
}

struct locks {
	int filter;  /* shared with all but whoever makes the tables anew from the records */
	int bridges; /* a bridge of ours comes with its first port and goes with its last: one after the other; -1: none
		      */
};

static void unlock(struct locks *locks)
{
	fd_close(locks->bridges);
	fd_close(locks->filter);
}

#define cleanup_locks __attribute__((cleanup(unlock)))

static int lock(const struct move *move, struct locks *ret, struct err *err)
{
	int r = ret->filter = lock_node_shared("network", err);
	if (r >= 0 && (has_bridge(&move->from) || has_bridge(&move->to)))
		r = ret->bridges = lock_node("bridges", err);
	return r < 0 ? r : 0;
}

/* ---- the move ---- */

static int record(const struct move *move, const struct ve_config *network, struct err *err)
{
	guest_copy(&move->state->network, network);
	return state_save(move->ctid, move->state, err);
}

static const struct net_guest *or_none(const struct net_guest *guest)
{
	return guest->n_interfaces ? guest : NULL;
}

/* The record follows the filter and comes before new links. If the worker dies before it, the tables are made from the
 * old one, and no link is there that they lack; after it, from the new one. */
static int carry_out(struct op *op, struct move *move)
{
	struct neighbour_devices devices = node_neighbours(&op->host->node);
	int r;

	if ((r = net_drop(&move->node, &move->from, &move->to, op->err)) < 0 ||
	    (r = filter_change(or_none(&move->from), or_none(&move->to), op->err)) < 0)
		return r;
	move->admitted = true;
	if ((r = record(move, move->wanted, op->err)) < 0)
		return r;
	if (!move->guest)
		return net_park(&move->node, &move->to, op->err);
	r = net_raise(&move->node, move->guest, &move->from, &move->to, move->has_neighbours ? &devices : NULL,
		      op->err);
	if (r < 0)
		return r;
	return netdev_change(op, move->ctid, move->state, &move->node, move->guest, move->wanted->netdev);
}

/* Addresses that were not admitted may be another's, and are left alone. */
static int undo(struct op *op, struct move *move, const struct ve_config *before)
{
	struct neighbour_devices devices = node_neighbours(&op->host->node);
	struct err *err = op->err;
	int r = 0;

	if (move->admitted && (r = net_drop(&move->node, &move->to, &move->from, err)) == 0 &&
	    (r = filter_change(or_none(&move->to), or_none(&move->from), err)) == 0)
		r = record(move, before, err);
	if (r < 0 || !move->guest)
		return r;
	r = net_raise(&move->node, move->guest, move->admitted ? &move->to : &move->from, &move->from, &devices, err);
	return r < 0 ? r : netdev_change(op, move->ctid, move->state, &move->node, move->guest, before->netdev);
}

static int move_locked(struct op *op, struct move *move)
{
	cleanup_config struct ve_config before = {0};
	struct err *outer = op->err, err = {0};

	guest_copy(&before, &move->state->network);
	int r = carry_out(op, move);
	if (r == 0)
		return 0;
	if (r == -EEXIST && op->err->kind == ERR_SYSTEM)
		err_is(op->err, ERR_ADDRESS_IN_USE, r);
	op->err = &err;
	if (undo(op, move, &before) < 0)
		op_warn(op, "the network of CT %u is not as it was before: %s", move->ctid, err.text);
	op->err = outer;
	return r;
}

/* Nobody waits for us while we wait for answers from the network. */
static int make_move(struct op *op, struct move *move)
{
	int r = prepare(op, move);
	if (r < 0)
		return r;
	{
		cleanup_locks struct locks locks = {-1, -1};
		r = lock(move, &locks, op->err);
		if (r == 0)
			r = move_locked(op, move);
	}
	if (r == 0 && move->guest && move->has_neighbours && move->fresh.n > 0)
		announce(op, move);
	return r;
}

int network_up(struct op *op, const struct ve *ve, struct state *state, const struct netns *guest)
{
	const struct network_options usual = {0};
	cleanup_move struct move move = {
		.ctid = ve->ctid, .state = state, .guest = guest, .wanted = &ve->config, .options = &usual};
	int r;

	if ((r = guest_of(ve->ctid, &ve->config, &move.to, op->err)) < 0 ||
	    (r = traffic_load(op->host, ve->ctid, &move.to.traffic, op->err)) < 0 ||
	    (move.to.n_interfaces == 0 && !ve->config.netdev))
		return r;
	r = netns_open(NETNS_OWN, &move.node, op->err);
	return r < 0 ? r : make_move(op, &move);
}

int network_park(struct op *op, uint32_t ctid, struct state *state, const struct ve_config *to,
		 const struct network_options *options)
{
	cleanup_move struct move move = {.ctid = ctid, .state = state, .wanted = to, .options = options};
	int r;

	if ((r = guest_of(ctid, to, &move.to, op->err)) < 0 ||
	    (r = traffic_load(op->host, ctid, &move.to.traffic, op->err)) < 0)
		return r;
	if (move.to.n_interfaces == 0)
		return record(&move, to, op->err);
	r = netns_open(NETNS_OWN, &move.node, op->err);
	return r < 0 ? r : make_move(op, &move);
}

int network_join(struct op *op, uint32_t ctid, const struct state *state, int netns)
{
	struct neighbour_devices devices = node_neighbours(&op->host->node);
	cleanup_netns struct netns guest = {0};
	cleanup_move struct move move = {.ctid = ctid};
	cleanup_locks struct locks locks = {-1, -1};
	int r;

	if ((r = guest_of(ctid, &state->network, &move.to, op->err)) < 0 || move.to.n_interfaces == 0)
		return r;
	if ((r = netns_open(netns, &guest, op->err)) < 0 || (r = netns_open(NETNS_OWN, &move.node, op->err)) < 0 ||
	    (r = lock(&move, &locks, op->err)) < 0 || (r = net_join(&move.node, &guest, &move.to, op->err)) < 0)
		return r;
	return net_raise(&move.node, &guest, NULL, &move.to, &devices, op->err);
}

void network_announce(struct op *op, uint32_t ctid, const struct state *state)
{
	cleanup_move struct move move = {.ctid = ctid};
	struct err ignored = {0};

	if (guest_of(ctid, &state->network, &move.to, &ignored) < 0 || netns_open(NETNS_OWN, &move.node, &ignored) < 0)
		return;
	const struct ips *routed = net_routed(&move.to);
	for (size_t i = 0; i < routed->n; i++)
		ips_add(&move.fresh, &routed->list[i]);
	if (routed->n > 0)
		announce(op, &move);
}

int network_change(struct op *op, uint32_t ctid, struct state *state, const struct ve_config *to,
		   const struct network_options *options)
{
	cleanup_netns struct netns guest = {0};
	cleanup_move struct move move = {
		.ctid = ctid, .state = state, .guest = &guest, .wanted = to, .options = options};
	int r;

	if ((r = guest_of(ctid, &state->network, &move.from, op->err)) < 0 ||
	    (r = guest_of(ctid, to, &move.to, op->err)) < 0)
		return r;
	cleanup_fd int fd = state_netns(state, op->err);
	if (fd < 0)
		return fd;
	if ((r = netns_open(fd, &guest, op->err)) < 0 || (r = netns_open(NETNS_OWN, &move.node, op->err)) < 0)
		return r;
	if (move.from.n_interfaces == 0 && (r = traffic_load(op->host, ctid, &move.to.traffic, op->err)) < 0)
		return r;
	return make_move(op, &move);
}

static int take_down(struct op *op, struct move *move)
{
	cleanup_locks struct locks locks = {-1, -1};

	int r = netns_open(NETNS_OWN, &move->node, op->err);
	if (r < 0 || (r = lock(move, &locks, op->err)) < 0)
		return r;
	traffic_save(op, move->ctid, &move->from);
	if ((r = net_drop(&move->node, &move->from, NULL, op->err)) < 0 ||
	    (r = filter_change(&move->from, NULL, op->err)) < 0)
		return r;
	return record(move, move->wanted, op->err);
}

int network_down(struct op *op, uint32_t ctid, struct state *state)
{
	static const struct ve_config nothing;
	cleanup_move struct move move = {.ctid = ctid, .state = state, .wanted = &nothing};

	if (!param_any(&config_table, PARAM_NETWORK, &state->network))
		return 0;
	int r = guest_of(ctid, &state->network, &move.from, op->err);
	if (r < 0)
		return r;
	return move.from.n_interfaces ? take_down(op, &move) : record(&move, &nothing, op->err);
}

static int answer_for(struct op *op, const struct netns *node, uint32_t ctid)
{
	struct neighbour_devices devices = node_neighbours(&op->host->node);
	cleanup_state struct state state = {0};
	cleanup_net_guest struct net_guest guest = {0};

	int r = state_load(ctid, &state, op->err);
	if (r == 0)
		r = guest_of(ctid, &state.network, &guest, op->err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	const struct ips *ips = net_routed(&guest);
	for (size_t i = 0; r == 0 && i < ips->n; i++)
		r = neighbour_answer(node, &devices, &ips->list[i], op->err);
	return r < 0 || ips->n == 0 ? r : neighbour_announce(node, &devices, ips, op->err);
}

int network_answer(struct op *op)
{
	cleanup_netns struct netns node = {0};
	cleanup_free uint32_t *ctids = NULL;
	size_t n = 0;

	/* Not while one takes its addresses away. */
	cleanup_fd int alone = lock_node("network", op->err);
	int r = alone < 0 ? alone : netns_open(NETNS_OWN, &node, op->err);
	if (r == 0)
		r = state_all(&ctids, &n, op->err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = answer_for(op, &node, ctids[i]);
	return r;
}
