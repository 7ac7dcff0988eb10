/* The receiving side of a move: a create whose files come from another node. Up to the configuration, which makes it
 * this node's, everything carries the marks of a create that was cut short, and lifecycle_recover() discards it. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/ids.h"
#include "checkpoint/image.h"
#include "quota/cgroup.h"
#include "runtime/arriving.h"
#include "runtime/base/frame.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/claims.h"
#include "runtime/dumps.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/idmap.h"
#include "runtime/lifecycle.h"
#include "runtime/lock.h"
#include "runtime/migrate.h"
#include "runtime/names.h"
#include "runtime/network.h"
#include "runtime/op.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "runtime/rebirth.h"
#include "runtime/renumber.h"
#include "runtime/running.h"
#include "runtime/traffic.h"
#include "templates/shipment.h"

#define FREEZE_TIMEOUT_MS 30000
#define UNMAKE_ATTEMPTS 10
#define UNMAKE_PAUSE_MS 300

/* ---- words ---- */

static int say(const struct arriving *arriving, const char *word, const struct kvfile *facts, struct err *err)
{
	int fd = arriving->options->channel;
	int r = facts ? frame_send_facts(fd, word, facts) : frame_send(fd, word, NULL);
	return r < 0 ? err_say(err, ERR_INTERRUPTED, "the giving node is gone (%s)", strerror(-r)) : 0;
}

static int expect(const struct arriving *arriving, const char *word, struct frame *ret, struct err *err)
{
	int r = frame_receive(arriving->options->channel, -1, ret);
	if (r == 0)
		return err_say(err, ERR_INTERRUPTED, "the giving node is gone, or has given up");
	if (r < 0)
		return err_say(err, ERR_INTERRUPTED, "the giving node is gone (%s)", strerror(-r));
	return str_eq(ret->word, word)
		       ? 0
		       : err_say(err, ERR_BAD_VALUE, "the giving node said %s, not %s", ret->word, word);
}

/* ---- the steps ---- */

static int set_ids(struct arriving *arriving, uint32_t base)
{
	cleanup_free char *text = str_fmt("%u", base);

	arriving->renumber.from_base = (uint32_t)arriving->ve.config.local_uid;
	arriving->renumber.to_base = base;
	kvfile_set(arriving->config, "LOCAL_UID", text);
	arriving->ve.config.local_uid = base;
	arriving->claimed = true;
	return 0;
}

/* Its own range where that is free. */
static int ids_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	struct err taken = {0};
	uint32_t ctid = arriving->ve.ctid, base = (uint32_t)arriving->ve.config.local_uid;

	int r = idmap_claim_range(ctid, base, &taken);
	if (r < 0 && (taken.kind == ERR_NO_RESOURCE || taken.kind == ERR_BAD_CONFIG)) {
		r = idmap_claim(&ctid, &base, op->err);
	} else if (r < 0) {
		*op->err = taken;
		return r;
	}
	return r < 0 ? r : set_ids(arriving, base);
}

static int ids_undo(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	return arriving->claimed ? idmap_release(arriving->ve.ctid, op->err) : 0;
}

static int private_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	int r = arriving_fits(op, arriving);
	return r < 0 ? r : private_receive(op, &arriving->ve, true);
}

/* An rsync that has not heard yet that all is over may put more into what is removed. */
static int insist(struct op *op, struct arriving *arriving, int (*undo)(struct op *op, struct arriving *arriving))
{
	for (unsigned attempt = 1; attempt < UNMAKE_ATTEMPTS; attempt++) {
		struct err *outer = op->err, busy = {0};
		op->err = &busy;
		int r = undo(op, arriving);
		op->err = outer;
		if (r == 0)
			return 0;
		poll(NULL, 0, UNMAKE_PAUSE_MS);
	}
	return undo(op, arriving);
}

static int unmake_private(struct op *op, struct arriving *arriving)
{
	return private_unmake(op, &arriving->ve);
}

static int private_undo(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	if (!arriving->claimed || arriving->options->keep)
		return 0;
	return insist(op, arriving, unmake_private);
}

