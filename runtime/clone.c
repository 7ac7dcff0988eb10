/* Clone: VEs that begin as copies of another. Each is published as create does it; one whose processes go on is a
 * suspended VE first, of an image that was made its own, and is then resumed: at any moment a crash leaves it whole, in
 * one state or the other, or not at all. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/ids.h"
#include "checkpoint/image.h"
#include "checkpoint/replica.h"
#include "runtime/base/creds.h"
#include "runtime/base/ip.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/dumps.h"
#include "runtime/host.h"
#include "runtime/lifecycle.h"
#include "runtime/naming.h"
#include "runtime/newborn.h"
#include "runtime/origin.h"
#include "runtime/private.h"
#include "runtime/rebirth.h"
#include "runtime/running.h"
#include "runtime/suspend.h"
#include "templates/store.h"
#include "templates/treefile.h"

struct cloning {
	struct newborn newborn; /* first: its functions are steps of ours */
	const struct origin *origin;
	bool new_machine_id;
	int store, image; /* directories of its image; -1 */
};

/* ---- its files ---- */

static int empty_machine_id(int root, struct err *err)
{
	cleanup_treefile struct treefile file = {0};

	int r = treefile_open(root, "etc/machine-id", 0, &file, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : treefile_write(&file, "", err);
}

/* Its tree is its owner's, who may have laid traps: as root of the VE, not of the node. */
static int forget_machine_id(struct op *op, const struct ve *ve, int private)
{
	const struct store_root how = {
		.layout = ve->config.layout,
		.private = private,
		.layers = op->host->layers,
		.digest = ve->config.layer,
		.base = ve_base(ve),
	};
	cleanup_fd int root = store_mount(&how, op->err);
	int r = root < 0 ? root : creds_borrow(how.base, op->err);
	if (r < 0)
		return r;
	r = empty_machine_id(root, op->err);
	int back = creds_return(op->err);
	return r < 0 ? r : back;
}

static int private_apply(struct op *op, void *ctx)
{
	struct cloning *cloning = ctx;
	const struct ve *ve = &cloning->newborn.ve;

	int r = newborn_settle(op, &cloning->newborn);
	if (r < 0)
		return r;
	if (private_exists(ve))
		return err_say(op->err, ERR_PRIVATE_EXISTS, "Private area already exists in %s", ve->private_area);
	op_say(op, "Cloning CT %u to CT %u", cloning->origin->ve.ctid, ve->ctid);
	cleanup_fd int private = private_clone(op, ve, cloning->origin->files);
	if (private < 0)
		return private;
	if (cloning->new_machine_id && (r = forget_machine_id(op, ve, private)) < 0)
		return r;
	return syncfs(private) < 0 ? err_set(op->err, errno, "write %s to disk", ve->private_area) : 0;
}

/* ---- its image ---- */

static struct kvfile *facts_of(const struct cloning *cloning)
{
	const char *granted = kvfile_get(cloning->origin->facts, "GRANTED");
	struct state state = {.granted = granted ? (uint32_t)strtoul(granted, NULL, 10) : 0};

	struct kvfile *facts = rebirth_facts(&cloning->newborn.ve, &state, "");
	kvfile_set(facts, REBIRTH_CLONE, "yes");
	return facts;
}

static int fill_image(struct op *op, struct cloning *cloning, const char *name)
{
	const struct ids_move move = {
		.from = ve_base(&cloning->origin->ve),
		.to = ve_base(&cloning->newborn.ve),
		.count = USERNS_RANGE,
	};
	cleanup_kvfile struct kvfile *facts = facts_of(cloning);

	int r = replica_fill(cloning->image, cloning->origin->image, &move, op->err);
	return r < 0 ? r : dumps_publish(cloning->store, cloning->image, name, facts, op->err);
}

static int image_apply(struct op *op, void *ctx)
{
	struct cloning *cloning = ctx;
	cleanup_free char *name = str_fmt("%u", cloning->newborn.ve.ctid);

	if (cloning->origin->image < 0)
		return 0;
	int r = cloning->store = dumps_open(op->host, op->err);
	if (r >= 0)
		r = image_begin(cloning->store, name, &cloning->image, op->err);
	if (r >= 0)
		r = fill_image(op, cloning, name);
	cloning->image = fd_close(cloning->image);
	return r;
}

static int image_undo(struct op *op, void *ctx)
{
	struct cloning *cloning = ctx;

	if (cloning->store < 0)
		return 0;
	int r = dumps_drop(op->host, cloning->newborn.ve.ctid, op->err);
	return r < 0 ? r : image_clean(cloning->store, op->err);
}

/* ---- its configuration ---- */

static int config_apply(struct op *op, void *ctx)
{
	struct cloning *cloning = ctx;
	const struct newborn *newborn = &cloning->newborn;
	const struct origin *origin = cloning->origin;
	return config_save_like(newborn->ve.ctid, origin->config, origin->ve.ctid, &newborn->given, op->err);
}

/* ---- its processes ---- */

/* A start would have written them before anything ran. */
static void write_names(struct op *op, const struct cloning *cloning)
{
	const struct newborn *newborn = &cloning->newborn;
	cleanup_state struct state state = {0};
	struct err gone = {0};

	if (state_load(newborn->ve.ctid, &state, &gone) < 0)
		return;
	cleanup_fd int pidfd = state_pidfd(&state);
	naming_change(op, &cloning->origin->ve, &newborn->ve, &newborn->given, &state, pidfd);
}

static int wake_apply(struct op *op, void *ctx)
{
	struct cloning *cloning = ctx;

	if (cloning->store < 0)
		return 0;
	int r = resume_locked(op, &cloning->newborn.ve, &(struct resume_options){0});
	if (r == 0)
		write_names(op, cloning);
	return r;
}

static int wake_undo(struct op *op, void *ctx)
{
	struct cloning *cloning = ctx;
	return cloning->store < 0 ? 0 : running_take_down(op, &cloning->newborn.ve, false);
}

static const struct step clone_steps[] = {
	{"ids", newborn_claim, newborn_release},
	{"private", private_apply, newborn_unmake},
	{"replica", image_apply, image_undo},
	{"config", config_apply, newborn_forget},
	{"publish", newborn_publish, newborn_retract},
	{"name", newborn_name, newborn_unname},
	{"wake", wake_apply, wake_undo},
};

/* ---- what it is to be ---- */

static void forget(struct ve_config *config, const char *key)
{
	param_forget(&config_table, param_by_key(&config_table, key), config);
}

/* A path that was written out is the other VE's own. */
static void forget_path(struct ve_config *config, const char *key, const char *value)
{
	if (value && !strstr(value, "$VEID") && !strstr(value, "${VEID}"))
		forget(config, key);
}

/* All that its file says but what only one VE can have. */
static int inherit(const struct origin *origin, struct ve_config *ret, struct err *err)
{
	static const struct ve_config nothing;
	static const char *const own[] = {"LOCAL_UID", "NAME", "HOSTNAME", "IP_ADDRESS", "NETIF", "NETDEV", "PORTS"};

	int r = config_load_at(origin->config, origin->ve.ctid, &nothing, ret, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < countof(own); i++)
		forget(ret, own[i]);
	forget_path(ret, "VE_PRIVATE", ret->private_area);
	forget_path(ret, "VE_ROOT", ret->root_area);
	return 0;
}

/* The n-th address from there, n being small. */
static void advance(struct ip *ip, size_t n)
{
	for (size_t i = ip_bytes(ip->family); i-- > 0 && n > 0; n >>= 8) {
		n += ip->bytes[i];
		ip->bytes[i] = (uint8_t)n;
	}
}

static int give_addresses(struct ve_config *given, size_t n, struct err *err)
{
	cleanup_ips struct ips ips = {0};
	const char *bad;

	if (n == 0 || !given->edit.ipadd)
		return 0;
	if (ips_parse(given->edit.ipadd, &ips, &bad) < 0)
		return err_say(err, ERR_BAD_ADDRESS, "%s is not an IP address", bad);
	for (size_t i = 0; i < ips.n; i++)
		advance(&ips.list[i], n);
	cleanup_free char *text = ips_print(&ips);
	return newborn_set(given, "IPADD", text, err);
}

static int refuse(const struct ve_config *config, const char *const keys[], size_t n, const char *why, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct param *row = param_by_key(&config_table, keys[i]);
		if (param_given(&config_table, row, config))
			return err_say(err, ERR_BAD_VALUE, "--%s %s", row->option, why);
	}
	return 0;
}

