/* Create and destroy: how a VE comes to be and is no more. Both publish by rename, so a crash leaves all or nothing, or
 * a mark that lifecycle_recover() finds: an id range without a configuration, a private area under its hidden name. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/dumps.h"
#include "runtime/edit.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lifecycle.h"
#include "runtime/lock.h"
#include "runtime/names.h"
#include "runtime/newborn.h"
#include "runtime/ostemplate.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "runtime/snapshot.h"
#include "runtime/snapshots.h"
#include "runtime/traffic.h"
#include "runtime/ve.h"

struct creating {
	struct newborn newborn; /* first: its functions are steps of ours */
	bool adopt;		/* the private area is there already */
};

static int private_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	struct newborn *newborn = &creating->newborn;

	int r = newborn_settle(op, newborn);
	if (r < 0)
		return r;
	if (creating->adopt)
		return private_adopt(op, &newborn->ve);
	if (private_exists(&newborn->ve))
		return err_say(op->err, ERR_PRIVATE_EXISTS, "Private area already exists in %s",
			       newborn->ve.private_area);
	op_say(op, "Creating container private area (%s)", newborn->given.ostemplate);
	return private_make(op, &newborn->ve);
}

static int private_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->adopt ? 0 : newborn_unmake(op, &creating->newborn);
}

static int publish_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->adopt ? 0 : newborn_publish(op, &creating->newborn);
}

static int publish_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->adopt ? 0 : newborn_retract(op, &creating->newborn);
}

static const struct step create_steps[] = {
	{"ids", newborn_claim, newborn_release},  {"private", private_apply, private_undo},
	{"config", newborn_save, newborn_forget}, {"publish", publish_apply, publish_undo},
	{"name", newborn_name, newborn_unname},
};

/* The sample first, then what the caller gives, then the node's default template. */
static int gather(struct op *op, const char *id, const struct ve_config *config, const char *sample,
		  struct creating *creating)
{
	const char *base = sample ? sample : op->host->node.sample;
	struct ve_config *given = &creating->newborn.given;
	int r = base ? config_sample(base, ERR_CONFIG_EXISTS, given, op->err) : 0;
	if (r < 0)
		return r;
	param_merge(&config_table, given, config);
	if (base && (r = newborn_set(given, "ORIGIN_SAMPLE", base, op->err)) < 0)
		return r;

	creating->adopt = config->private_area && !config->ostemplate && access(config->private_area, F_OK) == 0;
	if (!given->ostemplate && !creating->adopt) {
		if (!op->host->node.ostemplate)
			return err_say(op->err, ERR_NO_TEMPLATE_NAME,
				       "no OS template is given (--ostemplate) and vz.conf has no DEF_OSTEMPLATE");
		r = newborn_set(given, "OSTEMPLATE", op->host->node.ostemplate, op->err);
	}
	if (r == 0 && creating->adopt)
		r = newborn_set(given, "VE_LAYOUT", "private", op->err);
	if (r == 0)
		r = newborn_pin(op, given);
	if (r == 0)
		r = newborn_call(op, id, &creating->newborn);
	return r;
}

/* What the private area is filled from. Returns an fd that keeps the layer there until the VE stands on it. */
static int find_layer(struct op *op, struct creating *creating)
{
	char digest[65];

	struct ve_config *given = &creating->newborn.given;

	cleanup_fd int kept = ostemplate_layer(op, given->ostemplate, digest);
	if (kept < 0)
		return kept;
	int r = newborn_set(given, "VE_LAYER", digest, op->err);
	return r < 0 ? r : steal_fd(&kept);
}

int lifecycle_create(struct op *op, const char *id, const struct ve_config *config, const char *sample,
		     uint32_t *ret_ctid)
{
	struct creating creating = {.newborn = {.lock = -1}};
	cleanup_fd int layer = -1;

	int r = gather(op, id, config, sample, &creating);
	if (r == 0 && !creating.adopt)
		r = layer = find_layer(op, &creating);
	if (r >= 0)
		r = newborn_lock(op, &creating.newborn);
	if (r >= 0)
		r = op_run(op, create_steps, countof(create_steps), &creating);
	if (r >= 0) {
		op_say(op, "Container private area was created");
		*ret_ctid = creating.newborn.ve.ctid;
	}
	newborn_done(&creating.newborn);
	return r < 0 ? r : 0;
}

