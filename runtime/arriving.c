#include "runtime/arriving.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "checkpoint/criu.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/claims.h"
#include "runtime/grant.h"
#include "runtime/host.h"
#include "runtime/migrate.h"
#include "runtime/names.h"
#include "runtime/op.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "templates/record.h"
#include "templates/shipment.h"

#define SPARE_BYTES (64ull << 20) /* what a pool keeps beside what comes */

void arriving_done(struct arriving *arriving)
{
	kvfile_free(arriving->facts);
	kvfile_free(arriving->config);
	kvfile_free(arriving->image_facts);
	running_done(&arriving->running);
	ve_done(&arriving->ve);
	fd_close(arriving->lock);
	fd_close(arriving->layers);
	fd_close(arriving->templates);
	fd_close(arriving->store);
	fd_close(arriving->dir);
	free(arriving->name);
}

/* ---- what comes ---- */

static int fact_number(const struct kvfile *facts, const char *key, uint64_t *ret, struct err *err)
{
	const char *text = kvfile_get(facts, key);

	if (text && str_u64(text, ret) == 0)
		return 0;
	return err_say(err, ERR_BAD_VALUE, "the giving node does not say %s", key);
}

int arriving_read_facts(struct arriving *arriving, struct err *err)
{
	const char *facts = arriving->options->facts, *config = arriving->options->config;
	struct renumber *renumber = &arriving->renumber;
	int r;

	if ((r = kvfile_parse("facts", facts, strlen(facts), &arriving->facts, err)) < 0 ||
	    (r = kvfile_parse("configuration", config, strlen(config), &arriving->config, err)) < 0 ||
	    (r = fact_number(arriving->facts, "GENERATION", &arriving->generation, err)) < 0)
		return r;
	const char *id = kvfile_get(arriving->facts, "CTID"), *other = kvfile_get(arriving->facts, "NEW_CTID");
	const char *state = kvfile_get(arriving->facts, "STATE");
	arriving->move = kvfile_get(arriving->facts, "MOVE");
	if (!id || !state || !arriving->move || str_u32(id, &renumber->from) < 0 ||
	    (other && str_u32(other, &renumber->to) < 0))
		return err_say(err, ERR_BAD_VALUE, "the giving node does not say CTID, STATE and MOVE");
	r = ve_find(other ? other : id, &arriving->ve.ctid, err);
	renumber->to = arriving->ve.ctid;
	arriving->live = str_eq(state, "live");
	arriving->image = arriving->live || str_eq(state, "suspended");
	arriving->starts = str_eq(state, "running");
	arriving->name = str_fmt("%u", arriving->ve.ctid);
	return r;
}

/* Where things lie is this node's matter. */
static void own_places(struct arriving *arriving, const struct host *host)
{
	const struct ve_config *node = &host->node.ve;

	kvfile_set(arriving->config, "VE_PRIVATE", node->private_area);
	kvfile_set(arriving->config, "VE_ROOT", node->root_area);
}

/* As config_load() reads a file. */
int arriving_read_config(struct op *op, struct arriving *arriving)
{
	struct ve *ve = &arriving->ve;

	int r = renumber_config(arriving->config, &arriving->renumber, op->err);
	if (r < 0)
		return r;
	own_places(arriving, op->host);
	param_merge(&config_table, &ve->config, &op->host->node.ve);
	ve->config.layout = LAYOUT_PRIVATE;
	r = param_load(&config_table, &ve->config, arriving->config, "its configuration", op->err);
	if (r == 0)
		ve_expand(ve);
	return r;
}

/* ---- is there room for it? ---- */

const char *arriving_packed(const struct arriving *arriving)
{
	const char *archive = kvfile_get(arriving->facts, "TEMPLATE");
	return archive ? record_suffix(archive) : NULL;
}

static int check_layer(struct op *op, struct arriving *arriving)
{
	const struct ve_config *config = &arriving->ve.config;

	if (config->layout != LAYOUT_OVERLAY)
		return 0;
	if (!config->layer)
		return err_say(op->err, ERR_BAD_CONFIG, "its configuration has layout overlay, and no VE_LAYER");
	arriving->lacks_layer = !shipment_needless(op->host->template_dir, config->layer);
	if (!arriving->lacks_layer || arriving_packed(arriving))
		return 0;
	return err_say(op->err, ERR_NO_TEMPLATE,
		       "the template it stands on, %s (layer %.12s…), is not there, and the giving node has no archive "
		       "of it; import the same archive first: vzctl template import",
		       config->ostemplate ? config->ostemplate : "?", config->layer);
}

/* Bytes of the pool that it takes. */
static int needed(const struct arriving *arriving, uint64_t *ret, struct err *err)
{
	uint64_t archive = 0, layer = 0;

	int r = fact_number(arriving->facts, "BYTES", ret, err);
	if (r < 0 || !arriving->lacks_layer)
		return r;
	if ((r = fact_number(arriving->facts, "TEMPLATE_BYTES", &archive, err)) < 0 ||
	    (r = fact_number(arriving->facts, "LAYER_BYTES", &layer, err)) < 0)
		return r;
	*ret += archive + layer;
	return 0;
}

static int check_space(struct op *op, const struct arriving *arriving)
{
	struct statvfs fs;
	uint64_t bytes;

	int r = needed(arriving, &bytes, op->err);
	if (r < 0)
		return r;
	if (fstatvfs(op->host->pool, &fs) < 0)
		return err_set(op->err, errno, "look at the pool");
	uint64_t spare = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes + SPARE_BYTES <= spare)
		return 0;
	return err_say(op->err, ERR_NO_SPACE, "the pool has %ju MiB left, and the container takes %ju",
		       (uintmax_t)spare >> 20, (uintmax_t)bytes >> 20);
}

int arriving_fits(struct op *op, struct arriving *arriving)
{
	struct ve *ve = &arriving->ve;
	int r;

	if (ve_configured(ve->ctid))
		return err_say(op->err, ERR_CONFIG_EXISTS, "CT %u exists already", ve->ctid);
	if (ve->config.name && (r = names_check(ve->config.name, ve->ctid, op->err)) < 0)
		return r;
	if (private_exists(ve))
		return err_say(op->err, ERR_PRIVATE_EXISTS, "Private area already exists in %s", ve->private_area);
	if ((r = config_check(&ve->config, op->err)) < 0 || (r = places_check(op->host, ve, op->err)) < 0 ||
	    (r = claims_check(op->host, ve->ctid, NULL, &ve->config, op->err)) < 0 ||
	    (r = check_layer(op, arriving)) < 0 || (r = check_space(op, arriving)) < 0 ||
	    (r = grant_modules(grant_of(&ve->config), op->err)) < 0)
		return r;
	return arriving->image ? criu_usable(op->err) : 0;
}
