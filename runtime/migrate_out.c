/* The giving side of a move. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/criu.h"
#include "quota/disk.h"
#include "runtime/base/frame.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/checkable.h"
#include "runtime/dumps.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/lifecycle.h"
#include "runtime/migrate.h"
#include "runtime/network.h"
#include "runtime/op.h"
#include "runtime/places.h"
#include "runtime/precopy.h"
#include "runtime/running.h"
#include "runtime/snapshots.h"
#include "runtime/suspend.h"
#include "runtime/uuid.h"
#include "runtime/ve.h"
#include "templates/shipment.h"

struct giving {
	struct op *op;
	struct ve *ve;
	const struct migrate_out_options *options;
	enum ve_state state; /* as it was when we began */
	uint64_t generation; /* with which it goes */
	struct precopy precopy;
	struct handover before, now;
	bool handed;  /* it must not run here any more */
	bool arrived; /* it is there, for certain */
};

static void giving_done(struct giving *giving)
{
	handover_done(&giving->before);
	handover_done(&giving->now);
	precopy_done(giving->op, &giving->precopy);
}
#define cleanup_giving __attribute__((cleanup(giving_done)))

/* ---- words ---- */

static int send_failed(int r, struct err *err)
{
	return err_say(err, ERR_INTERRUPTED, "the migration was given up: vzmigrate is gone (%s)", strerror(-r));
}

static int say(const struct giving *giving, const char *word, const struct kvfile *facts, struct err *err)
{
	int fd = giving->options->channel;
	int r = facts ? frame_send_facts(fd, word, facts) : frame_send(fd, word, NULL);
	return r < 0 ? send_failed(r, err) : 0;
}

static int hear(const struct giving *giving, struct frame *ret, struct err *err)
{
	int r = frame_receive(giving->options->channel, -1, ret);
	if (r == 0)
		return err_say(err, ERR_INTERRUPTED, "the migration was given up");
	return r < 0 ? send_failed(r, err) : 0;
}

static int expect(const struct frame *frame, const char *word, struct err *err)
{
	return str_eq(frame->word, word) ? 0
					 : err_say(err, ERR_BAD_VALUE, "vzmigrate said %s, not %s", frame->word, word);
}

static int hear_word(const struct giving *giving, const char *word, struct err *err)
{
	cleanup_frame struct frame frame = {0};

	int r = hear(giving, &frame, err);
	return r < 0 ? r : expect(&frame, word, err);
}

/* ---- what is to come ---- */

