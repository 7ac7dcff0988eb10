#include "runtime/errand.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/child.h"
#include "runtime/entry.h"
#include "runtime/host.h"

#define SYNC_FD 3 /* in the process that runs the errand */

struct report {
	int r;
	struct err err;
};

static int keep_only(int null, int sync, struct err *err)
{
	for (int fd = 0; fd < SYNC_FD; fd++)
		if (dup2(null, fd) < 0)
			return err_set(err, errno, "let go of descriptor %d", fd);
	if (dup2(sync, SYNC_FD) < 0 || close_range(SYNC_FD + 1, ~0U, 0) < 0)
		return err_set(err, errno, "close what is not the VE's");
	return 0;
}

/* A change of ids takes the death signal away, so it is asked for when the last one is behind us. The descriptors go
 * last: until then a failure is reported on `sync`. */
static int prepare(const struct seccomp *seccomp, int ve, int sync, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_set(err, errno, "open /dev/null");

	int r = entry_join(ve, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "tie an errand to its worker");
	r = child_confine(seccomp, err);
	return r < 0 ? r : keep_only(null, sync, err);
}

static _Noreturn void run(const struct seccomp *seccomp, int ve, int sync, errand_work *work, const void *ctx)
{
	struct report report = {0};

	int r = prepare(seccomp, ve, sync, &report.err);
	report.r = r < 0 ? r : work(ctx, &report.err);
	io_send(r < 0 ? sync : SYNC_FD, &report, sizeof(report), NULL, 0);
	_exit(0);
}

/* What comes from in there is data: whatever took the process over would have to say it in these fields. */
static void tame(struct err *err)
{
	err->kind = ERR_SYSTEM;
	err->no = 0;
	err->step[0] = '\0';
	err->text[sizeof(err->text) - 1] = '\0';
	for (char *c = err->text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
}

static int receive(int sync, struct err *err)
{
	struct report report;
	size_t n_fds = 0;
	int fds[IO_MAX_FDS];
	struct pollfd ready = {.fd = sync, .events = POLLIN};

	if (poll(&ready, 1, ENTRY_TIMEOUT_MS) == 0)
		return err_say(err, ERR_TIMEOUT, "what was to be done in the VE was held up there for %d seconds",
			       ENTRY_TIMEOUT_MS / 1000);
	ssize_t n = io_recv(sync, &report, sizeof(report), fds, &n_fds);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	if (n != sizeof(report))
		return err_say(err, ERR_SYSTEM, "the process that was to work in the VE was killed there");
	if (report.r >= 0)
		return report.r;
	*err = report.err;
	tame(err);
	return -EIO;
}

static int start(const struct host *host, int ve, const char *group, errand_work *work, const void *ctx, int *ret_pidfd,
		 struct err *err)
{
	const struct seccomp seccomp = {&host->seccomp, 0};
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a socket pair");

	int pid = entry_clone(ve, group, 0, ret_pidfd, err);
	if (pid == 0)
		run(&seccomp, ve, ends[1], work, ctx);
	close(ends[1]);
	int r = pid < 0 ? pid : receive(ends[0], err);
	close(ends[0]);
	return r;
}

int errand_run(const struct host *host, int ve, const char *group, errand_work *work, const void *ctx, struct err *err)
{
	cleanup_free char *own_group = NULL;
	cleanup_fd int pidfd = -1;
	siginfo_t ended;

	int r = entry_group(group, &own_group, err);
	if (r == 0)
		r = start(host, ve, own_group, work, ctx, &pidfd, err);
	entry_clear(own_group);
	/* One that hangs in the kernel is left to vzd. It was cloned without an exit signal: __WALL. */
	if (pidfd >= 0)
		waitid(P_PIDFD, (id_t)pidfd, &ended, WEXITED | WNOHANG | __WALL);
	return r;
}
