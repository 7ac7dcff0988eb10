#include "cmd/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/errors.h"
#include "cmd/log.h"
#include "cmd/message.h"
#include "cmd/plain.h"
#include "cmd/verb.h"
#include "cmd/verbs.h"
#include "cmd/work.h"
#include "cmd/worker.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"

#define CALL_FDS 3

struct call {
	struct calls *calls;
	struct call *next;
	const struct verb *verb;
	sd_varlink *link; /* NULL: nobody listens */
	bool more;	  /* it wants to hear how it goes */
	sd_json_variant *parameters;
	int fds[CALL_FDS]; /* what came with it */
	size_t n_fds;
	uid_t uid;
	uint32_t ctid;
	bool working;	   /* its worker lives */
	struct exec *exec; /* its command lives */
	bool over;	   /* its outcome is known */
};

static void close_fds(struct call *call)
{
	for (size_t i = 0; i < call->n_fds; i++)
		fd_close(call->fds[i]);
	call->n_fds = 0;
}

/* From here on the link is nobody's: what becomes of it is no hang-up of the caller. */
static sd_varlink *let_go(struct call *call)
{
	if (call->link)
		sd_varlink_set_userdata(call->link, NULL);
	return steal_ptr(call->link);
}

static void call_free(struct call *call)
{
	for (struct call **link = &call->calls->first; *link; link = &(*link)->next) {
		if (*link == call) {
			*link = call->next;
			break;
		}
	}
	sd_varlink_unref(let_go(call));
	close_fds(call);
	sd_json_variant_unref(call->parameters);
	free(call);
}

static void free_if_over(struct call *call)
{
	if (!call->working && !call->exec)
		call_free(call);
}

/* A caller that does not read what it is told, or is gone, is hung up on. */
static void check_sent(sd_varlink *link, int r)
{
	if (r < 0)
		sd_varlink_close(link);
}

/* ---- answers ---- */

static void notify_message(struct call *call, const char *text, bool warning)
{
	if (!call->link || !call->more)
		return;
	cleanup_free char *plain = plain_text(text);
	int r = sd_varlink_notifybo(
		call->link,
		SD_JSON_BUILD_PAIR("message", SD_JSON_BUILD_OBJECT(SD_JSON_BUILD_PAIR_STRING("text", plain),
								   SD_JSON_BUILD_PAIR_BOOLEAN("warning", warning))));
	check_sent(call->link, r);
}

static void notify_progress(struct call *call, int percent, const char *text)
{
	if (percent < 0) {
		notify_message(call, text, false);
		return;
	}
	if (call->link && call->more)
		check_sent(call->link, sd_varlink_notifybo(call->link, SD_JSON_BUILD_PAIR_INTEGER("percent", percent)));
}

static void send_json(sd_varlink *link, int (*send)(sd_varlink *link, sd_json_variant *parameters), const char *json)
{
	sd_json_variant *answer = NULL;

	int r = sd_json_parse(*json ? json : "{}", 0, &answer, NULL, NULL);
	if (r >= 0)
		r = send(link, answer);
	sd_json_variant_unref(answer);
	check_sent(link, r);
}

/* sd_varlink_error() returns the error it sent as a negative number, not whether it was sent. */
void call_refuse(sd_varlink *link, const struct err *err)
{
	cleanup_free char *reason = plain_text(err->text);
	const char *step = err->step[0] ? err->step : NULL;

	sd_varlink_errorbo(link, error_table[err->kind].name, SD_JSON_BUILD_PAIR_STRING("reason", reason),
			   SD_JSON_BUILD_PAIR_CONDITION(step != NULL, "step", SD_JSON_BUILD_STRING(step)),
			   SD_JSON_BUILD_PAIR_CONDITION(err->no > 0, "errno", SD_JSON_BUILD_INTEGER(err->no)));
}

static void record(const struct call *call, const char *text, int result)
{
	const struct log_record record = {
		.ctid = call->ctid,
		.verb = call->verb->name,
		.text = text,
		.uid = call->uid,
		.result = result,
	};
	if (call->verb->flags & VERB_RECORDED)
		log_operation(&call->calls->host->node, &record);
}

static void succeed(struct call *call, const char *json)
{
	sd_varlink *link = let_go(call);

	call->over = true;
	record(call, call->verb->done, 0);
	if (link)
		send_json(link, sd_varlink_reply, json);
	sd_varlink_unref(link);
}

static void fail(struct call *call, const struct err *err)
{
	sd_varlink *link = let_go(call);
	cleanup_free char *text = str_fmt("%s failed: %s", call->verb->name, err->text);

	call->over = true;
	record(call, text, error_table[err->kind].exit_code);
	if (link)
		call_refuse(link, err);
	sd_varlink_unref(link);
}

/* ---- a command of Exec ---- */

static void on_command_ended(void *ctx, int status)
{
	struct call *call = ctx;
	cleanup_free char *json = str_fmt("{\"status\":%d}", status);

	call->exec = NULL;
	succeed(call, json);
	free_if_over(call);
}