/* What it takes there; 0 where nobody counts. */
static uint64_t bytes_of(const struct ve *ve)
{
	struct disk_usage usage = {0};
	struct err ignored = {0};
	cleanup_fd int private = open(ve->private_area, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (private < 0 || disk_usage(private, ve->ctid, &usage, &ignored) < 0)
		return 0;
	return usage.space;
}

static const char *how(const struct giving *giving)
{
	if (giving->state == VE_RUNNING)
		return giving->options->live ? "live" : "running";
	return ve_state_name(giving->state);
}

/* What the receiver may lack. */
static int set_layer(const struct giving *giving, struct kvfile *facts, struct err *err)
{
	const struct ve_config *config = &giving->ve->config;
	struct shipment_goods goods = {0};

	if (config->layout != LAYOUT_OVERLAY || !config->layer)
		return 0;
	int r = shipment_find(giving->op->host->template_dir, config->layer, &goods, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	cleanup_free char *path = str_fmt(PATH_TEMPLATE "/%s", goods.archive);
	kvfile_set(facts, "TEMPLATE", path);
	kvfile_set(facts, "OSTEMPLATE", config->ostemplate ? config->ostemplate : "");
	kvfile_set_number(facts, "TEMPLATE_BYTES", goods.size);
	kvfile_set_number(facts, "LAYER_BYTES", goods.unpacked);
	free(goods.archive);
	return 0;
}

static int tell_facts(const struct giving *giving)
{
	const struct ve *ve = giving->ve;
	cleanup_kvfile struct kvfile *facts = kvfile_new(), *config = NULL;
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ve->ctid);
	cleanup_free char *image = str_fmt(PATH_DUMP "/%u", ve->ctid);
	struct err *err = giving->op->err;

	kvfile_set_number(facts, "CTID", ve->ctid);
	kvfile_set_number(facts, "GENERATION", giving->generation);
	kvfile_set_number(facts, "BYTES", bytes_of(ve) + (giving->options->live ? precopy_bytes(ve) : 0));
	kvfile_set(facts, "STATE", how(giving));
	kvfile_set(facts, "LAYOUT", ve->config.layout == LAYOUT_OVERLAY ? "overlay" : "private");
	kvfile_set(facts, "PRIVATE", ve->private_area);
	kvfile_set(facts, "IMAGE", image);
	kvfile_set(facts, "MOVE", giving->now.move);
	if (giving->now.ctid != ve->ctid)
		kvfile_set_number(facts, "NEW_CTID", giving->now.ctid);
	int r = set_layer(giving, facts, err);
	if (r == 0)
		r = say(giving, "FACTS", facts, err);
	if (r == 0)
		r = kvfile_load(AT_FDCWD, path, &config, err);
	return r < 0 ? r : say(giving, "CONFIG", config, err);
}

/* ---- the hand-over ---- */

/* Where it is when the last word does not come is not known: it stays handed over. */
static int hear_outcome(struct giving *giving, struct err *err)
{
	cleanup_frame struct frame frame = {0};

	int r = frame_receive(giving->options->channel, -1, &frame);
	giving->handed = true;
	giving->arrived = r > 0 && str_eq(frame.word, "ARRIVED");
	if (r <= 0 || !str_eq(frame.word, "FAILED"))
		return 0;
	r = handover_forget(giving->ve->ctid, err);
	giving->handed = r < 0;
	return r < 0 ? r : err_say(err, ERR_INTERRUPTED, "%s did not take it", giving->options->receiver);
}

static int hand_over(void *ctx, const struct kvfile *facts, struct err *err)
{
	struct giving *giving = ctx;
	int r;

	if ((r = say(giving, "STILL", facts, err)) < 0 || (r = hear_word(giving, "HANDOVER", err)) < 0 ||
	    (r = handover_mark(giving->ve->ctid, giving->generation, &giving->now, err)) < 0)
		return r;
	/* A caller that is gone has not told the receiver: but who knows. */
	frame_send(giving->options->channel, "HANDED", NULL);
	return hear_outcome(giving, err);
}

/* It answered for its addresses until a moment ago, and the receiver's links may have been seen meanwhile. */
static void announce_again(struct op *op, const struct ve *ve)
{
	cleanup_state struct state state = {0};
	struct err ignored = {0};

	if (ve_state(ve) == VE_RUNNING && state_load(ve->ctid, &state, &ignored) == 0)
		network_announce(op, ve->ctid, &state);
}

/* CRIU was to end it, and failed. */
static int end_here(struct op *op, struct ve *ve)
{
	struct err why = *op->err;

	*op->err = (struct err){0};
	op_warn(op, "%s", why.text);
	return running_take_down(op, ve, false);
}

static int give_live(struct giving *giving)
{
	const struct suspend_options options = {.begun = &giving->precopy, .still = hand_over, .ctx = giving};

	int r = suspend_locked(giving->op, giving->ve, &options);
	if (r < 0 && giving->handed)
		return end_here(giving->op, giving->ve);
	if (r < 0)
		announce_again(giving->op, giving->ve);
	return r;
}

static int give_suspended(struct giving *giving)
{
	cleanup_free char *name = str_fmt("%u", giving->ve->ctid);
	cleanup_kvfile struct kvfile *facts = NULL;
	cleanup_fd int image = -1;

	int r = dumps_load(giving->op->host, name, &facts, &image, giving->op->err);
	return r < 0 ? r : hand_over(giving, facts, giving->op->err);
}

static int give_stopped(struct giving *giving)
{
	if (ve_state(giving->ve) == VE_RUNNING) {
		int r = lifecycle_stop_locked(giving->op, giving->ve, &(struct stop_options){0});
		if (r < 0)
			return r;
	}
	return hand_over(giving, NULL, giving->op->err);
}

static int give(struct giving *giving)
{
	if (giving->state == VE_SUSPENDED)
		return give_suspended(giving);
	return giving->options->live ? give_live(giving) : give_stopped(giving);
}

/* ---- all of it ---- */

static int check_state(const struct giving *giving, struct err *err)
{
	enum ve_state state = giving->state;

	if (state == VE_MOUNTED)
		return err_say(err, ERR_MOUNTED, "Container is currently mounted. Unmount it first.");
	if (state != VE_STOPPED && state != VE_SUSPENDED && state != VE_RUNNING)
		return err_say(err, ERR_WRONG_STATE, "the container is %s", ve_state_name(state));
	if (giving->options->live && state != VE_RUNNING && !giving->before.receiver)
		return err_say(err, ERR_NOT_RUNNING, "Live migration is not possible: the container is %s",
			       ve_state_name(state));
	return 0;
}

static int check_receiver(const struct giving *giving, struct err *err)
{
	const struct handover *before = &giving->before, *now = &giving->now;

	if (!before->receiver || (str_eq(before->receiver, now->receiver) && before->ctid == now->ctid))
		return 0;
	return handover_check(giving->ve->ctid, err);
}

static int check_live(const struct giving *giving)
{
	cleanup_state struct state state = {0};
	struct op *op = giving->op;

	if (giving->state != VE_RUNNING || !giving->options->live)
		return 0;
	int r = criu_usable(op->err);
	if (r == 0)
		r = state_load(giving->ve->ctid, &state, op->err);
	if (r == 0 && state.frozen)
		r = err_say(op->err, ERR_WRONG_STATE, "the container is frozen; let it go on by vzctl chkpnt --resume");
	if (r == 0 && state.devices)
		r = err_say(op->err, ERR_CHECKPOINT, "it has devices of the node (%s), which stay here", state.devices);
	return r < 0 ? r : checkable_must(op, &state);
}

/* A repetition is the same move. */
static int name_move(struct giving *giving)
{
	const struct migrate_out_options *options = giving->options;
	uint32_t ctid = giving->ve->ctid;
	char move[UUID_SIZE];

	int r = handover_load(ctid, &giving->before, giving->op->err);
	if (r == 0 && !giving->before.receiver)
		r = uuid_make(move, giving->op->err);
	if (r < 0)
		return r;
	giving->now = (struct handover){
		.receiver = mem_strdup(options->receiver),
		.ctid = options->new_ctid ? options->new_ctid : ctid,
		.move = mem_strdup(giving->before.receiver ? giving->before.move : move),
	};
	return 0;
}

/* They lie where they are, and would be found by the next VE of this CTID. */
static int check_snapshots(const struct giving *giving)
{
	struct err *err = giving->op->err;

	int r = snapshots_any(giving->op->host, giving->ve->ctid, err);
	if (r <= 0)
		return r;
	return err_say(err, ERR_WRONG_STATE,
		       "the container has snapshots, which do not move; remove them first: vzctl snapshot-delete");
}

static int prepare(struct giving *giving)
{
	struct op *op = giving->op;
	uint64_t generation = 0;
	int r;

	if ((r = name_move(giving)) < 0 || (r = handover_generation(giving->ve->ctid, &generation, op->err)) < 0 ||
	    (r = check_state(giving, op->err)) < 0 || (r = check_receiver(giving, op->err)) < 0 ||
	    (r = check_snapshots(giving)) < 0 || (r = places_check(op->host, giving->ve, op->err)) < 0 ||
	    (r = check_live(giving)) < 0)
		return r;
	giving->generation = generation + 1;
	return 0;
}

static int unknown(const struct giving *giving, struct err *err)
{
	cleanup_free char *command = handover_command(giving->ve->ctid, &giving->now);
	return err_say(
		err, ERR_INTERRUPTED,
		"%s was lost when CT %u had just been handed over, and may run it: it stays here as it is, and does "
		"not start; repeat %s",
		giving->now.receiver, giving->ve->ctid, command);
}

static int copy_memory(struct giving *giving)
{
	cleanup_kvfile struct kvfile *facts = kvfile_new();
	cleanup_free char *image = str_fmt(PATH_DUMP "/.new-%u", giving->ve->ctid);
	unsigned before = giving->precopy.rounds;

	int r = precopy_round(giving->op, giving->ve, &giving->precopy);
	if (r < 0)
		return r;
	if (giving->precopy.rounds > before)
		kvfile_set(facts, "IMAGE", image);
	return say(giving, "PRECOPIED", facts, giving->op->err);
}

/* Up to FREEZE, or ARRIVED at once: an earlier attempt had got through. */
static int hear_first(struct giving *giving)
{
	struct err *err = giving->op->err;

	while (true) {
		cleanup_frame struct frame frame = {0};

		int r = hear(giving, &frame, err);
		if (r < 0)
			return r;
		giving->arrived = giving->before.receiver && str_eq(frame.word, "ARRIVED");
		if (giving->arrived || !str_eq(frame.word, "PRECOPY"))
			return giving->arrived ? 0 : expect(&frame, "FREEZE", err);
		r = copy_memory(giving);
		if (r < 0)
			return r;
	}
}

/* It did run, and is to run again where it stays. */
static bool must_start_again(const struct giving *giving)
{
	return giving->state == VE_RUNNING && ve_state(giving->ve) == VE_STOPPED;
}

static int migrate_out(struct giving *giving, bool *ret_start)
{
	struct op *op = giving->op;

	int r = prepare(giving);
	if (r == 0)
		r = tell_facts(giving);
	if (r == 0)
		r = hear_first(giving);
	if (r == 0 && !giving->arrived)
		r = give(giving);
	if (r < 0) {
		*ret_start = must_start_again(giving);
		return r;
	}
	if (!giving->arrived)
		return unknown(giving, op->err);
	return lifecycle_give_away(op, giving->ve, giving->options->keep);
}

static void start_again(struct op *op, uint32_t ctid)
{
	struct err *outer = op->err, err = {0};

	op->err = &err;
	if (lifecycle_start(op, ctid, &(struct start_options){.force = true}) < 0)
		op_warn(op, "CT %u does not start again: %s", ctid, err.text);
	op->err = outer;
}

int lifecycle_migrate_out(struct op *op, uint32_t ctid, const struct migrate_out_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_giving struct giving giving = {.op = op, .ve = &ve, .options = options, .precopy = PRECOPY_NONE};
	bool start = false;
	int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	if (r < 0)
		return r;
	giving.state = ve_state(&ve);
	r = migrate_out(&giving, &start);
	precopy_done(op, &giving.precopy);
	fd_close(lock);
	if (start)
		start_again(op, ctid);
	return r;
}