/* vzctl keeps the last configuration as CTID.conf.destroyed, or .migrated. */
static int retire_config(uint32_t ctid, const char *how, struct err *err)
{
	cleanup_fd int dir = open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *name = str_fmt("%u.conf", ctid);
	cleanup_free char *retired = str_fmt("%u.conf.%s", ctid, how);

	if (dir < 0 || (renameat(dir, name, dir, retired) < 0 && errno != ENOENT) || fsync(dir) < 0)
		return err_set(err, errno, "retire " PATH_VE_CONFIG_DIR "/%u.conf", ctid);
	return 0;
}

static int destroy_apply_private(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	op_say(op, "Destroying container private area: %s", ve->private_area);
	return private_discard(op, ve);
}

static int destroy_apply_snapshots(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	return snapshots_destroy(op->host, ve->ctid, op->err);
}

static int destroy_apply_config(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	int r = names_release_all(ve->ctid, op->err);
	if (r == 0)
		r = retire_config(ve->ctid, "destroyed", op->err);
	return r < 0 ? r : handover_forget(ve->ctid, op->err);
}

static int destroy_apply_trash(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	/* The root area is only a mount point; one that holds something is not ours to remove. */
	rmdir(ve->root_area);
	int r = traffic_forget(op->host, ve->ctid, op->err);
	return r < 0 ? r : private_empty_trash(op, ve);
}

static int destroy_apply_ids(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	return idmap_release(ve->ctid, op->err);
}

/* There is no way back from here: a destroy that was cut short is finished by lifecycle_recover(). */
static const struct step destroy_steps[] = {
	{"private", destroy_apply_private, NULL}, {"snapshots", destroy_apply_snapshots, NULL},
	{"config", destroy_apply_config, NULL},	  {"trash", destroy_apply_trash, NULL},
	{"ids", destroy_apply_ids, NULL},
};

static int give_config_away(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	int r = names_release_all(ve->ctid, op->err);
	if (r == 0)
		r = retire_config(ve->ctid, "migrated", op->err);
	return r < 0 ? r : handover_forget(ve->ctid, op->err);
}

/* A crash after the first of them makes it a destroy that was cut short, which comes to the same. */
static const struct step give_away_steps[] = {
	{"private", destroy_apply_private, NULL},
	{"config", give_config_away, NULL},
	{"trash", destroy_apply_trash, NULL},
	{"ids", destroy_apply_ids, NULL},
};

static const struct step give_away_keeping_steps[] = {
	{"config", give_config_away, NULL},
	{"ids", destroy_apply_ids, NULL},
};

int lifecycle_give_away(struct op *op, struct ve *ve, bool keep)
{
	int r = dumps_drop(op->host, ve->ctid, op->err);
	if (r < 0)
		return r;
	return keep ? op_run(op, give_away_keeping_steps, countof(give_away_keeping_steps), ve)
		    : op_run(op, give_away_steps, countof(give_away_steps), ve);
}

int lifecycle_destroy(struct op *op, uint32_t ctid)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = lock_ve(op, ctid, op->err);
	if (lock < 0)
		return lock;
	int r = ve_load(op->host, ctid, &ve, op->err);
	if (r < 0)
		return r;

	switch (ve_state(&ve)) {
	case VE_STOPPED:
	case VE_SUSPENDED:
		break;
	case VE_MOUNTED:
		return err_say(op->err, ERR_MOUNTED, "Container is currently mounted. Unmount it first.");
	default:
		return err_say(op->err, ERR_RUNNING, "Container is currently running. Stop it first.");
	}
	r = places_check(op->host, &ve, op->err);
	if (r == 0)
		r = snapshot_none_mounted(op, ctid);
	if (r == 0)
		r = dumps_drop(op->host, ctid, op->err);
	if (r == 0)
		r = op_run(op, destroy_steps, countof(destroy_steps), &ve);
	if (r == 0)
		op_say(op, "Container private area was destroyed");
	return r;
}
