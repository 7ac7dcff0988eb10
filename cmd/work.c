/* A worker keeps nothing of vzd but its memory: not the event loop, not its sockets. It finishes also when vzd dies;
 * what it says then is lost, and that is no failure. */
#include "cmd/work.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/message.h"
#include "runtime/base/mem.h"
#include "runtime/host.h"

static void tell(struct work *work, enum message_kind kind, int percent, const char *text)
{
	struct message message = MESSAGE_NONE;
	message.kind = kind;
	message.percent = percent;
	message.text = (char *)(uintptr_t)(text ? text : "");
	message_send(work->channel, &message);
}

static void on_say(void *ctx, const char *text)
{
	tell(ctx, MESSAGE_SAY, 0, text);
}

static void on_warn(void *ctx, const char *text)
{
	tell(ctx, MESSAGE_WARN, 0, text);
}

static void on_progress(void *ctx, int percent, const char *text)
{
	tell(ctx, MESSAGE_PROGRESS, percent, text);
}

static void on_born(void *ctx, uint32_t ctid, int pidfd, int console)
{
	struct work *work = ctx;
	struct message message = MESSAGE_NONE;

	message.kind = MESSAGE_BORN;
	message.ctid = ctid;
	message.fds[0] = pidfd;
	message.fds[1] = console;
	message_send(work->channel, &message);
	fd_close(pidfd);
	fd_close(console);
}

void work_about(struct work *work, uint32_t ctid)
{
	struct message message = MESSAGE_NONE;
	message.kind = MESSAGE_VE;
	message.ctid = ctid;
	message_send(work->channel, &message);
}

static int send_json(struct work *work, enum message_kind kind, const char *json)
{
	struct message message = MESSAGE_NONE;
	message.kind = kind;
	message.text = (char *)(uintptr_t)json;

	int r = message_send(work->channel, &message);
	if (r == -EMSGSIZE)
		return err_say(work->op.err, ERR_SYSTEM, "the answer is too long: %zu bytes", strlen(json));
	return 0;
}

int work_answer(struct work *work, const char *json)
{
	return send_json(work, MESSAGE_ANSWER, json);
}

int work_done(struct work *work, const char *json)
{
	return send_json(work, MESSAGE_DONE, json);
}

static void tell_outcome(struct work *work, int r)
{
	struct message message = MESSAGE_NONE;
	message.kind = r < 0 ? MESSAGE_FAILED : MESSAGE_DONE;
	message.err = *work->op.err;
	if (r < 0)
		err_set(&message.err, -r, "the operation failed"); /* unless the reason is known */
	message_send(work->channel, &message);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close all but `keep`, which is sorted for that. */
static void close_others(int *keep, size_t n)
{
	int from = 0;

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > from)
			close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		if (keep[i] >= from)
			from = keep[i] + 1;
	}
	close_range((unsigned)from, ~0u, 0);
}

static void keep_only(const struct host *host, const struct job *job, int channel)
{
	const struct guard *guard = &host->guard;
	const int own[] = {
		0,
		1,
		2,
		channel,
		host->pool,
		host->template_dir,
		host->layers,
		guard->devices,
		guard->devices_tun,
		guard->autoload,
		guard->sysctl,
		guard->netlink.program,
		guard->netlink.storage,
	};
	cleanup_free int *keep = mem_zero(countof(own) + job->n_fds, sizeof(*keep));

	memcpy(keep, own, sizeof(own));
	if (job->n_fds > 0)
		memcpy(keep + countof(own), job->fds, job->n_fds * sizeof(*keep));
	close_others(keep, countof(own) + job->n_fds);
}

/* vzd reads some signals as events and ignores SIGPIPE: both would be inherited. All others it has set to their
 * defaults. */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void work_run(const struct host *host, const struct job *job, int channel)
{
	struct err err = {0};
	struct work work = {.channel = channel};
	const struct op_listener listener = {
		.say = on_say,
		.warn = on_warn,
		.progress = on_progress,
		.born = on_born,
		.ctx = &work,
	};
	char name[16];

	/* A ctrl-C at the terminal of a vzd in the foreground is not for us. */
	setsid();
	reset_signals();
	snprintf(name, sizeof(name), "vzd: %s", job->verb);
	prctl(PR_SET_NAME, name);
	keep_only(host, job, channel);

	work.op = (struct op){.host = host, .listener = &listener, .verb = job->verb, .err = &err};
	tell_outcome(&work, job->run(&work, job->ctx));
	_exit(0);
}