static int push_tty(struct call *call, int *tty)
{
	if (*tty < 0)
		return 0;
	int r = sd_varlink_push_fd(call->link, *tty);
	if (r >= 0)
		*tty = -1;
	return r;
}

static void announce_command(struct call *call, int *tty)
{
	int r = push_tty(call, tty);
	if (r >= 0)
		r = sd_varlink_notifybo(call->link, SD_JSON_BUILD_PAIR_BOOLEAN("started", true));
	check_sent(call->link, r);
}

static void abandon_command(struct call *call)
{
	exec_abandon(call->exec);
	call->exec = NULL;
	call->over = true;
	record(call, "command killed: its caller hung up", 0);
}

/* Without `more` a terminal cannot be handed over, and without one who listens nobody waits for the command. */
static void take_command(struct call *call, struct message *message)
{
	struct err err = {0};

	if (exec_watch(&call->calls->execs, steal_fd(&message->fds[0]), message->text, on_command_ended, call,
		       &call->exec, &err) < 0)
		fail(call, &err);
	else if (!call->link)
		abandon_command(call);
	else if (call->more)
		announce_command(call, &message->fds[1]);
	else if (message->fds[1] >= 0)
		sd_varlink_close(call->link);
}

/* ---- what the worker says ---- */

static void on_message(void *ctx, struct message *message)
{
	struct call *call = ctx;

	switch (message->kind) {
	case MESSAGE_VE:
		call->ctid = message->ctid;
		break;
	case MESSAGE_SAY:
		notify_message(call, message->text, false);
		break;
	case MESSAGE_WARN:
		notify_message(call, message->text, true);
		if (!call->link || !call->more)
			log_warn("%s: CT %u: %s", call->verb->name, call->ctid, message->text);
		break;
	case MESSAGE_PROGRESS:
		notify_progress(call, message->percent, message->text);
		break;
	case MESSAGE_ANSWER:
		if (call->link && call->more)
			send_json(call->link, sd_varlink_notify, message->text);
		break;
	case MESSAGE_COMMAND:
		take_command(call, message);
		break;
	case MESSAGE_DONE:
		if (!call->exec && !call->over)
			succeed(call, message->text);
		break;
	case MESSAGE_FAILED:
		if (!call->over)
			fail(call, &message->err);
		break;
	default:
		break;
	}
}

static void on_worker_ended(void *ctx)
{
	struct call *call = ctx;
	call->working = false;
	free_if_over(call);
}

static int run(struct work *work, void *ctx)
{
	const struct call *call = ctx;
	struct invocation invocation = {
		.work = work,
		.parameters = call->parameters,
		.fds = call->fds,
		.n_fds = call->n_fds,
		.more = call->more,
	};
	return verb_run(call->verb, &invocation);
}

/* ---- from the caller ---- */

static void take_fds(struct call *call, sd_varlink *link)
{
	while (call->n_fds < CALL_FDS) {
		int fd = sd_varlink_take_fd(link, call->n_fds);
		if (fd < 0)
			break;
		call->fds[call->n_fds++] = fd;
	}
}

static int start_worker(struct call *call, struct err *err)
{
	const struct job job = {
		.verb = call->verb->name,
		.spawns = call->verb->flags & VERB_SPAWNS,
		.fds = call->fds,
		.n_fds = call->n_fds,
		.run = run,
		.hear = on_message,
		.ended = on_worker_ended,
		.ctx = call,
	};

	int r = worker_start(call->calls->workers, &job, err);
	call->working = r == 0;
	/* The worker has its own copies, and the command sees the end of a pipe only when no other holds it. */
	close_fds(call);
	return r;
}

void call_begin(struct calls *calls, sd_varlink *link, const struct verb *verb, sd_json_variant *parameters,
		sd_varlink_method_flags_t flags, uid_t uid)
{
	struct call *call = mem_zero(1, sizeof(*call));
	struct err err = {0};

	*call = (struct call){
		.calls = calls,
		.next = calls->first,
		.verb = verb,
		.more = flags & SD_VARLINK_METHOD_MORE,
		.parameters = sd_json_variant_ref(parameters),
		.uid = uid,
	};
	calls->first = call;
	take_fds(call, link);
	if (!(flags & SD_VARLINK_METHOD_ONEWAY)) {
		call->link = sd_varlink_ref(link);
		sd_varlink_set_userdata(link, call);
	}
	if (start_worker(call, &err) < 0) {
		fail(call, &err);
		call_free(call);
	}
}

void call_hang_up(sd_varlink *link)
{
	struct call *call = sd_varlink_get_userdata(link);

	if (!call)
		return;
	sd_varlink_unref(let_go(call));
	if (call->exec)
		abandon_command(call);
	free_if_over(call);
}

void calls_close(struct calls *calls)
{
	while (calls->first) {
		struct call *call = calls->first;
		if (call->exec)
			abandon_command(call);
		call_free(call);
	}
	execs_close(&calls->execs);
}
