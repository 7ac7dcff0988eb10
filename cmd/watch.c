/* A VE may end by itself, or because an operation takes it down; from here the two look alike. So its end only calls
 * for a look at its state once no operation is at work on it: broken means that nobody has taken it down. */
#include "cmd/watch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
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
#include "runtime/ve.h"

#define USEC_PER_SEC 1000000ull
#define SHORT_LIFE (10 * USEC_PER_SEC) /* a VE that reboots sooner has to wait for its next start */
#define PAUSE_MAX 30u		       /* seconds between two starts of such a VE */
#define RETRY_MAX 60u		       /* seconds between two attempts to take one down */

struct guest {
	struct watch *watch;
	struct guest *next;
	uint32_t ctid;
	struct exit_watch *exit; /* NULL: it has ended */
	uint64_t observed;	 /* see reboots_observe(); 0: it is our child, or cannot be observed */
	struct ending ending;
	struct console *console;
	uint64_t born;		/* CLOCK_MONOTONIC, microseconds; 0: before our time */
	sd_event_source *timer; /* when to look at it; NULL: not by itself */
	unsigned pause;		/* seconds its next start has to wait */
	unsigned retry;		/* seconds until the next attempt to take it down; 0: none was made */
	bool reboot;		/* it is to be started again */
	bool paused;		/* it is down and waits for its start */
};