static int image_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	if (!arriving->image)
		return 0;
	int r = arriving->store = dumps_open(op->host, op->err);
	if (r >= 0)
		r = image_drop(arriving->store, arriving->name, op->err);
	return r < 0 ? r : image_begin(arriving->store, arriving->name, &arriving->dir, op->err);
}

static int unmake_image(struct op *op, struct arriving *arriving)
{
	int r = image_drop(arriving->store, arriving->name, op->err);
	if (r == 0)
		r = image_forget(arriving->store, arriving->name, op->err);
	return r < 0 ? r : image_clean(arriving->store, op->err);
}

static int image_undo(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	arriving->dir = fd_close(arriving->dir);
	return arriving->store < 0 ? 0 : insist(op, arriving, unmake_image);
}

/* Who else brings the same template is waited for: then it is there. */
static int template_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	if (!arriving->lacks_layer)
		return 0;
	int r = arriving->templates = shipment_expect(op->host->template_dir, op->err);
	if (r < 0 || !shipment_needless(op->host->template_dir, arriving->ve.config.layer))
		return r < 0 ? r : 0;
	arriving->lacks_layer = false;
	arriving->templates = fd_close(arriving->templates);
	return 0;
}

static int end_shipment(struct op *op, struct arriving *arriving)
{
	int r = shipment_clear(op->host->template_dir, arriving->ve.config.layer, op->err);
	arriving->templates = fd_close(arriving->templates);
	return r;
}

/* What was taken in whole is a template of this node, whatever becomes of the VE. */
static int template_undo(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	return arriving->templates < 0 ? 0 : end_shipment(op, arriving);
}

static struct kvfile *places_of(const struct arriving *arriving)
{
	struct kvfile *places = kvfile_new();
	cleanup_free char *hidden = private_hidden(&arriving->ve);
	cleanup_free char *image = str_fmt(PATH_DUMP "/.new-%s", arriving->name);

	kvfile_set(places, "PRIVATE", hidden);
	kvfile_set(places, "IMAGE", image);
	if (arriving->lacks_layer) {
		cleanup_free char *place = shipment_place(arriving->ve.config.layer);
		cleanup_free char *path = str_fmt(PATH_TEMPLATE "/%s", place);
		kvfile_set(places, "TEMPLATE", path);
	}
	return places;
}

static int reserve_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	cleanup_kvfile struct kvfile *places = places_of(arriving);
	return say(arriving, "RESERVED", places, op->err);
}

static int take_in_layer(struct op *op, const struct arriving *arriving)
{
	const struct ve_config *config = &arriving->ve.config;
	cleanup_free char *source = str_fmt("another node, with CT %u", arriving->renumber.from);
	const struct shipment shipment = {
		.dir = op->host->template_dir,
		.digest = config->layer,
		.name = config->ostemplate ? config->ostemplate : "",
		.suffix = arriving_packed(arriving),
		.source = source,
		.scratch_base = IDMAP_SCRATCH,
	};
	return shipment_take_in(&shipment, op->err);
}

static int layer_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	cleanup_frame struct frame frame = {0};
	int r;

	if (!arriving->lacks_layer)
		return 0;
	if ((r = expect(arriving, "TEMPLATE", &frame, op->err)) < 0 || (r = take_in_layer(op, arriving)) < 0 ||
	    (r = end_shipment(op, arriving)) < 0)
		return r;
	return say(arriving, "UNPACKED", NULL, op->err);
}

static int transfer_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	cleanup_frame struct frame frame = {0};

	int r = expect(arriving, "SENT", &frame, op->err);
	return r < 0 ? r : frame_facts(&frame, &arriving->image_facts, op->err);
}

/* What came is written to disk before anybody hears that it is here. */
static int adopt_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	cleanup_free char *hidden = private_hidden(&arriving->ve);
	cleanup_fd int private = open(hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (private < 0)
		return err_set(op->err, errno, "open %s", hidden);

	int r = store_adopt(private, arriving->ve.config.layout, op->err);
	if (r == 0 && syncfs(private) < 0)
		r = err_set(op->err, errno, "write %s to disk", hidden);
	/* Somebody may have taken an address meanwhile. */
	return r < 0 ? r : claims_check(op->host, arriving->ve.ctid, NULL, &arriving->ve.config, op->err);
}

