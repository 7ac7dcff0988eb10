#include "cmd/mover.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "cmd/carrier.h"
#include "cmd/client.h"
#include "cmd/errors.h"
#include "cmd/peer.h"
#include "cmd/report.h"
#include "runtime/base/err.h"
#include "runtime/base/frame.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define HELLO_MS 60000

enum phase {
	PHASE_TEMPLATE,
	PHASE_FIRST,
	PHASE_MEMORY,
	PHASE_STILL,
	PHASE_SECOND,
	PHASE_IMAGE,
	PHASE_READY,
	PHASE_COMMIT,
	PHASE_COUNT
};

static const char *const phase_names[PHASE_COUNT] = {
	[PHASE_TEMPLATE] = "Copy template", [PHASE_FIRST] = "First rsync",	   [PHASE_MEMORY] = "Copy memory",
	[PHASE_STILL] = "Suspend + Dump",   [PHASE_SECOND] = "Second rsync",	   [PHASE_IMAGE] = "Copy dump file",
	[PHASE_READY] = "Undump",	    [PHASE_COMMIT] = "Hand over + Resume",
};

struct mover {
	const struct mover_options *options;
	const char *ve;
	struct report *report;
	struct carrier carrier;
	struct client *client;
	int channel; /* to the worker of this node's vzd */
	struct kvfile *self, *other, *facts, *places;
	struct err err, own; /* what failed; what this node's vzd says */
	bool own_over;	     /* it has answered */
	int own_r;
	int code;
	bool handed;  /* it is not this node's any more */
	bool reaches; /* the far end has spoken */
	double took[PHASE_COUNT];
};

static void mover_done(struct mover *mover)
{
	carrier_close(&mover->carrier);
	fd_close(mover->channel);
	client_free(mover->client);
	kvfile_free(mover->self);
	kvfile_free(mover->other);
	kvfile_free(mover->facts);
	kvfile_free(mover->places);
}
#define cleanup_mover __attribute__((cleanup(mover_done)))

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- failures ---- */

static int fail(struct mover *mover, int code)
{
	if (mover->code == MOVER_OK)
		mover->code = code;
	return -EINVAL;
}

/* What a kind of failure is for vzmigrate, on the node that gives and on the one that receives. */
static const struct code_row {
	enum err_kind kind;
	int giving, receiving;
} codes[] = {
	{ERR_LOCKED, MOVER_LOCKED, MOVER_LOCKED},	 {ERR_NO_SUCH_VE, MOVER_NONE, MOVER_RECEIVE},
	{ERR_BAD_CTID, MOVER_NONE, MOVER_RECEIVE},	 {ERR_NOT_RUNNING, MOVER_STOPPED, MOVER_RECEIVE},
	{ERR_NOT_SUPPORTED, MOVER_ENGINE, MOVER_ENGINE}, {ERR_CONFIG_EXISTS, MOVER_GIVE, MOVER_EXISTS},
	{ERR_PRIVATE_EXISTS, MOVER_GIVE, MOVER_EXISTS},	 {ERR_NAME, MOVER_GIVE, MOVER_EXISTS},
	{ERR_NO_RESOURCE, MOVER_GIVE, MOVER_EXISTS},	 {ERR_ADDRESS_IN_USE, MOVER_GIVE, MOVER_ADDRESS},
	{ERR_VETH, MOVER_GIVE, MOVER_ADDRESS},		 {ERR_QUOTA, MOVER_GIVE, MOVER_QUOTA},
	{ERR_NO_SPACE, MOVER_GIVE, MOVER_COPY},		 {ERR_NO_TEMPLATE, MOVER_GIVE, MOVER_COPY},
	{ERR_BAD_CONFIG, MOVER_CONFIG, MOVER_CONFIG},	 {ERR_CONFIG_SAVE, MOVER_CONFIG, MOVER_CONFIG},
	{ERR_TEMPLATE_DAMAGED, MOVER_GIVE, MOVER_COPY},
};

static const struct code_row *code_row(enum err_kind kind)
{
	for (size_t i = 0; i < countof(codes); i++)
		if (codes[i].kind == kind)
			return &codes[i];
	return NULL;
}

static int fail_here(struct mover *mover)
{
	const struct code_row *row = code_row(mover->own.kind);

	mover->err = mover->own;
	return fail(mover, row ? row->giving : MOVER_GIVE);
}

