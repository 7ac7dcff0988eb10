#include "runtime/launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "quota/cgroup.h"
#include "runtime/base/creds.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/child.h"

#define VE_NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)

static pid_t clone_child(int cgroup, int *ret_pidfd)
{
	struct clone_args args = {
		/* CLONE_PARENT: it outlives the worker and must be vzd's child, who waits for it. */
		.flags = VE_NAMESPACES | CLONE_PIDFD | CLONE_INTO_CGROUP | CLONE_PARENT,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.cgroup = (uint64_t)cgroup,
	};
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* The creator of a user namespace owns it and pays for it: that is the VE's own uid, so that one VE cannot use up the
 * node root's share of inotify watches and the like. Its rlimits are ceilings for all inside (user_namespaces(7)). */
static int clone_as_owner(const struct child *child, uint32_t base, int cgroup, struct launched *ret, struct err *err)
{
	int r = creds_borrow(base, err);
	if (r < 0)
		return r;

	int pidfd = -1;
	pid_t pid = clone_child(cgroup, &pidfd);
	if (pid == 0) {
		/* The worker's end: were it open here as well, the worker's death would not read as end of stream. */
		close(ret->sync);
		child_run(child);
	}
	if (pid < 0)
		r = err_set(err, errno, "clone the VE's first process");

	int back = creds_return(err);
	if (pid < 0 || back < 0)
		return r < 0 ? r : back;
	ret->pid = pid;
	ret->pidfd = pidfd;
	return 0;
}

/* Wait for the phase; the child's own reason is taken over when it failed. */
static int expect(int sync, enum child_phase phase, int *ret_fd, struct err *ret_warning, struct err *err)
{
	struct child_message message;
	int fds[IO_MAX_FDS];
	size_t n_fds = 0;

	ssize_t n = io_recv(sync, &message, sizeof(message), fds, &n_fds);
	if (n == sizeof(message) && message.phase == CHILD_FAILED) {
		*err = message.err;
		return -EIO;
	}
	if (n != sizeof(message) || message.phase != phase)
		return err_say(err, ERR_SYSTEM, "the VE's first process died while it was being built");
	if (ret_fd)
		*ret_fd = n_fds == 1 ? fds[0] : -1;
	*ret_warning = message.err;
	return 0;
}

static int answer(int sync, struct err *err)
{
	if (send(sync, "", 1, MSG_NOSIGNAL) != 1)
		return err_say(err, ERR_SYSTEM, "the VE's first process died while it was being built");
	return 0;
}

static int write_proc(int proc, const char *file, const char *text, struct err *err)
{
	int r = io_write_kernel(proc, file, text);
	return r < 0 ? err_set(err, -r, "write %s of the VE's first process", file) : 0;
}

/* Its clocks start at zero with it, as those of a machine do (time_namespaces(7)). */
static int write_clocks(int proc, struct err *err)
{
	struct timespec monotonic, boot;
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);

	cleanup_free char *offsets =
		str_fmt("monotonic -%lld 0\nboottime -%lld 0\n", (long long)monotonic.tv_sec, (long long)boot.tv_sec);
	return write_proc(proc, "timens_offsets", offsets, err);
}

static int prepare(const struct launch *launch, const struct launched *launched, struct err *err)
{
	cleanup_free char *path = str_fmt("/proc/%d", launched->pid);
	cleanup_fd int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_set(err, errno, "open %s", path);

	int r = userns_map(launched->pid, launch->base, err);
	if (r < 0 || (r = write_clocks(proc, err)) < 0)
		return r;
	/* vzd's own protection from the OOM killer is not for VEs. */
	return write_proc(proc, "oom_score_adj", "0", err);
}

static int build(const struct launch *launch, struct launched *launched, struct err *err)
{
	int r;
	if ((r = expect(launched->sync, CHILD_UNSHARED, NULL, &launched->unwritten, err)) < 0 ||
	    (r = prepare(launch, launched, err)) < 0 || (r = answer(launched->sync, err)) < 0)
		return r;
	return expect(launched->sync, CHILD_BUILT, &launched->console, &launched->unwritten, err);
}

static int spawn(const struct launch *launch, int child_end, struct launched *ret, struct err *err)
{
	const struct child child = {
		.sync = child_end,
		.rootfs = {.root = launch->root, .binds = launch->binds},
		.hostname = launch->hostname,
		.names = launch->names,
		.init = launch->init,
		.dumpable = launch->dumpable,
		.seccomp = launch->seccomp,
	};
	cleanup_fd int cgroup = cgroup_open(launch->cgroup, err);
	if (cgroup < 0)
		return cgroup;

	return clone_as_owner(&child, launch->base, cgroup, ret, err);
}

int launch(const struct launch *launch, struct launched *ret, struct err *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a socket pair");

	struct launched launched = {.pidfd = -1, .console = -1, .sync = ends[0]};
	int r = spawn(launch, ends[1], &launched, err);
	/* Only the child holds its end now: its death reads as end of stream. */
	close(ends[1]);
	if (r == 0)
		r = build(launch, &launched, err);
	if (r < 0) {
		launch_abort(&launched);
		return r;
	}
	*ret = launched;
	return 0;
}

int launch_netns(const struct launched *launched, struct err *err)
{
	int fd = ioctl(launched->pidfd, PIDFD_GET_NET_NAMESPACE, 0);
	return fd < 0 ? err_set(err, errno, "open the VE's network namespace") : fd;
}

int launch_go(struct launched *launched, struct err *err)
{
	int r = answer(launched->sync, err);
	if (r < 0)
		return r;

	/* A successful exec closes its end. */
	struct child_message message;
	int fds[IO_MAX_FDS];
	size_t n_fds = 0;
	ssize_t n = io_recv(launched->sync, &message, sizeof(message), fds, &n_fds);
	if (n == 0)
		return 0;
	if (n == sizeof(message) && message.phase == CHILD_FAILED)
		*err = message.err;
	return err_say(err, ERR_SYSTEM, "the VE's first process said something unexpected instead of exec");
}

void launch_abort(struct launched *launched)
{
	struct pollfd end = {.fd = launched->pidfd, .events = POLLIN};

	if (launched->pid > 0) {
		pidfd_send_signal(launched->pidfd, SIGKILL, NULL, 0);
		poll(&end, 1, 10000);
	}
	launched->sync = fd_close(launched->sync);
	launched->console = fd_close(launched->console);
	launched->pidfd = fd_close(launched->pidfd);
	launched->pid = 0;
}
