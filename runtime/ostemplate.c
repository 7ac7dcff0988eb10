#include "runtime/ostemplate.h"

#include <stdbool.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lock.h"
#include "runtime/op.h"
#include "runtime/ve.h"

#define NAMED_MAX 5 /* VEs that a message names */

static void tell_progress(void *ctx, int percent, const char *text)
{
	const struct op *op = ctx;
	op->listener->progress(op->listener->ctx, percent, text);
}

int ostemplate_find(struct op *op, const char *name, struct template *ret)
{
	return template_find(op->host->template_dir, name, ret, op->err);
}

static int find_unpacked(struct op *op, const char *name, struct template *ret)
{
	const struct template_progress progress = {tell_progress, op};

	int r = ostemplate_find(op, name, ret);
	if (r < 0 || ret->digest[0])
		return r;
	template_done(ret);
	return template_unpack(op->host->template_dir, name, IDMAP_SCRATCH, &progress, ret, op->err);
}

int ostemplate_layer(struct op *op, const char *name, char ret_digest[65])
{
	struct template template = {0};
	cleanup_fd int lock = lock_node_shared("templates", op->err);
	if (lock < 0)
		return lock;

	int r = find_unpacked(op, name, &template);
	if (r == 0)
		memcpy(ret_digest, template.digest, sizeof(template.digest));
	template_done(&template);
	return r < 0 ? r : steal_fd(&lock);
}

int ostemplate_list(struct op *op, struct template **ret, size_t *ret_n)
{
	return template_list(op->host->template_dir, ret, ret_n, op->err);
}

/* A configuration that cannot be read may name any layer: it counts. */
static bool stands_on(const struct op *op, uint32_t ctid, const char *digest)
{
	struct err unreadable = {0};
	cleanup_ve struct ve ve = {0};

	if (ve_load(op->host, ctid, &ve, &unreadable) < 0)
		return true;
	return ve.config.layer && str_eq(ve.config.layer, digest);
}

/* How many VEs stand on the layer; they are listed in `names` as far as a message may be long. */
static size_t users(struct op *op, const char *digest, struct text *names)
{
	cleanup_free uint32_t *ctids = NULL;
	struct err err = {0};
	size_t n = 0, found = 0;

	if (ve_all(&ctids, &n, &err) < 0)
		return SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		if (!stands_on(op, ctids[i], digest))
			continue;
		if (found++ < NAMED_MAX)
			text_add(names, "%s%u", names->len ? ", " : "", ctids[i]);
	}
	return found;
}

static bool in_use(void *ctx, const char *digest)
{
	cleanup_text struct text names = {0};
	return users(ctx, digest, &names) > 0;
}

static int prune(struct op *op)
{
	cleanup_fd int lock = lock_node("templates", op->err);
	return lock < 0 ? lock : template_prune(op->host->template_dir, in_use, op, op->err);
}

/* The template is there; that something old could not be removed does not change that. */
static void prune_or_warn(struct op *op)
{
	struct err *outer = op->err, err = {0};

	op->err = &err;
	if (prune(op) < 0)
		op_warn(op, "cannot remove unused template layers: %s", err.text);
	op->err = outer;
}

int ostemplate_import(struct op *op, const char *archive, const char *name, const char *sha256, struct template *ret)
{
	const struct template_progress progress = {tell_progress, op};

	int r = template_import(op->host->template_dir, archive, name, sha256, IDMAP_SCRATCH, &progress, ret, op->err);
	if (r == 0)
		prune_or_warn(op);
	return r;
}

int ostemplate_build(struct op *op, const char *name, struct template *ret)
{
	const struct template_progress progress = {tell_progress, op};

	int r = template_build(op->host->template_dir, name, IDMAP_SCRATCH, &progress, ret, op->err);
	if (r == 0)
		prune_or_warn(op);
	return r;
}

static int check_unused(struct op *op, const char *name, const char *digest)
{
	cleanup_text struct text names = {0};
	size_t n = digest[0] ? users(op, digest, &names) : 0;

	if (n == 0)
		return 0;
	return err_say(op->err, ERR_TEMPLATE_IN_USE, "template %s is in use by CT %s%s; destroy them first", name,
		       names.len ? names.s : "?", n > NAMED_MAX ? " and others" : "");
}

int ostemplate_delete(struct op *op, const char *name)
{
	struct template template = {0};
	cleanup_fd int lock = lock_node("templates", op->err);
	if (lock < 0)
		return lock;

	int r = ostemplate_find(op, name, &template);
	if (r == 0)
		r = check_unused(op, name, template.digest);
	if (r == 0)
		r = template_delete(op->host->template_dir, name, true, op->err);
	template_done(&template);
	return r;
}
