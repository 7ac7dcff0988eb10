#include "runtime/network_filter.h"

#include <stdlib.h>

#include "netns/filter.h"
#include "netns/nft.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/guest.h"
#include "runtime/host.h"
#include "runtime/lock.h"
#include "runtime/op.h"
#include "runtime/state.h"
#include "runtime/traffic.h"

struct guests {
	struct net_guest *list;
	size_t n;
};

static void guests_done(struct guests *guests)
{
	for (size_t i = 0; i < guests->n; i++)
		net_guest_done(&guests->list[i]);
	free(guests->list);
}

/* One that has ended meanwhile is left out. One whose record cannot be read is no reason to take it out of the tables:
 * they stay as they are, then. */
static int add_guest(struct op *op, uint32_t ctid, struct guests *guests)
{
	cleanup_state struct state state = {0};
	struct net_guest guest = {0};
	struct err uncounted = {0};

	int r = state_load(ctid, &state, op->err);
	if (r == 0)
		r = guest_of(ctid, &state.network, &guest, op->err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (traffic_load(op->host, ctid, &guest.traffic, &uncounted) < 0)
		op_warn(op, "the traffic of CT %u is counted anew: %s", ctid, uncounted.text);
	guests->list = mem_grow(guests->list, guests->n + 1, sizeof(guest));
	guests->list[guests->n++] = guest;
	return 0;
}

int network_filter_rebuild(struct op *op)
{
	__attribute__((cleanup(guests_done))) struct guests guests = {0};
	cleanup_free uint32_t *ctids = NULL;
	size_t n = 0;

	cleanup_fd int lock = lock_node("network", op->err);
	if (lock < 0)
		return lock;
	int r = state_all(&ctids, &n, op->err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_guest(op, ctids[i], &guests);
	if (r < 0)
		return r;
	struct filter_policy policy = node_policy(&op->host->node);
	return filter_rebuild(&policy, guests.list, guests.n, op->err);
}

bool network_filter_serves(void)
{
	return nft_is_current(PATH_FILTER);
}

void network_filter_quit(void)
{
	nft_quit(PATH_FILTER);
}
