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
#include "runtime/claims.h"
#include "runtime/edit.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lifecycle.h"
#include "runtime/lock.h"
#include "runtime/names.h"
#include "runtime/ostemplate.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "runtime/traffic.h"
#include "runtime/ve.h"

struct creating {
	struct ve ve;
	struct ve_config given; /* what goes to the file */
	bool adopt;		/* the private area is there already */
	int lock;		/* the VE's, taken as soon as its CTID is known */
};

static int set_text(struct ve_config *config, const char *key, const char *value, struct err *err)
{
	return param_parse(&config_table, param_by_key(&config_table, key), config, value, PARAM_FROM_FILE, err);
}

static int ids_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	uint32_t base;

	int r = idmap_claim(&creating->ve.ctid, &base, op->err);
	if (r < 0)
		return r;
	cleanup_free char *text = str_fmt("%u", base);
	r = set_text(&creating->given, "LOCAL_UID", text, op->err);
	if (r == 0 && creating->lock < 0)
		r = creating->lock = lock_ve(creating->ve.ctid, op->verb, op->err);
	return r < 0 ? r : 0;
}

static int ids_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->given.local_uid ? idmap_release(creating->ve.ctid, op->err) : 0;
}

/* Only now the CTID is certain, and with it the paths. */
static int settle(struct op *op, struct creating *creating)
{
	static const struct ve_config nothing;
	struct ve *ve = &creating->ve;

	int r = config_resolve(ve->ctid, &nothing, &creating->given, op->err);
	if (r < 0)
		return r;
	param_merge(&config_table, &ve->config, &op->host->node.ve);
	param_merge(&config_table, &ve->config, &creating->given);
	ve_expand(ve);
	if ((r = config_check(&ve->config, op->err)) < 0 || (r = places_check(op->host, ve, op->err)) < 0)
		return r;
	return claims_check(op->host, ve->ctid, NULL, &ve->config, op->err);
}

static int private_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;

	int r = settle(op, creating);
	if (r < 0)
		return r;
	if (creating->adopt)
		return private_adopt(op, &creating->ve);
	if (private_exists(&creating->ve))
		return err_say(op->err, ERR_PRIVATE_EXISTS, "Private area already exists in %s",
			       creating->ve.private_area);
	op_say(op, "Creating container private area (%s)", creating->given.ostemplate);
	return private_make(op, &creating->ve);
}

static int private_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->adopt || !creating->ve.private_area ? 0 : private_unmake(op, &creating->ve);
}

static int config_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;

	int r = config_save(creating->ve.ctid, &creating->given, op->err);
	if (r == 0)
		op_say(op, "CT configuration saved to " PATH_VE_CONFIG_DIR "/%u.conf", creating->ve.ctid);
	return r;
}

static int remove_config(uint32_t ctid, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ctid);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove %s", path);
	return 0;
}

static int config_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	/* Without a range of ours the CTID, and its file, may be somebody else's. */
	return creating->given.local_uid ? remove_config(creating->ve.ctid, op->err) : 0;
}

static int publish_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->adopt ? 0 : private_publish(op, &creating->ve);
}

static int publish_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return creating->adopt || !creating->ve.private_area ? 0 : private_retract(op, &creating->ve);
}

static int name_apply(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	const char *name = creating->given.name;
	return name ? names_assign(name, creating->ve.ctid, op->err) : 0;
}

static int name_undo(struct op *op, void *ctx)
{
	struct creating *creating = ctx;
	return names_release(creating->given.name, creating->ve.ctid, op->err);
}

static const struct step create_steps[] = {
	{"ids", ids_apply, ids_undo},	       {"private", private_apply, private_undo},
	{"config", config_apply, config_undo}, {"publish", publish_apply, publish_undo},
	{"name", name_apply, name_undo},
};

static int check_free(struct op *op, const char *id, struct creating *creating)
{
	if (str_u32(id, &creating->ve.ctid) == 0) {
		int r = ve_find(id, &creating->ve.ctid, op->err);
		if (r < 0)
			return r;
		if (ve_configured(creating->ve.ctid))
			return err_say(op->err, ERR_CONFIG_EXISTS,
				       "CT %s exists already: its configuration is " PATH_VE_CONFIG_DIR "/%s.conf", id,
				       id);
	} else if (id[0]) {
		int r = set_text(&creating->given, "NAME", id, op->err);
		if (r < 0)
			return r;
	}
	/* Without a CTID yet no number can be its own. */
	if (creating->given.name)
		return names_check(creating->given.name, creating->ve.ctid, op->err);
	return 0;
}