/* An image tells nothing that the configuration does not allow, but for what its network was when it was written. */
static int check_image(struct op *op, const struct arriving *arriving)
{
	cleanup_config struct ve_config network = {0};

	int r = rebirth_check(&arriving->ve, arriving->image_facts, op->err);
	if (r == 0)
		r = param_load_some(&config_table, PARAM_NETWORK, 0, &network, arriving->image_facts, "the image",
				    op->err);
	return r < 0 ? r : claims_check(op->host, arriving->ve.ctid, NULL, &network, op->err);
}

/* In the image ids of the node are in two kinds of files, and files of the VE are stored without. */
static int renumber(struct op *op, const struct arriving *arriving)
{
	const struct renumber *renumber = &arriving->renumber;
	const struct ids_move move = {
		.from = renumber->from_base,
		.to = renumber->to_base,
		.count = USERNS_RANGE,
	};

	int r = renumber_image(arriving->image_facts, renumber, op->err);
	if (r < 0 || move.from == move.to)
		return r;
	cleanup_fd int files = openat(arriving->dir, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return files < 0 ? err_set(op->err, errno, "open the image's files") : ids_move_files(files, &move, op->err);
}

/* From here on it is this node's image, and has this node's seal. */
static int seal_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	if (!arriving->image)
		return 0;
	int r = renumber(op, arriving);
	if (r == 0)
		r = check_image(op, arriving);
	return r < 0 ? r
		     : dumps_publish(arriving->store, arriving->dir, arriving->name, arriving->image_facts, op->err);
}

/* ve->private_area is the hidden one meanwhile: what is published has a configuration. */
static int restore_hidden(struct op *op, struct arriving *arriving)
{
	struct running *running = &arriving->running;
	char *place = arriving->ve.private_area;

	arriving->ve.private_area = private_hidden(&arriving->ve);
	int r = op_run(op, reborn_steps, reborn_step_count, running);
	free(arriving->ve.private_area);
	arriving->ve.private_area = place;
	return r;
}

static int undump_apply(struct op *op, void *ctx)
{
	/* The giving node still answers for its addresses. */
	static const struct network_options network = {.skip_arpdetect = true};
	struct arriving *arriving = ctx;
	struct running *running = &arriving->running;

	if (!arriving->live)
		return 0;
	running->ve = &arriving->ve;
	running->image_name = arriving->name;
	running->network = &network;
	running->stay_frozen = true;
	int r = dumps_load(op->host, arriving->name, &running->facts, &running->image, op->err);
	return r < 0 ? r : restore_hidden(op, arriving);
}

static int undump_undo(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	return arriving->running.ve ? op_unwind(op, reborn_steps, reborn_step_count, &arriving->running) : 0;
}

static int ready_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	cleanup_frame struct frame frame = {0};

	int r = say(arriving, "READY", NULL, op->err);
	return r < 0 ? r : expect(arriving, "COMMIT", &frame, op->err);
}

/* It is this node's from here on. */
static int config_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", arriving->ve.ctid);

	handover_note(arriving->config, arriving->generation, arriving->move);
	int r = handover_forget(arriving->ve.ctid, op->err);
	return r < 0 ? r : err_is(op->err, ERR_CONFIG_SAVE, kvfile_save(arriving->config, AT_FDCWD, path, op->err));
}

static const struct step arrive_steps[] = {
	{"ids", ids_apply, ids_undo},	    {"private", private_apply, private_undo},
	{"image", image_apply, image_undo}, {"template", template_apply, template_undo},
	{"reserve", reserve_apply, NULL},   {"layer", layer_apply, NULL},
	{"transfer", transfer_apply, NULL}, {"adopt", adopt_apply, NULL},
	{"seal", seal_apply, NULL},	    {"undump", undump_apply, undump_undo},
	{"ready", ready_apply, NULL},
};

/* There is no way back from here: what fails is told, and what a crash cuts short lifecycle_recover() finishes. That
 * its files have their name is the last of it. */
static int publish_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;

	int r = private_publish(op, &arriving->ve);
	if (r == 0 && arriving->ve.config.name)
		r = names_assign(arriving->ve.config.name, arriving->ve.ctid, op->err);
	return r;
}