static int fail_there(struct mover *mover, const struct frame *frame)
{
	cleanup_kvfile struct kvfile *reason = NULL;
	struct err bad = {0};

	if (frame_facts(frame, &reason, &bad) < 0 || !kvfile_get(reason, "REASON") || !kvfile_get(reason, "ERROR")) {
		err_say(&mover->err, ERR_SYSTEM, "%s: %s", mover->options->node, frame->word);
		return fail(mover, MOVER_RECEIVE);
	}
	const char *name = kvfile_get(reason, "ERROR");
	enum err_kind kind = error_kind(name);
	const struct code_row *row = code_row(kind);
	const char *text = kvfile_get(reason, "REASON");
	err_say(&mover->err, kind, "%s: %s", mover->options->node, text);
	return fail(mover, str_after(text, "cannot reach vzd") ? MOVER_NO_VZD : row ? row->receiving : MOVER_RECEIVE);
}

/* The far end has ended without a word. */
static int fail_link(struct mover *mover)
{
	const char *node = mover->options->node;
	int status = carrier_close(&mover->carrier);

	if (!mover->reaches && status == 127) {
		err_say(&mover->err, ERR_SYSTEM, "there is no OpenVE on %s: vzmigrate is not found there", node);
		return fail(mover, MOVER_NO_VZD);
	}
	err_say(&mover->err, ERR_SYSTEM,
		mover->reaches ? "the connection to %s was lost" : "cannot connect to %s by ssh", node);
	return fail(mover, MOVER_CONNECT);
}

/* ---- this node's vzd ---- */

static int on_answer(void *ctx, sd_json_variant *answer)
{
	struct mover *mover = ctx;
	sd_json_variant *message = sd_json_variant_by_key(answer, "message");
	const char *text = sd_json_variant_string(sd_json_variant_by_key(message, "text"));

	if (text && sd_json_variant_boolean(sd_json_variant_by_key(message, "warning")))
		report_warn(mover->report, text);
	else if (text && mover->report->verbose)
		report_say(mover->report, text);
	return 0;
}

static int begin(struct mover *mover)
{
	cleanup_json sd_json_variant *parameters = NULL;
	const char *host = strrchr(mover->options->node, '@');
	int ends[2];

	int r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_STRING("ve", mover->ve),
			       SD_JSON_BUILD_PAIR_STRING("receiver", host ? host + 1 : mover->options->node),
			       SD_JSON_BUILD_PAIR_UNSIGNED("newCtid", mover->options->new_ctid),
			       SD_JSON_BUILD_PAIR_BOOLEAN("live", mover->options->live),
			       SD_JSON_BUILD_PAIR_BOOLEAN("keep", mover->options->keep));
	if (r < 0)
		return client_bad_json(&mover->own, r);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(&mover->own, errno, "make a socket");
	mover->channel = ends[0];
	r = client_push_fd(mover->client, ends[1], &mover->own);
	return r < 0 ? r : client_begin(mover->client, "MigrateOut", parameters, on_answer, mover, &mover->own);
}

static void process(struct mover *mover)
{
	int r = client_process(mover->client);

	if (r > 0)
		return;
	mover->own_over = true;
	mover->own_r = r;
}

/* Until its last answer. */
static int finish(struct mover *mover)
{
	while (!mover->own_over) {
		struct pollfd ready = {.fd = client_fd(mover->client), .events = client_events(mover->client)};
		process(mover);
		if (!mover->own_over && poll(&ready, 1, 1000) < 0 && errno != EINTR)
			break;
	}
	return mover->own_r;
}

/* Hear the worker's next word while vzd tells how it goes. */
static int hear_here(struct mover *mover, const char *word, struct frame *ret)
{
	while (!mover->own_over) {
		struct pollfd ready[] = {
			{.fd = mover->channel, .events = POLLIN},
			{.fd = client_fd(mover->client), .events = client_events(mover->client)},
		};
		if (poll(ready, countof(ready), 1000) < 0 && errno != EINTR)
			break;
		if (ready[0].revents && frame_receive(mover->channel, -1, ret) > 0)
			return str_eq(ret->word, word) ? 0 : fail(mover, MOVER_GIVE);
		process(mover);
		if (ready[0].revents && !mover->own_over)
			finish(mover);
	}
	return fail_here(mover);
}

static int tell_here(struct mover *mover, const char *word)
{
	if (frame_send(mover->channel, word, NULL) >= 0)
		return 0;
	finish(mover);
	return fail_here(mover);
}