/* What the node's defaults are now stays the VE's own, whatever vz.conf says later. */
static int pin_defaults(struct op *op, struct ve_config *given)
{
	static const char *const keys[] = {"VE_ROOT", "VE_PRIVATE", "VE_LAYOUT"};

	for (size_t i = 0; i < countof(keys); i++) {
		const struct param *row = param_by_key(&config_table, keys[i]);
		cleanup_free char *value = param_print(&config_table, row, &op->host->node.ve);
		if (!value || param_given(&config_table, row, given))
			continue;
		int r = set_text(given, keys[i], value, op->err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The sample first, then what the caller gives, then the node's default template. */
static int gather(struct op *op, const char *id, const struct ve_config *config, const char *sample,
		  struct creating *creating)
{
	const char *base = sample ? sample : op->host->node.sample;
	int r = base ? config_sample(base, ERR_CONFIG_EXISTS, &creating->given, op->err) : 0;
	if (r < 0)
		return r;
	param_merge(&config_table, &creating->given, config);
	if (base && (r = set_text(&creating->given, "ORIGIN_SAMPLE", base, op->err)) < 0)
		return r;

	creating->adopt = config->private_area && !config->ostemplate && access(config->private_area, F_OK) == 0;
	if (!creating->given.ostemplate && !creating->adopt) {
		if (!op->host->node.ostemplate)
			return err_say(op->err, ERR_NO_TEMPLATE_NAME,
				       "no OS template is given (--ostemplate) and vz.conf has no DEF_OSTEMPLATE");
		r = set_text(&creating->given, "OSTEMPLATE", op->host->node.ostemplate, op->err);
	}
	if (r == 0 && creating->adopt)
		r = set_text(&creating->given, "VE_LAYOUT", "private", op->err);
	if (r == 0)
		r = pin_defaults(op, &creating->given);
	if (r == 0)
		r = check_free(op, id, creating);
	return r;
}

/* What the private area is filled from. Returns an fd that keeps the layer there until the VE stands on it. */
static int find_layer(struct op *op, struct creating *creating)
{
	char digest[65];

	cleanup_fd int kept = ostemplate_layer(op, creating->given.ostemplate, digest);
	if (kept < 0)
		return kept;
	int r = set_text(&creating->given, "VE_LAYER", digest, op->err);
	return r < 0 ? r : steal_fd(&kept);
}

int lifecycle_create(struct op *op, const char *id, const struct ve_config *config, const char *sample,
		     uint32_t *ret_ctid)
{
	struct creating creating = {.lock = -1};
	cleanup_fd int layer = -1;

	int r = gather(op, id, config, sample, &creating);
	if (r == 0 && !creating.adopt)
		r = layer = find_layer(op, &creating);
	if (r >= 0 && creating.ve.ctid)
		r = creating.lock = lock_ve(creating.ve.ctid, op->verb, op->err);
	if (r >= 0)
		r = op_run(op, create_steps, countof(create_steps), &creating);
	if (r >= 0) {
		op_say(op, "Container private area was created");
		*ret_ctid = creating.ve.ctid;
	}
	fd_close(creating.lock);
	ve_done(&creating.ve);
	config_done(&creating.given);
	return r < 0 ? r : 0;
}

/* vzctl keeps the last configuration as CTID.conf.destroyed. */
static int retire_config(uint32_t ctid, struct err *err)
{
	cleanup_fd int dir = open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *name = str_fmt("%u.conf", ctid);
	cleanup_free char *retired = str_fmt("%u.conf.destroyed", ctid);

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

static int destroy_apply_config(struct op *op, void *ctx)
{
	struct ve *ve = ctx;
	int r = names_release_all(ve->ctid, op->err);
	return r < 0 ? r : retire_config(ve->ctid, op->err);
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
	{"private", destroy_apply_private, NULL},
	{"config", destroy_apply_config, NULL},
	{"trash", destroy_apply_trash, NULL},
	{"ids", destroy_apply_ids, NULL},
};

int lifecycle_destroy(struct op *op, uint32_t ctid)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = lock_ve(ctid, op->verb, op->err);
	if (lock < 0)
		return lock;
	int r = ve_load(op->host, ctid, &ve, op->err);
	if (r < 0)
		return r;

	switch (ve_state(&ve)) {
	case VE_STOPPED:
		break;
	case VE_MOUNTED:
		return err_say(op->err, ERR_MOUNTED, "Container is currently mounted. Unmount it first.");
	case VE_SUSPENDED:
		return err_say(op->err, ERR_WRONG_STATE,
			       "the container is suspended, and destroying its image is not supported yet");
	default:
		return err_say(op->err, ERR_RUNNING, "Container is currently running. Stop it first.");
	}
	r = places_check(op->host, &ve, op->err);
	if (r == 0)
		r = op_run(op, destroy_steps, countof(destroy_steps), &ve);
	if (r == 0)
		op_say(op, "Container private area was destroyed");
	return r;
}
