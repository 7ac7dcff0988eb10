/* The daemon: puts the parts together, in the order in which a node comes up, and takes them apart again. VEs outlive
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cmd/chores.h"
#include "cmd/console.h"
#include "cmd/exits.h"
#include "cmd/keeper.h"
#include "cmd/log.h"
#include "cmd/sealed.h"
#include "cmd/server.h"
#include "cmd/uplinks.h"
#include "cmd/watch.h"
#include "cmd/worker.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/host.h"

#define EXIT_USAGE 2
#define STOP_USEC (60 * 1000000ull) /* for the operations under way, when vzd is told to end */

struct vzd {
	sd_event *event;
	struct host host;
	struct exits exits;
	struct workers workers;
	struct workers_listener listener;
	struct watch watch;
	struct keeper keeper;
	struct uplinks uplinks;
	struct server server;
	int socket; /* that we were started with; -1 */
	bool stopping;
};

/* ---- serving ---- */

static int serve(struct vzd *vzd, struct err *err)
{
	watch_all(&vzd->watch);
	int r = server_open(&vzd->server, vzd->event, vzd->socket, err);
	if (r < 0)
		return r;
	chore_template(&vzd->workers);
	log_info("ready");
	sd_notify(0, "READY=1\nSTATUS=Ready");
	return 0;
}

static void on_recovered(void *ctx)
{
	struct vzd *vzd = ctx;
	struct err err = {0};

	if (vzd->stopping || serve(vzd, &err) == 0)
		return;
	log_error("%s", err.text);
	sd_event_exit(vzd->event, EXIT_FAILURE);
}

/* ---- events ---- */

static void on_born(void *ctx, uint32_t ctid, int pidfd, int console)
{
	struct vzd *vzd = ctx;
	watch_born(&vzd->watch, ctid, pidfd, console);
}

static void on_settle(void *ctx, uint32_t ctid)
{
	struct vzd *vzd = ctx;
	if (!vzd->stopping)
		watch_settle(&vzd->watch, ctid);
}

static void on_chore_ended(void *ctx)
{
	(void)ctx;
}

/* The tables that it has adopted, if there were any, may lack what happened while nobody kept them. */
static void on_keeper_renewed(void *ctx)
{
	struct vzd *vzd = ctx;
	struct err err = {0};

	if (vzd->stopping)
		return;
	if (chore_network(&vzd->workers, on_chore_ended, vzd, &err) < 0)
		log_error("cannot make the filter of the network: %s", err.text);
}

/* What was cut short may have brought up more than the VE it was about. */
static void on_cleared(void *ctx)
{
	struct vzd *vzd = ctx;

	if (!vzd->stopping)
		watch_all(&vzd->watch);
}

/* A recovery that dies is not tried again: it would die again. */
static void on_cut_short(void *ctx, const char *verb)
{
	struct vzd *vzd = ctx;
	struct err err = {0};

	if (vzd->stopping || str_eq(verb, RECOVER_VERB))
		return;
	if (chore_recover(&vzd->workers, on_cleared, vzd, &err) < 0)
		log_error("cannot clear away what \"%s\" left behind: %s", verb, err.text);
}

static void on_uplinks(void *ctx)
{
	struct vzd *vzd = ctx;
	struct err err = {0};

	if (!vzd->stopping && chore_neighbours(&vzd->workers, on_chore_ended, vzd, &err) < 0)
		log_error("cannot answer for the addresses of VEs: %s", err.text);
}

static void on_idle(void *ctx)
{
	const struct vzd *vzd = ctx;
	if (vzd->stopping)
		sd_event_exit(vzd->event, EXIT_SUCCESS);
}

/* What is not through in time goes on without us: workers finish by themselves. */
static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct vzd *vzd = userdata;
	(void)source;
	(void)usec;

	log_warn("%u operations are still under way; they go on by themselves", vzd->workers.n);
	return sd_event_exit(vzd->event, EXIT_SUCCESS);
}