/* ---- the far end ---- */

static int hear_there(struct mover *mover, const char *word, int timeout_ms, struct frame *ret)
{
	if (frame_receive(mover->carrier.in, timeout_ms, ret) <= 0)
		return fail_link(mover);
	mover->reaches = true;
	return str_eq(ret->word, word) ? 0 : fail_there(mover, ret);
}

static int tell_there(struct mover *mover, const char *word, const struct kvfile *facts)
{
	int fd = mover->carrier.out;
	int r = facts ? frame_send_facts(fd, word, facts) : frame_send(fd, word, NULL);
	return r < 0 ? fail_link(mover) : 0;
}

static int meet(struct mover *mover)
{
	cleanup_frame struct frame hello = {0};
	int r;

	if (carrier_open(&mover->carrier, &mover->err) < 0)
		return fail(mover, MOVER_CONNECT);
	if ((r = hear_there(mover, "HELLO", HELLO_MS, &hello)) < 0)
		return r;
	if (frame_facts(&hello, &mover->other, &mover->err) < 0 || peer_speaks(mover->other, &mover->err) < 0)
		return fail(mover, MOVER_CONNECT);
	if (peer_is(mover->self, mover->other)) {
		err_say(&mover->err, ERR_BAD_VALUE, "%s is this node", mover->options->node);
		return fail(mover, MOVER_USAGE);
	}
	return tell_there(mover, "HELLO", mover->self);
}

/* ---- the dialogue ---- */

static bool is(const struct mover *mover, const char *key, const char *value)
{
	const char *said = kvfile_get(mover->facts, key);
	return said && str_eq(said, value);
}

static bool comes(const struct mover *mover, const char *state)
{
	return is(mover, "STATE", state);
}

static bool has_image(const struct mover *mover)
{
	return comes(mover, "live") || comes(mover, "suspended");
}

static bool runs(const struct mover *mover)
{
	return comes(mover, "live") || comes(mover, "running");
}

static int offer(struct mover *mover)
{
	cleanup_frame struct frame facts = {0}, config = {0};
	int r;

	if ((r = hear_here(mover, "FACTS", &facts)) < 0 || (r = hear_here(mover, "CONFIG", &config)) < 0)
		return r;
	if (frame_facts(&facts, &mover->facts, &mover->err) < 0)
		return fail(mover, MOVER_GIVE);
	if (has_image(mover) && !mover->options->any_cpu && peer_runs(mover->self, mover->other, &mover->err) < 0)
		return fail(mover, MOVER_CPU);
	if (mover->options->check)
		kvfile_set(mover->facts, "CHECK", "yes");
	if (mover->options->keep_there)
		kvfile_set(mover->facts, "KEEP", "yes");
	r = tell_there(mover, "OFFER", mover->facts);
	if (r == 0 && frame_send(mover->carrier.out, "CONFIG", config.body) < 0)
		r = fail_link(mover);
	return r;
}

/* 1: an earlier attempt had got through. */
static int reserve(struct mover *mover)
{
	cleanup_frame struct frame frame = {0};

	if (frame_receive(mover->carrier.in, -1, &frame) <= 0)
		return fail_link(mover);
	if (str_eq(frame.word, "HAVE"))
		return 1;
	if (!str_eq(frame.word, "RESERVED"))
		return fail_there(mover, &frame);
	return frame_facts(&frame, &mover->places, &mover->err) < 0 ? fail(mover, MOVER_RECEIVE) : 0;
}

/* The cause may be at the far end, which says so. */
static int fail_copy(struct mover *mover)
{
	cleanup_frame struct frame frame = {0};
	struct err copying = mover->err;

	mover->err = (struct err){0};
	int r = frame_receive(mover->carrier.in, 1000, &frame);
	if (r > 0)
		return fail_there(mover, &frame);
	if (r == 0)
		return fail_link(mover);
	mover->err = copying;
	return fail(mover, MOVER_COPY);
}