static int check_given(const struct ve_config *config, size_t count, bool warm, struct err *err)
{
	static const char *const fixed[] = {"OSTEMPLATE", "VE_LAYOUT"};
	static const char *const at_start[] = {"FEATURES", "NETFILTER", "CHECKPOINTABLE", "NETDEV_ADD"};
	static const char *const of_one[] = {"NAME", "VE_PRIVATE", "VE_ROOT",  "HOST_IFNAME",
					     "MAC",  "HOST_MAC",   "PORT_ADD", "NETDEV_ADD"};

	int r = refuse(config, fixed, countof(fixed), "cannot be chosen: a clone is made of what there is", err);
	if (r == 0 && warm)
		r = refuse(config, at_start, countof(at_start),
			   "is for a start: with --cold, the clone has no processes yet", err);
	if (r == 0 && count > 1)
		r = refuse(config, of_one, countof(of_one), "is for one container, not for several", err);
	return r;
}

static int prepare(struct op *op, const struct clone_options *options, const struct ve_config *config, size_t i,
		   struct cloning *cloning)
{
	struct ve_config *given = &cloning->newborn.given;
	int r;

	if ((r = inherit(cloning->origin, given, op->err)) < 0)
		return r;
	param_merge(&config_table, given, config);
	cloning->new_machine_id = options->new_machine_id;
	if ((r = newborn_pin(op, given)) < 0 || (r = give_addresses(given, i, op->err)) < 0 ||
	    (r = newborn_call(op, options->ids ? options->ids[i] : "", &cloning->newborn)) < 0)
		return r;
	return newborn_lock(op, &cloning->newborn);
}