/* The second signal is impatience. */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct vzd *vzd = userdata;
	(void)source;
	(void)info;

	if (vzd->stopping || vzd->workers.n == 0)
		return sd_event_exit(vzd->event, EXIT_SUCCESS);
	vzd->stopping = true;
	server_stop(&vzd->server);
	log_info("waiting for %u operations to end", vzd->workers.n);
	sd_notify(0, "STOPPING=1\nSTATUS=Waiting for operations to end");
	return sd_event_add_time_relative(vzd->event, NULL, CLOCK_MONOTONIC, STOP_USEC, 0, on_stop_timeout, vzd);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct vzd *vzd = userdata;
	struct err err = {0};
	(void)source;
	(void)info;

	if (host_reload(&vzd->host, &err) < 0)
		log_error("the old configuration stays: %s", err.text);
	else
		log_info("read %s again", PATH_NODE_CONFIG);
	vzd->server.admins = server_admins();
	on_keeper_renewed(vzd);
	return 0;
}

static int add_signals(struct vzd *vzd)
{
	static const struct {
		int signo;
		sd_event_signal_handler_t handler;
	} rows[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};

	for (size_t i = 0; i < countof(rows); i++) {
		int r = sd_event_add_signal(vzd->event, NULL, rows[i].signo | SD_EVENT_SIGNAL_PROCMASK, rows[i].handler,
					    vzd);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- coming up ---- */

static void on_host_says(void *ctx, const char *text)
{
	cleanup_free char *status = str_fmt("STATUS=%s", text);
	(void)ctx;
	log_info("%s", text);
	sd_notify(0, status);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* What a shell in the background or nohup leaves ignored would reach every VE. */
static void default_signals(void)
{
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

static int become_daemon(char *argv[], struct err *err)
{
	if (geteuid() != 0)
		return err_say(err, ERR_PERMISSION, "this program can only be run under root");
	int r = sealed_exec(argv, err);
	if (r < 0)
		return r;

	/* Not to be traced or dumped by who is not root, nor from inside a VE that a worker enters. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(err, errno, "protect our memory");
	/* What CRIU restores outlives CRIU, and is to be ours. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_set(err, errno, "become the parent of VEs");
	umask(022);
	default_signals();
	raise_file_limit();
	/* The buffers of a connection go back to the system when it ends. */
	mallopt(M_MMAP_THRESHOLD, 65536);
	return 0;
}

/* The lock is this process's own (fcntl(2)): workers that outlive it do not hold it. */
static int claim_node(gid_t admins, struct err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	int r = io_mkdir_all(AT_FDCWD, PATH_RUN, 0750);
	if (r < 0 || (r = io_mkdir_all(AT_FDCWD, PATH_LOCKS, 0700)) < 0)
		return err_set(err, -r, "make %s", PATH_LOCKS);
	if (chmod(PATH_RUN, 0750) < 0 || chown(PATH_RUN, 0, admins == (gid_t)-1 ? 0 : admins) < 0)
		return err_set(err, errno, "protect %s", PATH_RUN);

	/* Closing any descriptor of the file would give the lock back: this one stays open for ever. */
	int fd = open(PATH_LOCKS "/vzd.lck", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, errno, "open %s", PATH_LOCKS "/vzd.lck");
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return err_set(err, errno, "lock %s", PATH_LOCKS "/vzd.lck");
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		lock.l_pid = 0;
	return err_say(err, ERR_LOCKED, "vzd runs already (pid %d)", lock.l_pid);
}

/* What the service manager hands over: consoles that it kept, and perhaps our socket. */
static void take_fds(struct vzd *vzd)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(true, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		uint32_t ctid = console_stored(names[i]);
		if (ctid)
			watch_console(&vzd->watch, ctid, fd);
		else if (vzd->socket < 0 && sd_is_socket_unix(fd, SOCK_STREAM, true, NULL, 0) > 0)
			vzd->socket = fd;
		else
			close(fd);
		free(names[i]);
	}
	free(names);
}

static int open_events(struct vzd *vzd, struct err *err)
{
	int r = sd_event_default(&vzd->event);
	if (r >= 0)
		r = add_signals(vzd);
	if (r < 0)
		return err_set(err, -r, "set up the event loop");
	r = exits_open(&vzd->exits, vzd->event, err);
	if (r < 0)
		return r;

	vzd->listener = (struct workers_listener){
		.born = on_born, .settle = on_settle, .cut_short = on_cut_short, .idle = on_idle, .ctx = vzd};
	vzd->workers = (struct workers){
		.event = vzd->event,
		.exits = &vzd->exits,
		.host = &vzd->host,
		.listener = &vzd->listener,
	};
	vzd->watch = (struct watch){
		.event = vzd->event,
		.exits = &vzd->exits,
		.workers = &vzd->workers,
		.host = &vzd->host,
		.reboots = REBOOTS_NONE,
	};
	vzd->keeper = (struct keeper){
		.event = vzd->event,
		.exits = &vzd->exits,
		.renewed = on_keeper_renewed,
		.ctx = vzd,
	};
	vzd->uplinks = (struct uplinks){.event = vzd->event, .up = on_uplinks, .ctx = vzd};
	vzd->server.calls = (struct calls){.workers = &vzd->workers, .execs.exits = &vzd->exits, .host = &vzd->host};
	return 0;
}

static int run(struct vzd *vzd, char *argv[], struct err *err)
{
	int r;

	if ((r = become_daemon(argv, err)) < 0)
		return r;
	vzd->server.admins = server_admins();
	if ((r = claim_node(vzd->server.admins, err)) < 0 || (r = host_open(&vzd->host, on_host_says, NULL, err)) < 0 ||
	    (r = open_events(vzd, err)) < 0)
		return r;
	if (!getenv("NOTIFY_SOCKET"))
		log_info("no service manager keeps descriptors for us: the consoles of VEs are cut when vzd ends");
	take_fds(vzd);

	/* Nobody is served before what a crash left behind is cleared away. */
	if ((r = keeper_open(&vzd->keeper, err)) < 0 || (r = uplinks_watch(&vzd->uplinks, err)) < 0)
		return r;
	r = chore_recover(&vzd->workers, on_recovered, vzd, err);
	if (r < 0)
		return r;
	r = sd_event_loop(vzd->event);
	return r < 0 ? err_set(err, -r, "wait for events") : r;
}

static void vzd_done(struct vzd *vzd)
{
	server_close(&vzd->server);
	watch_close(&vzd->watch);
	keeper_close(&vzd->keeper);
	uplinks_close(&vzd->uplinks);
	exits_close(&vzd->exits);
	sd_event_unref(vzd->event);
}

static int print_help(FILE *out)
{
	fputs("usage: vzd [--help | --version]\n"
	      "\n"
	      "The daemon of OpenVE. It runs in the foreground and serves vzctl and vzlist on " PATH_SOCKET ".\n"
	      "\n"
	      "SIGTERM ends it, virtual environments go on running; SIGHUP has it read " PATH_NODE_CONFIG " again.\n",
	      out);
	return out == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

/* The exit code, or -1 to go on. */
static int parse_arguments(int argc, char *argv[])
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};

	switch (getopt_long(argc, argv, "", options, NULL)) {
	case 'h':
		return print_help(stdout);
	case 'V':
		puts("vzd " OPENVE_VERSION);
		return EXIT_SUCCESS;
	case -1:
		if (optind == argc)
			return -1;
		fprintf(stderr, "vzd: unexpected argument %s\n", argv[optind]);
		return print_help(stderr);
	default:
		return print_help(stderr);
	}
}

int main(int argc, char *argv[])
{
	struct vzd vzd = {.socket = -1, .watch.reboots = REBOOTS_NONE};
	struct err err = {0};

	int code = parse_arguments(argc, argv);
	if (code >= 0)
		return code;

	code = run(&vzd, argv, &err);
	if (code < 0)
		log_error("%s", err.text);
	vzd_done(&vzd);
	return code < 0 ? EXIT_FAILURE : code;
}