static int copy(struct mover *mover, const struct kvfile *facts, const char *what, enum phase phase)
{
	const char *from = kvfile_get(facts, what), *to = kvfile_get(mover->places, what);
	uint64_t before = mover->carrier.bytes;
	double start = now();

	if (!from || !to) {
		err_say(&mover->err, ERR_BAD_VALUE, "%s is not said", what);
		return fail(mover, MOVER_COPY);
	}
	int r = phase == PHASE_TEMPLATE
			? carrier_send(&mover->carrier, from, to, &mover->err)
			: carrier_sync(&mover->carrier, from, to, is(mover, "LAYOUT", "overlay"), &mover->err);
	if (r < 0)
		return fail_copy(mover);
	double took = now() - start;
	mover->took[phase] += took;
	if (mover->report->verbose) {
		cleanup_free char *line = str_fmt("%s: %.1f MiB in %.2f s", phase_names[phase],
						  (double)(mover->carrier.bytes - before) / (1 << 20), took);
		report_say(mover->report, line);
	}
	return 0;
}

/* The receiver says whether it lacks it. */
static bool sends_template(const struct mover *mover)
{
	return mover->places && kvfile_get(mover->places, "TEMPLATE");
}

/* "busybox (2 MiB)" */
static char *template_text(const struct mover *mover)
{
	const char *name = kvfile_get(mover->facts, "OSTEMPLATE"), *size = kvfile_get(mover->facts, "TEMPLATE_BYTES");
	uint64_t bytes = 0;

	if (size)
		str_u64(size, &bytes);
	return str_fmt("%s (%ju MiB)", name && name[0] ? name : "without a name",
		       (uintmax_t)((bytes + (1 << 20) - 1) >> 20));
}

static int copy_template(struct mover *mover)
{
	cleanup_frame struct frame frame = {0};
	cleanup_free char *text = template_text(mover), *line = str_fmt("Copying template %s", text);
	int r;

	if (!sends_template(mover))
		return 0;
	report_say(mover->report, line);
	if ((r = copy(mover, mover->facts, "TEMPLATE", PHASE_TEMPLATE)) < 0 ||
	    (r = tell_there(mover, "TEMPLATE", NULL)) < 0)
		return r;
	return hear_there(mover, "UNPACKED", -1, &frame);
}

static void tell_check(const struct mover *mover)
{
	cleanup_free char *text = template_text(mover), *line = str_fmt("The template %s would be copied, too", text);

	if (sends_template(mover))
		report_say(mover->report, line);
}

static int copy_first(struct mover *mover)
{
	report_say(mover->report, "Syncing private");
	return runs(mover) ? copy(mover, mover->facts, "PRIVATE", PHASE_FIRST) : 0;
}

/* As long as this node's vzd finds that it pays. */
static int copy_memory(struct mover *mover)
{
	bool more = comes(mover, "live") && !mover->options->at_once;
	int r = 0;

	while (r == 0 && more) {
		cleanup_frame struct frame frame = {0};
		cleanup_kvfile struct kvfile *facts = NULL;

		if ((r = tell_here(mover, "PRECOPY")) < 0 || (r = hear_here(mover, "PRECOPIED", &frame)) < 0)
			return r;
		if (frame_facts(&frame, &facts, &mover->err) < 0)
			return fail(mover, MOVER_GIVE);
		more = kvfile_get(facts, "IMAGE");
		if (more)
			r = copy(mover, facts, "IMAGE", PHASE_MEMORY);
	}
	return r;
}

/* While nothing of it runs anywhere. */
static int copy_last(struct mover *mover)
{
	int r = copy(mover, mover->facts, "PRIVATE", PHASE_SECOND);
	return r == 0 && has_image(mover) ? copy(mover, mover->facts, "IMAGE", PHASE_IMAGE) : r;
}

static int bring_still(struct mover *mover, struct frame *still)
{
	double start = now();

	if (runs(mover))
		report_say(mover->report,
			   mover->options->live ? "Live migrating container..." : "Stopping container...");
	int r = tell_here(mover, "FREEZE");
	if (r == 0)
		r = hear_here(mover, "STILL", still);
	mover->took[PHASE_STILL] = now() - start;
	return r;
}

static int make_ready(struct mover *mover, const struct frame *still)
{
	cleanup_frame struct frame frame = {0};
	double start = now();

	if (frame_send(mover->carrier.out, "SENT", still->body) < 0)
		return fail_link(mover);
	int r = hear_there(mover, "READY", -1, &frame);
	mover->took[PHASE_READY] = now() - start;
	return r;
}

