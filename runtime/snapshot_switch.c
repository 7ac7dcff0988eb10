/* Bringing a VE back to a snapshot. All that can be refused is, before anything of the state it has now is lost; the
 * files are exchanged at one stroke, and its processes come back last, from an image that stays. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/image.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/claims.h"
#include "runtime/dumps.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/lineage.h"
#include "runtime/network.h"
#include "runtime/op.h"
#include "runtime/past.h"
#include "runtime/places.h"
#include "runtime/private.h"
#include "runtime/rebirth.h"
#include "runtime/running.h"
#include "runtime/snapshot.h"
#include "runtime/snapshots.h"
#include "runtime/ve.h"

struct switching {
	struct ve *ve;
	struct past past; /* what it becomes */
	const struct switch_options *options;
	struct kvfile *lineage;
	char *config_before, *config_after; /* texts of the configuration; NULL: it stays */
	char before[UUID_SIZE];		    /* the current one until now */
	bool resumes;			    /* its processes come back */
	bool exchanged;
	int aside; /* the image that it was suspended with; -1 */
};

static void switching_done(struct switching *switching)
{
	past_done(&switching->past);
	kvfile_free(switching->lineage);
	free(switching->config_before);
	free(switching->config_after);
	fd_close(switching->aside);
}

#define cleanup_switching __attribute__((cleanup(switching_done)))

/* ---- the steps ---- */

static int copy_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	const struct past *past = &switching->past;
	cleanup_fd int files = snapshots_open_files(past->store, past->id, op->err);
	return files < 0 ? files : private_make_from(op, &past->ve, files);
}

static int copy_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	int r = private_drop_spare(op, switching->ve);
	/* Its limits were those of the snapshot already. */
	return r < 0 || !private_exists(switching->ve) ? r : running_limit_disk(op, switching->ve);
}

static int set_image_aside(struct op *op, struct switching *switching)
{
	cleanup_free char *name = str_fmt("%u", switching->ve->ctid);
	cleanup_fd int dumps = dumps_open(op->host, op->err);
	int r = dumps < 0 ? dumps : image_hold(dumps, name, &switching->aside, op->err);
	return r < 0 ? r : image_retire(dumps, name, op->err);
}

static int stop_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	switch (ve_state(switching->ve)) {
	case VE_RUNNING:
		op_say(op, "Killing container ...");
		return running_take_down(op, switching->ve, false);
	case VE_SUSPENDED:
		return set_image_aside(op, switching);
	default:
		return 0;
	}
}

/* What ran is gone; what was suspended is again. */
static int stop_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	cleanup_free char *name = str_fmt("%u", switching->ve->ctid);
	cleanup_fd int dumps = dumps_open(op->host, op->err);
	return dumps < 0 ? dumps : image_reinstate(dumps, name, op->err);
}

static int files_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	int r = private_exchange(op, switching->ve);
	switching->exchanged = r == 0;
	return r;
}

static int files_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	if (!switching->exchanged)
		return 0;
	int r = private_exchange(op, switching->ve);
	switching->exchanged = r < 0;
	return r;
}

static int write_config(const struct switching *switching, const char *text, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", switching->ve->ctid);
	cleanup_fd int dir = open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	int r = dir < 0 ? -errno : io_replace_file(dir, name, text, strlen(text), 0644);
	return r < 0 ? err_is(err, ERR_CONFIG_SAVE, err_set(err, -r, "write " PATH_VE_CONFIG_DIR "/%s", name)) : 0;
}

static int config_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	return switching->config_after ? write_config(switching, switching->config_after, op->err) : 0;
}

static int config_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	return switching->config_after ? write_config(switching, switching->config_before, op->err) : 0;
}

static int set_current(struct switching *switching, const char *id, struct err *err)
{
	lineage_set_current(switching->lineage, id);
	return lineage_save(switching->past.store, switching->lineage, err);
}

static int current_apply(struct op *op, void *ctx)
{
	struct switching *switching = ctx;
	return set_current(switching, switching->past.id, op->err);
}

static int current_undo(struct op *op, void *ctx)
{
	struct switching *switching = ctx;

	if (str_eq(lineage_current(switching->lineage), switching->before))
		return 0;
	return set_current(switching, switching->before, op->err);
}

static const struct step switch_steps[] = {
	{"copy", copy_apply, copy_undo},	  {"stop", stop_apply, stop_undo},
	{"files", files_apply, files_undo},	  {"config", config_apply, config_undo},
	{"current", current_apply, current_undo},
};

/* ---- before them ---- */

static int compose_text(struct switching *switching, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", switching->ve->ctid);
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%s", name);
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(switching->past.image, name, &file, err);
	if (r < 0)
		return r == -ENOENT ? err_set(err, ENOENT, "read the configuration of the snapshot") : r;
	r = io_read_file(AT_FDCWD, path, &switching->config_before, NULL);
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	param_store(&config_table, &switching->past.own, file);
	switching->config_after = kvfile_text(file);
	return 0;
}