/* ---- all of them ---- */

struct clones {
	struct origin origin;
	struct cloning *list;
	size_t n;
};

static void clones_done(struct op *op, struct clones *clones)
{
	for (size_t i = 0; i < clones->n; i++) {
		newborn_done(&clones->list[i].newborn);
		fd_close(clones->list[i].store);
	}
	free(clones->list);
	origin_close(op, &clones->origin);
}

static int prepare_all(struct op *op, const struct clone_options *options, const struct ve_config *config,
		       struct clones *clones)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->count; i++) {
		struct cloning *cloning = &clones->list[clones->n++];
		*cloning =
			(struct cloning){.newborn = {.lock = -1}, .origin = &clones->origin, .store = -1, .image = -1};
		r = prepare(op, options, config, i, cloning);
	}
	return r;
}

static void undo(struct op *op, struct clones *clones, size_t n)
{
	struct op undoing = *op;

	while (n-- > 0) {
		struct err err = {0};
		undoing.err = &err;
		if (op_unwind(&undoing, clone_steps, countof(clone_steps), &clones->list[n]) < 0)
			op_warn(op, "CT %u is left over: %s", clones->list[n].newborn.ve.ctid, err.text);
	}
}

static int make_all(struct op *op, struct clones *clones)
{
	for (size_t i = 0; i < clones->n; i++) {
		int r = op_run(op, clone_steps, countof(clone_steps), &clones->list[i]);
		if (r < 0) {
			undo(op, clones, i);
			return r;
		}
	}
	return 0;
}

static int clone_ve(struct op *op, uint32_t ctid, const struct clone_options *options, const struct ve_config *config,
		    struct clones *clones)
{
	struct origin *origin = &clones->origin;
	int r;

	/* What is wrong with them is said before anything stands still. */
	if ((r = origin_open(op, ctid, options->snapshot, options->cold, origin)) < 0 ||
	    (r = check_given(config, options->count, origin->warm, op->err)) < 0 ||
	    (r = prepare_all(op, options, config, clones)) < 0 || (r = origin_take(op, origin)) < 0)
		return r;
	return make_all(op, clones);
}

int lifecycle_clone(struct op *op, uint32_t ctid, const struct clone_options *options, const struct ve_config *config,
		    uint32_t *ret_ctids)
{
	struct clones clones = {.origin = ORIGIN_NONE, .list = mem_zero(options->count, sizeof(*clones.list))};

	int r = clone_ve(op, ctid, options, config, &clones);
	for (size_t i = 0; r == 0 && i < clones.n; i++)
		ret_ctids[i] = clones.list[i].newborn.ve.ctid;
	clones_done(op, &clones);
	return r;
}
