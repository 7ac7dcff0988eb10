#include "runtime/enter.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/child.h"
#include "runtime/entry.h"
#include "runtime/host.h"
#include "runtime/op.h"
#include "runtime/pty.h"
#include "runtime/state.h"
#include "runtime/ve.h"

/* Shells in the order of preference, as vzctl tries them. */
static const char *const shells[] = {"/bin/bash", "/bin/sh"};

/* What the command's process says to the worker right before it execs: all is done (the master of its terminal comes
 * with it), or why not. */
struct entered {
	struct err err;
};

void session_done(struct session *session)
{
	session->pidfd = fd_close(session->pidfd);
	session->tty = fd_close(session->tty);
	free(session->cgroup);
	session->cgroup = NULL;
}

static int take_stdio(const struct exec_request *request, int tty, struct err *err)
{
	if (setsid() < 0)
		return err_set(err, errno, "start a session");
	for (int i = 0; i < 3; i++)
		if (dup2(request->tty ? tty : request->stdio[i], i) < 0)
			return err_set(err, errno, "set up descriptor %d of the command", i);
	if (request->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return err_set(err, errno, "take the terminal");
	return 0;
}

static void exec_shell(const struct exec_request *request, char *const environment[])
{
	cleanup_text struct text command = {0};
	for (const char *const *word = request->argv; *word; word++)
		text_add(&command, "%s%s", word == request->argv ? "" : " ", *word);

	for (size_t i = 0; i < countof(shells); i++) {
		cleanup_free char *login = str_fmt("-%s", strrchr(shells[i], '/') + 1);
		char *run[] = {(char *)(uintptr_t)shells[i], "-c", command.s, NULL};
		char *enter[] = {login, NULL};
		execve(shells[i], command.s ? run : enter, environment);
	}
}

static void exec_command(const struct exec_request *request)
{
	cleanup_free char *term = str_fmt("TERM=%s", request->term ? request->term : "linux");
	char *environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
		"USER=root",
		"LOGNAME=root",
		"container=openve",
		term,
		NULL,
	};

	if (request->shell) {
		exec_shell(request, environment);
		return;
	}
	/* execvpe would look through the PATH of vzd. */
	environ = environment;
	execvp(request->argv[0], (char *const *)(uintptr_t)request->argv);
}

static int prepare_command(const struct exec_request *request, const struct seccomp *seccomp, int ve, int *ret_master,
			   struct err *err)
{
	cleanup_fd int master = -1, slave = -1;

	int r = entry_join(ve, err);
	if (r == 0 && request->tty)
		r = pty_open(&request->size, &master, &slave, err);
	if (r < 0 || (r = take_stdio(request, slave, err)) < 0 || (r = child_confine(seccomp, err)) < 0)
		return r;
	*ret_master = steal_fd(&master);
	return 0;
}

/* In the command's own process. One that cannot be run ends as a shell says it: 127, or 126. */
static _Noreturn void become_command(const struct exec_request *request, const struct seccomp *seccomp, int ve,
				     int sync)
{
	struct entered entered = {0};
	int master = -1;

	int r = prepare_command(request, seccomp, ve, &master, &entered.err);
	/* A worker that is no more has told its caller that there is no command. */
	if (io_send(sync, &entered, sizeof(entered), &master, master >= 0 ? 1 : 0) < 0 || r < 0)
		_exit(126);
	exec_command(request);
	int code = errno == ENOENT ? 127 : 126;
	dprintf(2, "%s: %s\n", request->shell ? shells[1] : request->argv[0], strerror(errno));
	_exit(code);
}

static int receive(int sync, struct session *session, struct err *err)
{
	struct entered entered;
	int fds[IO_MAX_FDS];
	size_t n_fds = 0;

	struct pollfd ready = {.fd = sync, .events = POLLIN};
	if (poll(&ready, 1, ENTRY_TIMEOUT_MS) == 0)
		return err_say(err, ERR_TIMEOUT, "the process that entered the VE was stopped there");
	ssize_t n = io_recv(sync, &entered, sizeof(entered), fds, &n_fds);
	if (n != sizeof(entered))
		return err_say(err, ERR_SYSTEM, "the process that was to enter the VE died");
	if (entered.err.kind != ERR_NONE) {
		*err = entered.err;
		return -EIO;
	}
	session->tty = n_fds == 1 ? fds[0] : -1;
	return 0;
}

static int start(struct op *op, int ve, const struct exec_request *request, uint32_t granted, struct session *session)
{
	const struct seccomp seccomp = {&op->host->seccomp, granted};
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(op->err, errno, "make a socket pair");

	/* As vzd's child, who waits for it. */
	int pid = entry_clone(ve, session->cgroup, CLONE_PARENT, &session->pidfd, op->err);
	if (pid == 0)
		become_command(request, &seccomp, ve, ends[1]);
	close(ends[1]);
	int r = pid < 0 ? pid : receive(ends[0], session, op->err);
	close(ends[0]);
	return r;
}

int enter_exec(struct op *op, uint32_t ctid, const struct exec_request *request, struct session *ret)
{
	cleanup_state struct state state = {0};
	struct session session = {.pidfd = -1, .tty = -1};

	int r = state_load(ctid, &state, op->err);
	if (r < 0 && r != -ENOENT)
		return r;
	cleanup_fd int ve = r < 0 ? -1 : state_pidfd(&state);
	if (ve < 0 && !ve_configured(ctid))
		return err_say(op->err, ERR_NO_SUCH_VE, "Container config file does not exist");
	if (ve < 0)
		return err_say(op->err, ERR_NOT_RUNNING, "Container is not running");
	if (state.frozen)
		return err_say(op->err, ERR_WRONG_STATE, "the container is frozen; let it go on by suspend --resume");

	r = entry_group(state.cgroup, &session.cgroup, op->err);
	if (r == 0)
		r = start(op, ve, request, state.granted, &session);
	if (r < 0) {
		entry_clear(session.cgroup);
		session_done(&session);
		return r;
	}
	*ret = session;
	return 0;
}
