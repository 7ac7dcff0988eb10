/* The bytes never pass through vzd: the master of the command's pty, or the other ends of its pipes, are here. */
#include "cmd/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include "cmd/client.h"
#include "cmd/pump.h"
#include "cmd/streams.h"
#include "cmd/terminal.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

enum { POLL_CLIENT, POLL_SIGNALS, POLL_PUMPS, POLLS = POLL_PUMPS + 3 };

struct run {
	const struct session *session;
	struct client *client;
	struct err *err;
	struct streams streams; /* the pumps of a pty too; it has no ends to give away */
	struct terminal terminal;
	int master;  /* of the pty, -1 */
	int signals; /* signalfd; -1: signals do what they always do */
	bool started;
	int status; /* of the command; -1: not known yet */
};

static void resize(struct run *run)
{
	struct winsize size;

	if (run->master >= 0 && terminal_size(STDIN_FILENO, &size))
		ioctl(run->master, TIOCSWINSZ, &size);
}

/* Whatever ends vzctl must leave the terminal as it was. */
static int catch_signals(struct run *run)
{
	static const int caught[] = {SIGWINCH, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < countof(caught); i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signals < 0 ? err_set(run->err, errno, "watch for signals") : 0;
}

static int on_signal(struct run *run)
{
	struct signalfd_siginfo info;

	if (read(run->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	switch (info.ssi_signo) {
	case SIGCONT:
		resize(run);
		return terminal_raw(&run->terminal, STDIN_FILENO, run->err);
	case SIGWINCH:
		resize(run);
		return 0;
	default:
		run->status = 128 + (int)info.ssi_signo;
		return 0;
	}
}

/* The window may have changed since its size went along with the call. */
static int take_pty(struct run *run)
{
	run->master = client_take_fd(run->client);
	if (run->master < 0)
		return err_say(run->err, ERR_SYSTEM, "vzd gave the command no terminal; is it of another version?");
	if (fcntl(run->master, F_SETFL, O_NONBLOCK) < 0)
		return err_set(run->err, errno, "set up the command's terminal");

	struct pump *pumps = run->streams.pumps;
	pump_init(&pumps[0], STDIN_FILENO, run->master, -1);
	pump_init(&pumps[1], run->master, STDOUT_FILENO, -1);
	run->streams.n_pumps = 2;
	resize(run);
	return terminal_raw(&run->terminal, STDIN_FILENO, run->err);
}

static int on_started(struct run *run)
{
	run->started = true;
	if (run->session->entered) {
		puts(run->session->entered);
		fflush(stdout);
	}
	return run->session->tty ? take_pty(run) : 0;
}

static int on_answer(void *ctx, sd_json_variant *answer)
{
	struct run *run = ctx;
	sd_json_variant *status = sd_json_variant_by_key(answer, "status");

	if (status && sd_json_variant_is_integer(status))
		run->status = (int)sd_json_variant_integer(status);
	else if (sd_json_variant_boolean(sd_json_variant_by_key(answer, "started")))
		return on_started(run);
	return 0;
}

static int build(const struct session *session, sd_json_variant **ret)
{
	char **argv = (char **)(uintptr_t)session->argv;
	int r = sd_json_buildo(
		ret, SD_JSON_BUILD_PAIR_STRING("ve", session->ve), SD_JSON_BUILD_PAIR("argv", SD_JSON_BUILD_STRV(argv)),
		SD_JSON_BUILD_PAIR_BOOLEAN("shell", session->shell), SD_JSON_BUILD_PAIR_BOOLEAN("tty", session->tty));
	if (r < 0 || !session->tty)
		return r;

	struct winsize size;
	const char *term = getenv("TERM");
	if (terminal_size(STDIN_FILENO, &size)) {
		r = sd_json_variant_set_field_unsigned(ret, "rows", size.ws_row);
		if (r >= 0)
			r = sd_json_variant_set_field_unsigned(ret, "columns", size.ws_col);
	}
	return r >= 0 && term ? sd_json_variant_set_field_string(ret, "term", term) : r;
}

static int push_streams(struct run *run)
{
	int r = streams_open(&run->streams, run->err);

	for (size_t i = 0; r >= 0 && i < countof(run->streams.ends); i++)
		r = client_push_fd(run->client, steal_fd(&run->streams.ends[i]), run->err);
	return r;
}

/* The line that says where we are comes before anything that the command says. */
static int wait_and_move(struct run *run)
{
	struct streams *streams = &run->streams;
	size_t n_pumps = run->started ? streams->n_pumps : 0;
	struct pollfd fds[POLLS];

	fds[POLL_CLIENT] = (struct pollfd){.fd = client_fd(run->client), .events = client_events(run->client)};
	fds[POLL_SIGNALS] = (struct pollfd){.fd = run->signals, .events = POLLIN};
	for (size_t i = 0; i < n_pumps; i++)
		pump_poll(&streams->pumps[i], &fds[POLL_PUMPS + i]);

	if (poll(fds, POLL_PUMPS + n_pumps, -1) < 0)
		return errno == EINTR ? 0 : err_set(run->err, errno, "wait for the command");
	for (size_t i = 0; i < n_pumps; i++)
		if (fds[POLL_PUMPS + i].revents)
			pump_move(&streams->pumps[i]);
	return fds[POLL_SIGNALS].revents ? on_signal(run) : 0;
}

/* A command that has ended has written all it ever will: what the kernel holds of it is its last output. */
static void drain(struct run *run)
{
	for (size_t i = 0; i < run->streams.n_pumps; i++)
		if (run->streams.pumps[i].from != STDIN_FILENO)
			pump_drain(&run->streams.pumps[i]);
}

static int call(struct run *run, sd_json_variant *parameters)
{
	int r = run->session->tty ? catch_signals(run) : push_streams(run);
	if (r < 0)
		return r;

	r = client_begin(run->client, "Exec", parameters, on_answer, run, run->err);
	while (r >= 0 && run->status < 0 && (r = client_process(run->client)) > 0)
		r = wait_and_move(run);
	if (r < 0)
		return r;
	drain(run);
	if (run->status < 0)
		return err_say(run->err, ERR_SYSTEM,
			       "vzd did not tell the command's exit status; is it of another version?");
	return run->status;
}

int session_run(const struct session *session, struct client *client, struct err *err)
{
	struct run run = {
		.session = session,
		.client = client,
		.err = err,
		.streams = {.ends = {-1, -1, -1}},
		.master = -1,
		.signals = -1,
		.status = -1,
	};
	cleanup_json sd_json_variant *parameters = NULL;

	int r = build(session, &parameters);
	if (r < 0)
		return client_bad_json(err, r);

	/* A reader who has gone is noticed by the write that fails. */
	signal(SIGPIPE, SIG_IGN);
	r = call(&run, parameters);
	terminal_restore(&run.terminal);
	streams_done(&run.streams);
	fd_close(run.master);
	fd_close(run.signals);
	return r;
}