static uint64_t now_usec(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* One second first, then twice as long each time. */
static unsigned longer(unsigned seconds, unsigned most)
{
	if (seconds == 0)
		return 1;
	return seconds * 2 < most ? seconds * 2 : most;
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

/* The observer stays as long as a VE needs it that is not our child. */
static void stop_observing(struct watch *watch)
{
	for (const struct guest *guest = watch->first; guest; guest = guest->next)
		if (guest->observed)
			return;
	reboots_close(&watch->reboots);
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
	stop_observing(guest->watch);
	guest_free(guest);
}

void watch_close(struct watch *watch)
{
	reboots_close(&watch->reboots);
	while (watch->first) {
		struct guest *guest = watch->first;
		watch->first = guest->next;
		guest_free(guest);
	}
}

/* ---- timers and words ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void look_in(struct guest *guest, unsigned seconds)
{
	guest->timer = sd_event_source_disable_unref(guest->timer);
	int r = sd_event_add_time_relative(guest->watch->event, &guest->timer, CLOCK_MONOTONIC, seconds * USEC_PER_SEC,
					   0, on_timer, guest);
	if (r < 0)
		log_error("CT %u: cannot set a timer: %s", guest->ctid, strerror(-r));
}

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

static bool killed_by(const struct ending *ending, int signo)
{
	return (ending->code == CLD_KILLED || ending->code == CLD_DUMPED) && ending->status == signo;
}

/* reboot(2) in a pid namespace: its init is killed, by SIGHUP for a restart and by SIGINT for a halt. */
static void record_end(const struct guest *guest)
{
	const struct ending *ending = &guest->ending;
	cleanup_free char *how = NULL;

	if (ending->code == 0 && !guest->observed)
		how = mem_strdup("ended; whether it halted or rebooted could not be seen, so it is started again");
	else if (guest->reboot)
		how = mem_strdup("rebooted from inside");
	else if (killed_by(ending, SIGINT))
		how = mem_strdup("halted from inside");
	else if (ending->code == 0)
		how = mem_strdup("ended without asking for a reboot");
	else if (ending->code == CLD_EXITED)
		how = str_fmt("ended: its init exited with code %d", ending->status);
	else
		how = str_fmt("ended: its init was killed by signal %d (%s)", ending->status,
			      strsignal(ending->status));
	record(guest, guest->reboot ? "reboot" : "halt", how, 0);
}

/* ---- our own operations ---- */

static int run_reap(struct work *work, void *ctx)
{
	const struct guest *guest = ctx;
	return lifecycle_reap(&work->op, guest->ctid, guest->reboot && guest->pause == 0);
}

static int run_start(struct work *work, void *ctx)
{
	const struct guest *guest = ctx;
	const struct start_options options = {0};
	return lifecycle_start(&work->op, guest->ctid, &options);
}

/* That another operation came in between is no failure: the VE is looked at again when it is over. */
static void on_message(void *ctx, struct message *message)
{
	const struct guest *guest = ctx;

	if (message->kind == MESSAGE_WARN)
		log_warn("CT %u: %s", guest->ctid, message->text);
	if (message->kind != MESSAGE_FAILED || message->err.kind == ERR_LOCKED)
		return;
	cleanup_free char *text = str_fmt("after its end: %s", message->err.text);
	log_error("CT %u: %s", guest->ctid, text);
	record(guest, "reap", text, error_table[message->err.kind].exit_code);
}

/* What comes of it is for watch_settle(), which follows the end of every operation. */
static void on_worker_ended(void *ctx)
{
	(void)ctx;
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

	if (worker_start(guest->watch->workers, &job, &err) == 0)
		return;
	log_error("CT %u: %s", guest->ctid, err.text);
	look_in(guest, 1);
}

static void begin_pause(struct guest *guest)
{
	cleanup_free char *last = guest->console ? console_last_line(guest->console) : NULL;

	log_warn("CT %u reboots within seconds of its start; it is started again in %u s%s%s", guest->ctid,
		 guest->pause, last ? "; last on its console: " : "", last ? last : "");
	guest->paused = true;
	look_in(guest, guest->pause);
}

static void end_pause(struct guest *guest)
{
	guest->paused = false;
	guest->reboot = false;
	run(guest, "start", run_start);
}

/* ---- what a VE is, and what that calls for ---- */

static enum ve_state state_of(const struct watch *watch, uint32_t ctid)
{
	struct err ignored = {0};
	cleanup_ve struct ve ve = {0};
	return ve_load(watch->host, ctid, &ve, &ignored) < 0 ? VE_ABSENT : ve_state(&ve);
}

/* It runs and nobody has told us: we were not there, or the worker died before it could. */
static void adopt(struct guest *guest)
{
	struct err err = {0};
	cleanup_state struct state state = {0};

	int pidfd = state_load(guest->ctid, &state, &err) < 0 ? -1 : state_pidfd(&state);
	if (pidfd < 0) {
		look_in(guest, 1);
		return;
	}
	watch_born(guest->watch, guest->ctid, pidfd, -1);
	guest->born = 0;
	if (guest->exit && !exits_is_child(guest->exit) &&
	    reboots_observe(&guest->watch->reboots, state.cgroup, &guest->observed, &err) < 0)
		log_warn("CT %u: a reboot from inside cannot be told from a halt: %s", guest->ctid, err.text);
}

static void take_down(struct guest *guest)
{
	if (guest->retry == 0)
		record_end(guest);
	guest->retry = longer(guest->retry, RETRY_MAX);
	run(guest, "reap", run_reap);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct guest *guest = userdata;
	(void)source;
	(void)usec;

	guest->timer = sd_event_source_disable_unref(guest->timer);
	if (guest->exit || worker_busy(guest->watch->workers, guest->ctid))
		return 0;

	enum ve_state state = state_of(guest->watch, guest->ctid);
	if (state == VE_RUNNING)
		adopt(guest);
	else if (state == VE_BROKEN)
		take_down(guest);
	else if (guest->paused && state != VE_ABSENT)
		end_pause(guest);
	else if (guest->reboot && guest->retry > 0 && guest->pause > 0 && state != VE_ABSENT)
		begin_pause(guest);
	else
		forget(guest);
	return 0;
}

/* Where it cannot be known, a reboot is asked for far more often than a halt, and costs more when it is missed. */
static bool asked_for_reboot(const struct guest *guest)
{
	if (guest->ending.code != 0)
		return killed_by(&guest->ending, SIGHUP);
	return guest->observed == 0 || reboots_noted(&guest->watch->reboots, guest->observed);
}

static void on_exit_of(void *ctx, const struct ending *ending)
{
	struct guest *guest = ctx;
	bool short_life = guest->born > 0 && now_usec() - guest->born < SHORT_LIFE;

	exits_forget(guest->exit);
	guest->exit = NULL;
	guest->ending = *ending;
	guest->reboot = asked_for_reboot(guest);
	guest->pause = guest->reboot && short_life ? longer(guest->pause, PAUSE_MAX) : 0;
	guest->retry = 0;
	look_in(guest, 0);
}

void watch_born(struct watch *watch, uint32_t ctid, int pidfd, int console)
{
	struct guest *guest = find_or_add(watch, ctid);
	struct err err = {0};

	exits_forget(guest->exit);
	guest->exit = NULL;
	guest->timer = sd_event_source_disable_unref(guest->timer);
	guest->paused = guest->reboot = false;
	guest->observed = 0;
	guest->born = now_usec();
	if (exits_watch(watch->exits, pidfd, on_exit_of, guest, &guest->exit, &err) < 0)
		log_error("CT %u: %s", ctid, err.text);
	if (console < 0)
		return;

	stop_observing(watch);
	drop_console(guest);
	console_store(ctid, console);
	watch_console(watch, ctid, console);
}

void watch_console(struct watch *watch, uint32_t ctid, int fd)
{
	struct guest *guest = find_or_add(watch, ctid);
	struct err err = {0};

	if (guest->console) {
		fd_close(fd);
		return;
	}
	if (console_open(watch->event, fd, &guest->console, &err) < 0)
		log_warn("CT %u: %s", ctid, err.text);
}

void watch_settle(struct watch *watch, uint32_t ctid)
{
	struct guest *guest = find(watch, ctid);

	if (!guest) {
		enum ve_state state = state_of(watch, ctid);
		if (state != VE_RUNNING && state != VE_BROKEN)
			return;
		guest = find_or_add(watch, ctid);
	}
	if (guest->exit || worker_busy(watch->workers, ctid))
		return;
	/* One that waits for its next start goes on waiting: an operation that starts or destroys it ends that. */
	if (!guest->paused && !guest->timer)
		look_in(guest, guest->retry);
}

void watch_all(struct watch *watch)
{
	cleanup_free uint32_t *ctids = NULL;
	struct err err = {0};
	size_t n = 0;

	if (ve_all(&ctids, &n, &err) < 0)
		log_error("cannot look for running VEs: %s", err.text);
	for (size_t i = 0; i < n; i++)
		watch_settle(watch, ctids[i]);
	/* What is kept for a VE that is no more goes. */
	for (struct guest *guest = watch->first; guest; guest = guest->next)
		if (!guest->exit && !guest->timer)
			look_in(guest, 0);
}
