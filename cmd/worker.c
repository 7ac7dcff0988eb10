/* What a worker says and how it ends arrive as two event sources: the channel's end alone does not tell how, and the
 * end of the process alone may come before its last words are read. */
#include "cmd/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exits.h"
#include "cmd/message.h"
#include "cmd/work.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

struct worker {
	struct workers *workers;
	struct worker *next;
	struct exit_watch *exit;
	sd_event_source *source;
	int channel;
	struct job job;
	uint32_t ctid;
	bool expected; /* a child of it may still come */
	bool told;     /* its outcome has been heard */
};

static void stop_expecting(struct worker *worker)
{
	if (worker->expected)
		exits_expected(worker->workers->exits);
	worker->expected = false;
}

static void born(struct worker *worker, struct message *message)
{
	const struct workers_listener *listener = worker->workers->listener;

	listener->born(listener->ctx, message->ctid, steal_fd(&message->fds[0]), steal_fd(&message->fds[1]));
	stop_expecting(worker);
}

/* What a verb said as its outcome is the outcome; the plain one that follows it is not heard. */
static void heard(struct worker *worker, struct message *message)
{
	bool outcome = message->kind == MESSAGE_DONE || message->kind == MESSAGE_FAILED;

	if (message->kind == MESSAGE_VE)
		worker->ctid = message->ctid;
	if (worker->told)
		return;
	worker->told = outcome;
	worker->job.hear(worker->job.ctx, message);
	if (message->kind == MESSAGE_COMMAND)
		stop_expecting(worker);
}

/* 1: heard one; 0: there is none now, or never again. */
static int hear_one(struct worker *worker)
{
	cleanup_message struct message message = {.fds = {-1, -1}};

	int r = message_receive(worker->channel, &message);
	if (r <= 0) {
		if (r != -EAGAIN)
			sd_event_source_set_enabled(worker->source, SD_EVENT_OFF);
		return 0;
	}
	if (message.kind == MESSAGE_BORN)
		born(worker, &message);
	else
		heard(worker, &message);
	return 1;
}

static int on_channel(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	hear_one(userdata);
	return 0;
}

/* A worker that ended without a word about it was cut short. */
static void tell_interrupted(struct worker *worker, const struct ending *ending)
{
	struct message message = MESSAGE_NONE;
	cleanup_free char *about = worker->ctid ? str_fmt(" %u", worker->ctid) : mem_strdup("");

	message.kind = MESSAGE_FAILED;
	if (ending->code == CLD_EXITED)
		err_say(&message.err, ERR_INTERRUPTED,
			"the worker of \"%s%s\" ended with exit code %d before its work was done", worker->job.verb,
			about, ending->status);
	else
		err_say(&message.err, ERR_INTERRUPTED, "the worker of \"%s%s\" was killed by signal %d (%s)",
			worker->job.verb, about, ending->status, strsignal(ending->status));
	worker->job.hear(worker->job.ctx, &message);
}

static void unlink_worker(struct worker *worker)
{
	struct workers *workers = worker->workers;

	for (struct worker **link = &workers->first; *link; link = &(*link)->next) {
		if (*link == worker) {
			*link = worker->next;
			workers->n--;
			return;
		}
	}
}

static void worker_free(struct worker *worker)
{
	stop_expecting(worker);
	exits_forget(worker->exit);
	sd_event_source_disable_unref(worker->source);
	fd_close(worker->channel);
	free(worker);
}

/* What it said before it ended is still in the channel. */
static void on_ended(void *ctx, const struct ending *ending)
{
	struct worker *worker = ctx;
	struct workers *workers = worker->workers;
	const struct workers_listener *listener = workers->listener;
	const char *verb = worker->job.verb;
	bool cut_short;
	uint32_t ctid;

	while (hear_one(worker) > 0)
		;
	cut_short = !worker->told;
	if (cut_short)
		tell_interrupted(worker, ending);

	ctid = worker->ctid;
	unlink_worker(worker);
	worker->job.ended(worker->job.ctx);
	worker_free(worker);

	if (ctid)
		listener->settle(listener->ctx, ctid);
	if (cut_short)
		listener->cut_short(listener->ctx, verb);
	if (workers->n == 0)
		listener->idle(listener->ctx);
}

static int watch_worker(struct worker *worker, pid_t pid, struct err *err)
{
	struct workers *workers = worker->workers;

	int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return err_set(err, errno, "open a pidfd of the worker");
	int r = exits_watch(workers->exits, pidfd, on_ended, worker, &worker->exit, err);
	if (r < 0)
		return r;

	r = sd_event_add_io(workers->event, &worker->source, worker->channel, EPOLLIN, on_channel, worker);
	if (r >= 0) /* before the ends of VEs that it tells of are acted upon */
		r = sd_event_source_set_priority(worker->source, SD_EVENT_PRIORITY_IMPORTANT + 1);
	return r < 0 ? err_set(err, -r, "watch the worker") : 0;
}

static int spawn(struct worker *worker, int channel, struct err *err)
{
	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, errno, "make a process for \"%s\"", worker->job.verb);
	if (pid == 0)
		work_run(worker->workers->host, &worker->job, channel);

	int r = watch_worker(worker, pid, err);
	if (r < 0)
		kill(pid, SIGKILL);
	return r;
}

int worker_start(struct workers *workers, const struct job *job, struct err *err)
{
	int ends[2];

	if (workers->n >= WORKERS_MAX)
		return err_say(err, ERR_NO_RESOURCE, "too many operations at once (%u); try again later", WORKERS_MAX);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a channel to the worker");
	cleanup_fd int theirs = ends[1];

	struct worker *worker = mem_zero(1, sizeof(*worker));
	*worker = (struct worker){.workers = workers, .channel = ends[0], .job = *job, .ctid = job->ctid};
	if (job->spawns) {
		worker->expected = true;
		exits_expect(workers->exits);
	}

	int r = fcntl(worker->channel, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? err_set(err, errno, "set up the channel")
									 : 0;
	if (r == 0)
		r = spawn(worker, theirs, err);
	if (r < 0) {
		worker_free(worker);
		return r;
	}
	worker->next = workers->first;
	workers->first = worker;
	workers->n++;
	return 0;
}

bool worker_busy(const struct workers *workers, uint32_t ctid)
{
	for (const struct worker *worker = workers->first; worker; worker = worker->next)
		if (worker->ctid == ctid)
			return true;
	return false;
}
