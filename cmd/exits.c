#include "cmd/exits.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
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
	exits_ended_t *ended;
	void *ctx;
};

static const struct exit_watch *find(const struct exits *exits, pid_t pid)
{
	for (const struct exit_watch *watch = exits->first; watch; watch = watch->next)
		if (watch->pid == pid)
			return watch;
	return NULL;
}

/* Wait for the children that nobody watches. One that is watched is left to its own event, and hides those behind it
 * until then. */
static void reap(struct exits *exits)
{
	siginfo_t child = {0};

	while (exits->expected == 0 && waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid) {
		if (find(exits, child.si_pid))
			break;
		waitid(P_PID, (id_t)child.si_pid, &child, WEXITED | WNOHANG);
		child = (siginfo_t){0};
	}
}

static int on_sigchld(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	reap(userdata);
	return 0;
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct exit_watch *watch = userdata;
	struct ending ending = {0};
	siginfo_t info = {0};
	(void)source;
	(void)revents;

	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0)
		ending = (struct ending){.code = info.si_code, .status = info.si_status};
	sd_event_source_set_enabled(watch->source, SD_EVENT_OFF);
	struct exits *exits = watch->exits;
	watch->ended(watch->ctx, &ending);
	reap(exits);
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
	const char *pid = str_field(text, "Pid");
	return *pid ? (pid_t)atoi(pid) : -1;
}

int exits_watch(struct exits *exits, int pidfd, exits_ended_t *ended, void *ctx, struct exit_watch **ret,
		struct err *err)
{
	struct exit_watch *watch = mem_zero(1, sizeof(*watch));

	*watch = (struct exit_watch){.exits = exits, .pidfd = pidfd, .ended = ended, .ctx = ctx};
	watch->pid = pid_of(pidfd);

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
	free(watch);
}

bool exits_is_child(const struct exit_watch *watch)
{
	siginfo_t info;
	return waitid(P_PIDFD, (id_t)watch->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void exits_expect(struct exits *exits)
{
	exits->expected++;
}

void exits_expected(struct exits *exits)
{
	exits->expected--;
}
