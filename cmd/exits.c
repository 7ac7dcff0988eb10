/* The end of one that is not our child can only be read from its zombie, in the moment before its parent takes that away.
 * Nothing else tells a reboot from a halt: the proc connector and taskstats report what the process itself ended with, and the
 * kernel puts the pid namespace's verdict (reboot(2)) only into what the parent will read. */
#include "cmd/exits.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

struct exit_watch {
	struct exits *exits;
	struct exit_watch *next;
	sd_event_source *source;
	pid_t pid;
	int pidfd;
	int stat; /* its /proc/PID/stat, open; -1 for a child of ours */
	exits_ended_t *ended;
	void *ctx;
};

/* Fields of proc_pid_stat(5), counted from the third, the first after the name. */
enum { STAT_NUM_THREADS = 20 - 3, STAT_EXIT_CODE = 52 - 3, STAT_FIELDS };

static bool parse_stat(const char *text, long ret[STAT_FIELDS])
{
	const char *p = strrchr(text, ')');
	if (!p)
		return false;
	for (int i = 0; i < STAT_FIELDS; i++) {
		p = strchr(p, ' ');
		if (!p)
			return false;
		ret[i] = strtol(++p, NULL, 10);
	}
	return true;
}

/* A zombie that its parent is just taking away has no threads any more, and its exit code reads as 0. */
static struct ending read_zombie(int stat)
{
	char text[1024];
	long fields[STAT_FIELDS];

	ssize_t n = stat < 0 ? -1 : pread(stat, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return (struct ending){0};
	text[n] = '\0';
	if (!parse_stat(text, fields) || fields[STAT_NUM_THREADS] == 0)
		return (struct ending){0};

	int status = (int)fields[STAT_EXIT_CODE];
	if (WIFEXITED(status))
		return (struct ending){.code = CLD_EXITED, .status = WEXITSTATUS(status)};
	return (struct ending){.code = CLD_KILLED, .status = WTERMSIG(status)};
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct exit_watch *watch = userdata;
	struct ending ending;
	siginfo_t info = {0};
	(void)source;
	(void)revents;

	if (watch->stat >= 0)
		ending = read_zombie(watch->stat);
	else if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0)
		ending = (struct ending){.code = info.si_code, .status = info.si_status};
	else
		ending = (struct ending){0};

	sd_event_source_set_enabled(watch->source, SD_EVENT_OFF);
	watch->ended(watch->ctx, &ending);
	return 0;
}

static const struct exit_watch *find(const struct exits *exits, pid_t pid)
{
	for (const struct exit_watch *watch = exits->first; watch; watch = watch->next)
		if (watch->pid == pid)
			return watch;
	return NULL;
}

/* Wait for the children that nobody watches. One that is watched is left to its own event. */
static int on_sigchld(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct exits *exits = userdata;
	siginfo_t child = {0};
	(void)source;
	(void)info;

	while (exits->expected == 0 && waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid) {
		if (find(exits, child.si_pid))
			break;
		waitid(P_PID, (id_t)child.si_pid, &child, WEXITED | WNOHANG);
		child = (siginfo_t){0};
	}
	return 0;
}

int exits_open(struct exits *exits, sd_event *event, struct err *err)
{
	*exits = (struct exits){.event = event};
	int r = sd_event_add_signal(event, &exits->sigchld, SIGCHLD | SD_EVENT_SIGNAL_PROCMASK, on_sigchld, exits);
	if (r >= 0)
		r = sd_event_source_set_priority(exits->sigchld, SD_EVENT_PRIORITY_IDLE);
	return r < 0 ? err_set(err, -r, "watch for children that end") : 0;
}

void exits_close(struct exits *exits)
{
	while (exits->first)
		exits_forget(exits->first);
	exits->sigchld = sd_event_source_disable_unref(exits->sigchld);
}

/* pidfds tell it in /proc/self/fdinfo (pidfd_open(2)); -1 there is a process that was waited for. */
static pid_t pid_of(int pidfd)
{
	cleanup_free char *path = str_fmt("/proc/self/fdinfo/%d", pidfd);
	cleanup_free char *text = NULL;

	if (io_read_file(AT_FDCWD, path, &text, NULL) < 0)
		return -1;
	const char *line = strstr(text, "\nPid:");
	return line ? (pid_t)strtol(line + strlen("\nPid:"), NULL, 10) : -1;
}

static bool is_child(int pidfd)
{
	siginfo_t info;
	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int open_stat(pid_t pid)
{
	cleanup_free char *path = str_fmt("/proc/%d/stat", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int exits_watch(struct exits *exits, int pidfd, exits_ended_t *ended, void *ctx, struct exit_watch **ret, struct err *err)
{
	struct exit_watch *watch = mem_zero(1, sizeof(*watch));

	*watch = (struct exit_watch){.exits = exits, .pidfd = pidfd, .stat = -1, .ended = ended, .ctx = ctx};
	watch->pid = pid_of(pidfd);
	if (!is_child(pidfd))
		watch->stat = open_stat(watch->pid);

	int r = sd_event_add_io(exits->event, &watch->source, pidfd, EPOLLIN, on_pidfd, watch);
	if (r >= 0)
		r = sd_event_source_set_priority(watch->source, SD_EVENT_PRIORITY_IMPORTANT);
	watch->next = exits->first;
	exits->first = watch;
	if (r < 0) {
		exits_forget(watch);
		return err_set(err, -r, "watch process %d", watch->pid);
	}
	*ret = watch;
	return 0;
}

void exits_forget(struct exit_watch *watch)
{
	if (!watch)
		return;
	for (struct exit_watch **link = &watch->exits->first; *link; link = &(*link)->next) {
		if (*link == watch) {
			*link = watch->next;
			break;
		}
	}
	sd_event_source_disable_unref(watch->source);
	fd_close(watch->pidfd);
	fd_close(watch->stat);
	free(watch);
}

void exits_expect(struct exits *exits)
{
	exits->expected++;
}

void exits_expected(struct exits *exits)
{
	exits->expected--;
}