static int thaw(struct op *op, uint32_t ctid, struct state *state)
{
	int r = cgroup_freeze(state->cgroup, false, FREEZE_TIMEOUT_MS, op->err);
	if (r < 0)
		return r;
	state->frozen = false;
	return state_save(ctid, state, op->err);
}

static int go_apply(struct op *op, void *ctx)
{
	struct arriving *arriving = ctx;
	struct running *running = &arriving->running;
	uint32_t ctid = arriving->ve.ctid;

	if (!arriving->live)
		return 0;
	int r = thaw(op, ctid, &running->state);
	op->listener->born(op->listener->ctx, ctid, steal_fd(&running->launched.pidfd),
			   steal_fd(&running->launched.console));
	network_announce(op, ctid, &running->state);
	struct err late = {0};
	if (image_forget(arriving->store, arriving->name, &late) < 0)
		op_warn(op, "the image that was restored is not removed: %s", late.text);
	return r;
}

static const struct step commit_steps[] = {
	{"go", go_apply, NULL},
	{"publish", publish_apply, NULL},
};

int migrate_finish(struct op *op, struct ve *ve)
{
	cleanup_state struct state state = {0};

	int r = state_load(ve->ctid, &state, op->err);
	if (r == 0 && state.frozen)
		r = thaw(op, ve->ctid, &state);
	if (r == 0)
		r = private_publish(op, ve);
	return r < 0 || !ve->config.name ? r : names_assign(ve->config.name, ve->ctid, op->err);
}

/* ---- all of it ---- */

static int start_here(struct op *op, struct arriving *arriving)
{
	arriving->lock = fd_close(arriving->lock);
	return lifecycle_start(op, arriving->ve.ctid, &(struct start_options){.force = true});
}

/* It is here, whether it starts or not. */
static int commit(struct op *op, struct arriving *arriving)
{
	struct err *outer = op->err, err = {0};
	cleanup_kvfile struct kvfile *outcome = kvfile_new();

	op->err = &err;
	int r = op_run(op, commit_steps, countof(commit_steps), arriving);
	if (r == 0 && arriving->starts)
		r = start_here(op, arriving);
	op->err = outer;
	if (r < 0)
		kvfile_set(outcome, "WARNING", err.text);
	frame_send_facts(arriving->options->channel, "DONE", outcome);
	return 0;
}

static int arrive(struct op *op, struct arriving *arriving)
{
	int r = op_run(op, arrive_steps, countof(arrive_steps), arriving);
	if (r < 0)
		return r;
	r = config_apply(op, arriving);
	if (r < 0 && !ve_configured(arriving->ve.ctid)) {
		op_unwind(op, arrive_steps, countof(arrive_steps), arriving);
		return r;
	}
	return commit(op, arriving);
}

static int check_only(struct op *op, struct arriving *arriving)
{
	static const struct step first[] = {{"ids", ids_apply, ids_undo}};

	int r = op_run(op, first, countof(first), arriving);
	if (r == 0)
		r = arriving_fits(op, arriving);
	int undone = op_unwind(op, first, countof(first), arriving);
	if (r == 0)
		r = undone;
	return r < 0 ? r : reserve_apply(op, arriving);
}

int lifecycle_migrate_in(struct op *op, const struct migrate_in_options *options)
{
	cleanup_arriving struct arriving arriving = ARRIVING_NONE;
	arriving.options = options;

	int r = arriving_read_facts(&arriving, op->err);
	if (r == 0)
		r = arriving.lock = lock_ve(op, arriving.ve.ctid, op->err);
	if (r < 0)
		return r;
	/* An earlier attempt had got through, and its last word was lost. */
	if (handover_came(arriving.ve.ctid, arriving.generation, arriving.move))
		return say(&arriving, "HAVE", NULL, op->err);
	if (ve_configured(arriving.ve.ctid))
		return err_say(op->err, ERR_CONFIG_EXISTS, "CT %u exists already", arriving.ve.ctid);
	r = arriving.layers = lock_node_shared("templates", op->err);
	if (r >= 0)
		r = arriving_read_config(op, &arriving);
	if (r < 0)
		return r;
	return options->check ? check_only(op, &arriving) : arrive(op, &arriving);
}
