#include "runtime/newborn.h"

#include <unistd.h>

#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/claims.h"
#include "runtime/edit.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lock.h"
#include "runtime/names.h"
#include "runtime/places.h"
#include "runtime/private.h"

void newborn_done(struct newborn *newborn)
{
	newborn->lock = fd_close(newborn->lock);
	ve_done(&newborn->ve);
	config_done(&newborn->given);
}

int newborn_set(struct ve_config *given, const char *key, const char *value, struct err *err)
{
	return param_parse(&config_table, param_by_key(&config_table, key), given, value, PARAM_FROM_FILE, err);
}

int newborn_pin(struct op *op, struct ve_config *given)
{
	static const char *const keys[] = {"VE_ROOT", "VE_PRIVATE", "VE_LAYOUT"};

	for (size_t i = 0; i < countof(keys); i++) {
		const struct param *row = param_by_key(&config_table, keys[i]);
		cleanup_free char *value = param_print(&config_table, row, &op->host->node.ve);
		if (!value || param_given(&config_table, row, given))
			continue;
		int r = newborn_set(given, keys[i], value, op->err);
		if (r < 0)
			return r;
	}
	return 0;
}

int newborn_call(struct op *op, const char *id, struct newborn *newborn)
{
	if (str_u32(id, &newborn->ve.ctid) == 0) {
		int r = ve_find(id, &newborn->ve.ctid, op->err);
		if (r < 0)
			return r;
		if (ve_configured(newborn->ve.ctid))
			return err_say(op->err, ERR_CONFIG_EXISTS,
				       "CT %s exists already: its configuration is " PATH_VE_CONFIG_DIR "/%s.conf", id,
				       id);
	} else if (id[0]) {
		int r = newborn_set(&newborn->given, "NAME", id, op->err);
		if (r < 0)
			return r;
	}
	/* Without a CTID yet no number can be its own. */
	if (newborn->given.name)
		return names_check(newborn->given.name, newborn->ve.ctid, op->err);
	return 0;
}

int newborn_lock(struct op *op, struct newborn *newborn)
{
	if (!newborn->ve.ctid)
		return 0;
	int r = newborn->lock = lock_ve(op, newborn->ve.ctid, op->err);
	return r < 0 ? r : 0;
}

int newborn_claim(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	uint32_t base;

	int r = idmap_claim(&newborn->ve.ctid, &base, op->err);
	if (r < 0)
		return r;
	cleanup_free char *text = str_fmt("%u", base);
	r = newborn_set(&newborn->given, "LOCAL_UID", text, op->err);
	return r == 0 && newborn->lock < 0 ? newborn_lock(op, newborn) : r;
}

int newborn_release(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	return newborn->given.local_uid ? idmap_release(newborn->ve.ctid, op->err) : 0;
}

int newborn_settle(struct op *op, struct newborn *newborn)
{
	static const struct ve_config nothing;
	struct ve *ve = &newborn->ve;

	int r = config_resolve(ve->ctid, &nothing, &newborn->given, op->err);
	if (r < 0)
		return r;
	param_merge(&config_table, &ve->config, &op->host->node.ve);
	param_merge(&config_table, &ve->config, &newborn->given);
	ve_expand(ve);
	if ((r = config_check(&ve->config, op->err)) < 0 || (r = places_check(op->host, ve, op->err)) < 0)
		return r;
	return claims_check(op->host, ve->ctid, NULL, &ve->config, op->err);
}

int newborn_unmake(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	return newborn->ve.private_area ? private_unmake(op, &newborn->ve) : 0;
}

int newborn_save(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;

	/* A mark of another VE of that CTID, long ago. */
	int r = handover_forget(newborn->ve.ctid, op->err);
	if (r == 0)
		r = config_save(newborn->ve.ctid, &newborn->given, op->err);
	if (r == 0)
		op_say(op, "CT configuration saved to " PATH_VE_CONFIG_DIR "/%u.conf", newborn->ve.ctid);
	return r;
}

/* Without a range of ours the CTID, and its file, may be somebody else's. */
int newborn_forget(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", newborn->ve.ctid);

	if (newborn->given.local_uid && unlink(path) < 0 && errno != ENOENT)
		return err_set(op->err, errno, "remove %s", path);
	return 0;
}

int newborn_publish(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	return private_publish(op, &newborn->ve);
}

int newborn_retract(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	return newborn->ve.private_area ? private_retract(op, &newborn->ve) : 0;
}

int newborn_name(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	const char *name = newborn->given.name;
	return name ? names_assign(name, newborn->ve.ctid, op->err) : 0;
}

int newborn_unname(struct op *op, void *ctx)
{
	struct newborn *newborn = ctx;
	return names_release(newborn->given.name, newborn->ve.ctid, op->err);
}