static int check_config(struct op *op, struct switching *switching)
{
	const struct ve *ve = switching->ve, *next = &switching->past.ve;
	int r;

	if ((switching->past.config && (r = compose_text(switching, op->err)) < 0) ||
	    (r = config_check(&next->config, op->err)) < 0 || (r = places_check(op->host, next, op->err)) < 0)
		return r;
	return claims_check(op->host, ve->ctid, &ve->config, &next->config, op->err);
}

static int check_memory(struct op *op, struct switching *switching)
{
	const struct past *past = &switching->past;

	if (!past->memory && switching->options->must_resume)
		return err_say(op->err, ERR_SNAPSHOT_SWITCH, "snapshot {%s} has no processes that could be resumed",
			       past->id);
	switching->resumes = past->memory && !switching->options->skip_resume;
	return switching->resumes ? rebirth_check(&past->ve, past->facts, op->err) : 0;
}

static int prepare(struct op *op, struct switching *switching, const char *id)
{
	enum ve_state state = ve_state(switching->ve);
	int r;

	if (state != VE_RUNNING && state != VE_STOPPED && state != VE_SUSPENDED)
		return err_say(op->err, ERR_WRONG_STATE, "the container is %s", ve_state_name(state));
	if ((r = handover_check(switching->ve->ctid, op->err)) < 0 ||
	    (r = past_open(op, switching->ve, id, switching->options->skip_config, &switching->past)) < 0 ||
	    (r = check_config(op, switching)) < 0 || (r = check_memory(op, switching)) < 0 ||
	    (r = lineage_load(switching->past.store, &switching->lineage, op->err)) < 0)
		return r;
	snprintf(switching->before, sizeof(switching->before), "%s", lineage_current(switching->lineage));
	return 0;
}

/* ---- after them ---- */

/* The VE is at the snapshot now; what is left of its former state is of no use to anybody. */
static void forget_before(struct op *op, const struct switching *switching)
{
	struct err *outer = op->err, err = {0};
	cleanup_free char *name = str_fmt("%u", switching->ve->ctid);
	cleanup_fd int dumps = dumps_open(op->host, &err);

	op->err = &err;
	if (private_drop_spare(op, switching->ve) < 0 || dumps < 0 || image_forget(dumps, name, &err) < 0)
		op_warn(op, "what the container was before is not all removed: %s", err.text);
	op->err = outer;
}

static int resume(struct op *op, struct switching *switching)
{
	const struct network_options network = {.skip_arpdetect = switching->options->skip_arpdetect};
	cleanup_running struct running running = RUNNING_NONE;
	struct past *past = &switching->past;
	struct ve *ve = &past->ve;

	running.ve = ve;
	running.image = steal_fd(&past->image);
	running.image_name = past->id;
	running.image_stays = true;
	running.facts = steal_ptr(past->facts);
	running.network = &network;
	op_say(op, "\tresume...");
	int r = op_run(op, reborn_steps, reborn_step_count, &running);
	if (r < 0)
		return r;
	op->listener->born(op->listener->ctx, ve->ctid, steal_fd(&running.launched.pidfd),
			   steal_fd(&running.launched.console));
	network_announce(op, ve->ctid, &running.state);
	return 0;
}

static int stopped(struct op *op, int r)
{
	struct err why = *op->err;

	*op->err = (struct err){.no = why.no};
	memcpy(op->err->step, why.step, sizeof(why.step));
	err_say(op->err, ERR_SNAPSHOT_SWITCH, "the container has the files of the snapshot and is stopped: %.400s",
		why.text);
	return r;
}

static int switch_to(struct op *op, struct switching *switching, const char *id)
{
	int r = prepare(op, switching, id);
	if (r < 0)
		return r;
	op_say(op, "Switching to snapshot {%s}", switching->past.id);
	r = op_run(op, switch_steps, countof(switch_steps), switching);
	if (r < 0)
		return r;
	forget_before(op, switching);
	if (switching->resumes && (r = resume(op, switching)) < 0)
		return stopped(op, r);
	op_say(op, "Container has been successfully switched to another snapshot");
	return 0;
}

int lifecycle_snapshot_switch(struct op *op, uint32_t ctid, const char *id, const struct switch_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;
	cleanup_switching struct switching switching = {.ve = &ve, .past = PAST_NONE, .options = options, .aside = -1};

	int r = ve_open(op, ctid, &ve, &lock);
	if (r == 0)
		r = switch_to(op, &switching, id);
	return snapshot_failed(op->err, ERR_SNAPSHOT_SWITCH, r);
}