/* After HANDED this node has given it away: only the far end's word says what became of it. */
static int commit(struct mover *mover)
{
	cleanup_frame struct frame handed = {0}, done = {0};
	cleanup_kvfile struct kvfile *outcome = NULL;
	double start = now();
	int r;

	if ((r = tell_here(mover, "HANDOVER")) < 0 || (r = hear_here(mover, "HANDED", &handed)) < 0)
		return r;
	mover->handed = true;
	r = tell_there(mover, "COMMIT", NULL);
	if (r == 0)
		r = hear_there(mover, "DONE", -1, &done);
	mover->took[PHASE_COMMIT] = now() - start;
	if (r < 0) {
		if (done.word[0] && str_eq(done.word, "FAILED"))
			frame_send(mover->channel, "FAILED", NULL);
		return r;
	}
	if (frame_facts(&done, &outcome, &mover->err) == 0 && kvfile_get(outcome, "WARNING")) {
		err_say(&mover->err, ERR_SYSTEM, "the container is on %s now, and: %s", mover->options->node,
			kvfile_get(outcome, "WARNING"));
		fail(mover, MOVER_RECEIVE);
	}
	return 0;
}

static int move(struct mover *mover)
{
	cleanup_frame struct frame still = {0};
	int r;

	if ((r = copy_template(mover)) < 0 || (r = copy_first(mover)) < 0 || (r = copy_memory(mover)) < 0 ||
	    (r = bring_still(mover, &still)) < 0 || (r = copy_last(mover)) < 0 || (r = make_ready(mover, &still)) < 0)
		return r;
	return commit(mover);
}

/* What is left of it here goes, when it has arrived there. */
static int clean_up(struct mover *mover)
{
	report_say(mover->report, "Cleaning up");
	int r = tell_here(mover, "ARRIVED");
	if (r == 0 && finish(mover) < 0)
		r = fail_here(mover);
	return r;
}

static int carry_out(struct mover *mover)
{
	int r;

	mover->self = peer_self();
	if (client_connect(&mover->client, &mover->err) < 0)
		return fail(mover, MOVER_NO_VZD);
	if ((r = meet(mover)) < 0)
		return r;
	if (begin(mover) < 0)
		return fail_here(mover);
	report_say(mover->report, "Preparing remote node");
	r = offer(mover);
	if (r == 0)
		r = reserve(mover);
	if (r == 0 && mover->options->check)
		tell_check(mover);
	if (r < 0 || mover->options->check)
		return r;
	if (r == 0)
		r = move(mover);
	return r < 0 ? r : clean_up(mover);
}

/* Both sides hear the end, and put right what they had begun. */
static void give_up(struct mover *mover)
{
	mover->channel = fd_close(mover->channel);
	carrier_close(&mover->carrier);
	if (mover->client && !mover->own_over && mover->facts)
		finish(mover);
	/* It knows better what has become of it. */
	if (mover->handed && mover->own.text[0])
		report_warn(mover->report, mover->own.text);
}

static void tell_times(const struct mover *mover)
{
	double still = 0;

	if (sends_template(mover))
		printf("%s: %.2f\n", phase_names[PHASE_TEMPLATE], mover->took[PHASE_TEMPLATE]);
	for (enum phase phase = PHASE_FIRST; phase < PHASE_COUNT; phase++) {
		printf("%s: %.2f\n", phase_names[phase], mover->took[phase]);
		if (phase >= PHASE_STILL)
			still += mover->took[phase];
	}
	printf("Total suspended time: %.2f\n", runs(mover) ? still : 0);
	fflush(stdout);
}

int mover_run(const struct mover_options *options, const char *ve, struct report *report)
{
	cleanup_mover struct mover mover = {
		.options = options,
		.ve = ve,
		.report = report,
		.carrier = {.node = options->node,
			    .ssh = options->ssh,
			    .rsync = options->rsync,
			    .pid = -1,
			    .in = -1,
			    .out = -1},
		.channel = -1,
	};
	cleanup_free char *as = options->new_ctid ? str_fmt(" as CT %u", options->new_ctid) : NULL;
	cleanup_free char *line = str_fmt("Starting %smigration of CT %s to %s%s", options->live ? "live " : "", ve,
					  options->node, as ? as : "");

	report_say(report, line);
	int r = carry_out(&mover);
	if (r < 0 || options->check)
		give_up(&mover);
	if (mover.code != MOVER_OK) {
		cleanup_free char *error = str_fmt("Error: %s", mover.err.text);
		report_warn(report, error);
		return mover.code;
	}
	if (options->times && !options->check)
		tell_times(&mover);
	return MOVER_OK;
}
