/* A VE may end by itself, or because an operation takes it down; the two look alike from here. So its end only calls for a look at
 * its state once no operation of ours is at work on it: broken means that nobody takes it down. */
#include "cmd/watch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "cmd/console.h"
#include "cmd/errors.h"
#include "cmd/exits.h"
#include "cmd/log.h"
#include "cmd/message.h"
#include "cmd/work.h"
#include "cmd/worker.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/lifecycle.h"
#include "runtime/state.h"
#include "runtime/ve.h"

#define USEC_PER_SEC 1000000ull
#define SHORT_LIFE (10 * USEC_PER_SEC) /* a VE that reboots sooner is made to wait */
#define PAUSE_MAX 30		       /* seconds between two starts of such a VE */
#define RETRY_MAX 60		       /* seconds between two attempts to take one down */

struct guest {
	struct watch *watch;
	struct guest *next;
	uint32_t ctid;
	struct exit_watch *exit; /* NULL: it has ended */
	struct console *console;
	uint64_t born;		 /* CLOCK_MONOTONIC, microseconds; 0: before our time */
	sd_event_source *timer;	 /* when to look again */
	unsigned pause;		 /* seconds it has to wait for its next start, 0: none */
	unsigned retry;		 /* seconds until we try again to take it down */
	bool reboot;		 /* it ended by asking for one */
	bool ours;		 /* the operation on it is our own */
	bool down;		 /* we took it down, and it waits for its start */
};

static uint64_t now_usec(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static struct guest *find(const struct watch *watch, uint32_t ctid)
{
	struct guest *guest = watch->first;
	while (guest && guest->ctid != ctid)
		guest = guest->next;
	return guest;
}

static struct guest *find_or_add(struct watch *watch, uint32_t ctid)
{
	struct guest *guest = find(watch, ctid);
	if (guest)
		return guest;

	guest = mem_zero(1, sizeof(*guest));
	*guest = (struct guest){.watch = watch, .next = watch->first, .ctid = ctid};
	watch->first = guest;
	return guest;
}

static void drop_console(struct guest *guest)
{
	if (!guest->console)
		return;
	console_free(guest->console);
	guest->console = NULL;
	console_unstore(guest->ctid);
}

static void guest_free(struct guest *guest)
{
	exits_forget(guest->exit);
	console_free(guest->console);
	sd_event_source_disable_unref(guest->timer);
	free(guest);
}

static void forget(struct guest *guest)
{
	for (struct guest **link = &guest->watch->first; *link; link = &(*link)->next) {
		if (*link == guest) {
			*link = guest->next;
			break;
		}
	}
	drop_console(guest);
	guest_free(guest);
}

void watch_close(struct watch *watch)
{
	while (watch->first) {
		struct guest *guest = watch->first;
		watch->first = guest->next;
		guest_free(guest);
	}
}

static void set_console(struct guest *guest, int fd)
{
	struct err err = {0};
	if (fd >= 0 && console_open(guest->watch->event, fd, &guest->console, &err) < 0)
		log_warn("CT %u: %s", guest->ctid, err.text);
}

/* ---- what a VE's end calls for ---- */

static void record(const struct guest *guest, const char *verb, const char *text, int result)
{
	const struct log_record record = {
		.ctid = guest->ctid,
		.verb = verb,
		.text = text,
		.uid = LOG_NOBODY,
		.result = result,
	};
	log_operation(&guest->watch->host->node, &record);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct guest *guest = userdata;
	(void)source;
	(void)usec;

	watch_settle(guest->watch, guest->ctid);
	return 0;
}

static void look_after(struct guest *guest, uint64_t usec)
{
	guest->timer = sd_event_source_disable_unref(guest->timer);
	int r = sd_event_add_time_relative(guest->watch->event, &guest->timer, CLOCK_MONOTONIC, usec, 0, on_timer, guest);
	if (r < 0)
		log_error("CT %u: cannot set a timer: %s", guest->ctid, strerror(-r));
}

static int run_reap(struct work *work, void *ctx)
{
	const struct guest *guest = ctx;
	return lifecycle_reap(&work->op, guest->ctid, guest->reboot && !guest->pause);
}

static int run_start(struct work *work, void *ctx)
{
	const struct guest *guest = ctx;
	const struct start_options options = {0};
	return lifecycle_start(&work->op, guest->ctid, &options);
}

static void on_message(void *ctx, struct message *message)
{
	struct guest *guest = ctx;

	if (message->kind == MESSAGE_WARN)
		log_warn("CT %u: %s", guest->ctid, message->text);
	if (message->kind != MESSAGE_FAILED)
		return;
	cleanup_free char *text = str_fmt("%s: %s", guest->down ? "cannot start it again" : "cannot clean up after its end",
					  message->err.text);
	log_error("CT %u: %s", guest->ctid, text);
	record(guest, guest->down ? "start" : "reap", text, error_table[message->err.kind].exit_code);
}

static void on_worker_ended(void *ctx)
{
	struct guest *guest = ctx;
	guest->ours = false;
}

static void run(struct guest *guest, const char *verb, int (*function)(struct work *work, void *ctx))
{
	const struct job job = {
		.verb = verb,
		.ctid = guest->ctid,
		.spawns = true,
		.run = function,
		.hear = on_message,
		.ended = on_worker_ended,
		.ctx = guest,
	};
	struct err err = {0};

	if (worker_start(guest->watch->workers, &job, &err) < 0) {
		log_error("CT %u: %s", guest->ctid, err.text);
		look_after(guest, USEC_PER_SEC);
		return;
	}
	guest->ours = true;
}

/* The first attempt is made at once, later ones wait: what keeps a root busy seldom goes away in no time. */
static void reap(struct guest *guest)
{
	if (guest->timer && sd_event_source_get_enabled(guest->timer, NULL) > 0)
		return;
	unsigned retry = guest->retry;
	guest->retry = retry == 0 ? 1 : retry * 2 < RETRY_MAX ? retry * 2 : RETRY_MAX;
	run(guest, "reap", run_reap);
}

static void begin_pause(struct guest *guest)
{
	cleanup_free char *last = guest->console ? console_last_line(guest->console) : NULL;

	log_warn("CT %u reboots again and again; it is started in %u s%s%s", guest->ctid, guest->pause,
		 last ? "; last on its console: " : "", last ? last : "");
	guest->down = true;
	look_after(guest, guest->pause * USEC_PER_SEC);
}

static enum ve_state state_of(const struct watch *watch, uint32_t ctid)
{
	struct err ignored = {0};
	cleanup_ve struct ve ve = {0};
	return ve_load(watch->host, ctid, &ve, &ignored) < 0 ? VE_ABSENT : ve_state(&ve);
}

/* It runs, and nobody has told us: we were not there, or the worker died before it could. */
static void adopt(struct guest *guest)
{
	struct err err = {0};
	cleanup_state struct state state = {0};

	int pidfd = state_load(guest->ctid, &state, &err) < 0 ? -1 : state_pidfd(&state);
	if (pidfd >= 0)
		watch_born(guest->watch, guest->ctid, pidfd, -1);
	guest->born = 0;
}
