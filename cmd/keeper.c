#include "cmd/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/exits.h"
#include "cmd/log.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/network_filter.h"

#define AGAIN_USEC 1000000ull /* between two that end */
#define FIRST_FD 3	      /* where it finds its listening socket */

static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PATH_FILTER};

/* ---- one that runs already ---- */

/* A listener's credentials are of the process that called listen(2): unix(7), SO_PEERCRED. */
static int peer_pidfd(void)
{
	cleanup_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (sock < 0 || connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
		return -1;
	return pidfd;
}

/* ---- a new one ---- */

static int open_listener(struct err *err)
{
	cleanup_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_set(err, errno, "make a socket");

	unlink(PATH_FILTER);
	mode_t mask = umask(0177);
	int r = bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	return r < 0 ? err_set(err, -r, "bind %s", PATH_FILTER) : steal_fd(&sock);
}

/* After the fork: it listens in its own name, so that a later vzd finds it by its socket. */
_Noreturn static void become_vzfilter(int listener, int report)
{
	char *const argv[] = {PATH_FILTER_PROGRAM, NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (listen(listener, SOMAXCONN) == 0 && setsid() > 0 && dup2(listener, FIRST_FD) == FIRST_FD)
		execv(PATH_FILTER_PROGRAM, argv);
	int no = errno;
	if (write(report, &no, sizeof(no)) < 0)
		_exit(2);
	_exit(1);
}

/* Its exec closes the pipe; what comes before that is why there was none. */
static int await_exec(int report, struct err *err)
{
	int no = 0;
	ssize_t n = read(report, &no, sizeof(no));
	return n == 0 ? 0 : err_set(err, n == sizeof(no) ? no : EIO, "run %s", PATH_FILTER_PROGRAM);
}

static int spawn(struct err *err)
{
	int report[2];
	cleanup_fd int listener = open_listener(err);
	if (listener < 0)
		return listener;
	if (pipe2(report, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");

	cleanup_fd int ours = report[0];
	pid_t pid = fork();
	if (pid == 0)
		become_vzfilter(listener, report[1]);
	int pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);
	int no = errno;
	close(report[1]);
	if (pidfd < 0)
		return err_set(err, no, "start %s", PATH_FILTER_PROGRAM);
	int r = await_exec(ours, err);
	if (r < 0)
		fd_close(pidfd);
	return r < 0 ? r : pidfd;
}

/* ---- watching over it ---- */

static void on_ended(void *ctx, const struct ending *ending);

static int start(struct keeper *keeper, struct err *err)
{
	int pidfd = spawn(err);
	if (pidfd < 0)
		return pidfd;
	return exits_watch(keeper->exits, pidfd, on_ended, keeper, &keeper->exit, err);
}

static void start_again_later(struct keeper *keeper);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct keeper *keeper = userdata;
	struct err err = {0};
	(void)source;
	(void)usec;

	if (start(keeper, &err) < 0) {
		log_error("%s", err.text);
		start_again_later(keeper);
	} else {
		keeper->renewed(keeper->ctx);
	}
	return 0;
}

static void start_again_later(struct keeper *keeper)
{
	keeper->timer = sd_event_source_disable_unref(keeper->timer);
	int r = sd_event_add_time_relative(keeper->event, &keeper->timer, CLOCK_MONOTONIC, AGAIN_USEC, 0, on_timer,
					   keeper);
	if (r < 0)
		log_error("cannot set a timer to start vzfilter again: %s", strerror(-r));
}

/* The tables are still there, as it left them: nobody owns them, which is why the next one is not long in coming. */
static void on_ended(void *ctx, const struct ending *ending)
{
	struct keeper *keeper = ctx;

	exits_forget(keeper->exit);
	keeper->exit = NULL;
	log_warn("vzfilter ended (code %d, status %d); another is started", ending->code, ending->status);
	start_again_later(keeper);
}

int keeper_open(struct keeper *keeper, struct err *err)
{
	if (network_filter_serves()) {
		int pidfd = peer_pidfd();
		if (pidfd >= 0)
			return exits_watch(keeper->exits, pidfd, on_ended, keeper, &keeper->exit, err);
	}
	network_filter_quit();
	return start(keeper, err);
}

void keeper_close(struct keeper *keeper)
{
	exits_forget(keeper->exit);
	keeper->exit = NULL;
	keeper->timer = sd_event_source_disable_unref(keeper->timer);
}
