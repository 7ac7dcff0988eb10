/* The side that holds: a supervisor, parent of one process for each kind. A process waits for signals and answers
 * through one pipe; the supervisor writes the answers down as files DIR/NAME.ANSWER. So a
 * process that has given up its ids, its root or its mount namespace can still answer, and one that died has one who
 * says so. */
#include "tests/objects/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_KINDS 256
#define POLL_MS 200 /* how long a dead process can go unnoticed */

struct message {
	unsigned kind; /* index of */
	enum answer answer;
	char reason[256];
};
_Static_assert(sizeof(struct message) <= PIPE_BUF, "a message is written in one piece");

struct supervisor {
	const char *where;
	int answers[2];	       /* a pipe of struct message */
	pid_t pids[MAX_KINDS]; /* 0: not asked for, or gone */
	bool answered[MAX_KINDS];
	unsigned waiting; /* processes that have not answered yet */
};

static bool write_file(const char *name, const char *ending, const char *text)
{
	char path[128], fresh[128];

	snprintf(path, sizeof(path), "%s.%s", name, ending);
	snprintf(fresh, sizeof(fresh), ".%s.%s", name, ending);
	FILE *file = fopen(fresh, "we");
	if (!file)
		return false;
	fprintf(file, "%s\n", text);
	return fclose(file) == 0 && rename(fresh, path) == 0;
}

static void answer(const struct supervisor *supervisor, unsigned kind, enum answer answer, const char *reason)
{
	struct message message = {.kind = kind, .answer = answer};

	snprintf(message.reason, sizeof(message.reason), "%s", reason);
	while (write(supervisor->answers[1], &message, sizeof(message)) < 0 && errno == EINTR)
		continue;
}

/* A restored process may see its wait interrupted, and then waits again. */
static int next_signal(const sigset_t *signals)
{
	int signal;

	do
		signal = sigwaitinfo(signals, NULL);
	while (signal < 0);
	return signal;
}

static void check(const struct supervisor *supervisor, unsigned index, struct held *held)
{
	held->reason[0] = 0;
	errno = 0;
	if (kind_at(index)->check(held))
		answer(supervisor, index, OK, "");
	else
		answer(supervisor, index, BAD, held->reason[0] ? held->reason : "no reason was given");
}

static void spoil(const struct supervisor *supervisor, unsigned index, struct held *held)
{
	const struct kind *kind = kind_at(index);

	held->reason[0] = 0;
	if (!kind->spoil)
		answer(supervisor, index, SKIPPED, "only the kernel could damage it");
	else if (kind->spoil(held))
		answer(supervisor, index, SPOILED, "");
	else
		answer(supervisor, index, BAD, held->reason[0] ? held->reason : strerror(errno));
}

static void serve(const struct supervisor *supervisor, unsigned index, const sigset_t *signals)
{
	struct held held = {.where = supervisor->where, .fd = {-1, -1, -1, -1}};

	bool ready = kind_at(index)->prepare(&held);
	enum answer outcome = ready ? READY : held.skipped ? SKIPPED : BAD;
	char reason[sizeof(held.reason)];
	memcpy(reason, held.reason, sizeof(reason));
	answer(supervisor, index, outcome, reason);

	for (;;) {
		int signal = next_signal(signals);
		if (!ready)
			answer(supervisor, index, outcome, reason);
		else if (signal == SIGUSR1)
			check(supervisor, index, &held);
		else
			spoil(supervisor, index, &held);
	}
}

static void start(struct supervisor *supervisor, unsigned index)
{
	char number[16];
	sigset_t signals;

	/* Blocked before there is a process: none can be asked before it listens. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		close(supervisor->answers[0]);
		serve(supervisor, index, &signals);
	}
	sigprocmask(SIG_UNBLOCK, &signals, NULL);

	supervisor->pids[index] = pid > 0 ? pid : 0;
	supervisor->waiting++;
	snprintf(number, sizeof(number), "%d", pid);
	write_file(kind_at(index)->name, "pid", number);
	if (pid < 0)
		answer(supervisor, index, BAD, strerror(errno));
}

/* The first answer of each process tells that it is ready, or will never be. */
static void note(struct supervisor *supervisor, const struct message *message)
{
	const char *name = kind_at(message->kind)->name;

	write_file(name, answer_ending(message->answer), message->reason);
	if (supervisor->answered[message->kind])
		return;
	supervisor->answered[message->kind] = true;
	write_file(name, "ready", message->reason);
	if (--supervisor->waiting == 0)
		write_file("all", "ready", "");
}

static void bury(struct supervisor *supervisor, pid_t pid, int status)
{
	for (unsigned i = 0; i < MAX_KINDS; i++) {
		char reason[64];
		if (supervisor->pids[i] != pid)
			continue;
		supervisor->pids[i] = 0;
		snprintf(reason, sizeof(reason), WIFSIGNALED(status) ? "ended by signal %d" : "ended with status %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		answer(supervisor, i, DEAD, reason);
	}
}

static void supervise(struct supervisor *supervisor)
{
	struct pollfd answers = {.fd = supervisor->answers[0], .events = POLLIN};
	struct message message;
	int status;
	pid_t pid;

	for (;;) {
		if (poll(&answers, 1, POLL_MS) > 0 && read(answers.fd, &message, sizeof(message)) == sizeof(message))
			note(supervisor, &message);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			bury(supervisor, pid, status);
	}
}

static bool is_wanted(const char *name, char *names[])
{
	bool others = !names[0] || names[0][0] == '-';

	for (; *names; names++)
		if (strcmp(*names + (**names == '-'), name) == 0)
			return **names != '-';
	return others;
}

static bool exists(const char *name)
{
	const struct kind *kind;

	for (size_t i = 0; (kind = kind_at(i)); i++)
		if (strcmp(kind->name, name) == 0)
			return true;
	return false;
}

/* Nothing of whoever started us stays open: it might be on the other side of a wall. */
static bool leave_caller(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return false;
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	return close_range(3, ~0U, 0) == 0;
}

static void remove_file(const char *name, const char *ending)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.%s", name, ending);
	unlink(path);
}

/* What a run before has written down. */
static void forget_old(void)
{
	const struct kind *kind;

	remove_file("all", "ready");
	for (size_t i = 0; (kind = kind_at(i)); i++) {
		remove_file(kind->name, "pid");
		for (enum answer old = READY; old <= SPOILED; old++)
			remove_file(kind->name, answer_ending(old));
	}
}

int hold(const char *where, char *names[])
{
	struct supervisor supervisor = {0};
	char path[PATH_MAX];

	for (char **name = names; *name; name++)
		if (!exists(*name + (**name == '-'))) {
			fprintf(stderr, "objects: no kind is called %s\n", *name);
			return 2;
		}
	mkdir(where, 0755);
	if (!realpath(where, path) || chdir(path) < 0 || chmod(path, 01777) < 0) {
		fprintf(stderr, "objects: %s: %m\n", where);
		return 1;
	}
	/* The session of whoever started us may be gone when it is looked for. */
	setsid();
	if (!leave_caller() || pipe2(supervisor.answers, O_CLOEXEC) < 0)
		return 1;
	supervisor.where = path;

	forget_old();
	for (unsigned i = 0; i < MAX_KINDS && kind_at(i); i++)
		if (is_wanted(kind_at(i)->name, names))
			start(&supervisor, i);
	supervise(&supervisor);
	return 1;
}
