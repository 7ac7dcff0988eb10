/* Two processes: the first becomes the sandbox's uid and makes the namespaces, so that they are charged to that uid,
 * and its child is the first process of the pid namespace. The ids are mapped by us, from outside. */
#include "templates/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/base/creds.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "templates/idmount.h"

#define NAMESPACES                                                                                                     \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static const struct {
	__rlimit_resource_t resource;
	rlim_t limit;
} limits[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_CPU, 2 * 60 * 60},	  /* seconds */
	{RLIMIT_DATA, 1 << 30},		  /* bytes: what it allocates */
	{RLIMIT_FSIZE, (rlim_t)64 << 30}, /* bytes: the end of a file */
	{RLIMIT_NOFILE, 64},
};

/* To write a tree that belongs to many ids. */
static const cap_value_t capabilities[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP,
};

/* How far a process came; sent before it has seen any of the hostile bytes. */
struct report {
	int r;
	struct err err;
};

static int send_report(int sock, int r, const struct err *err)
{
	struct report report = {.r = r, .err = *err};
	return io_send(sock, &report, sizeof(report), NULL, 0);
}

static int await_report(int sock, struct err *err)
{
	struct report report;
	size_t n_fds;

	ssize_t n = io_recv(sock, &report, sizeof(report), NULL, &n_fds);
	if (n != sizeof(report))
		return err_say(err, ERR_SYSTEM, "the sandbox died while it was made");
	if (report.r < 0)
		*err = report.err;
	return report.r;
}

/* The new root is mounted over the old one, and the two are swapped: what then lies on top is the old root, with all
 * that is mounted in it, and is let go. */
static int enter_root(int mount, struct err *err)
{
	if (move_mount(mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "attach the root of a sandbox");
	if (fchdir(mount) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(err, errno, "enter the root of a sandbox");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set(err, errno, "leave the node's root behind");
	return 0;
}

static int keep_only(int in, int out, int null, struct err *err)
{
	const int from[] = {in, out, null};
	int high[countof(from)];

	for (size_t i = 0; i < countof(from); i++) {
		high[i] = fcntl(from[i], F_DUPFD, 3);
		if (high[i] < 0)
			return err_set(err, errno, "keep the descriptors of a sandbox");
	}
	for (size_t i = 0; i < countof(from); i++)
		if (dup2(high[i], (int)i) < 0)
			return err_set(err, errno, "keep the descriptors of a sandbox");
	return 0;
}

/* A file that would grow too long is then an error of its write. */
static int limit_resources(struct err *err)
{
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < countof(limits); i++) {
		const struct rlimit limit = {.rlim_cur = limits[i].limit, .rlim_max = limits[i].limit};
		if (setrlimit(limits[i].resource, &limit) < 0)
			return err_set(err, errno, "limit the resources of a sandbox");
	}
	return 0;
}

static int drop_capabilities(struct err *err)
{
	cap_t caps = cap_init();
	int failed = !caps || cap_set_flag(caps, CAP_PERMITTED, countof(capabilities), capabilities, CAP_SET) < 0 ||
		     cap_set_flag(caps, CAP_EFFECTIVE, countof(capabilities), capabilities, CAP_SET) < 0 ||
		     cap_set_proc(caps) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0;
	int no = errno;
	cap_free(caps);
	return failed ? err_set(err, no, "drop the capabilities of a sandbox") : 0;
}

static int confine(const struct sandbox *sandbox, int mount, struct err *err)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_set(err, errno, "open /dev/null");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "tie a sandbox to its parent");

	int r = enter_root(mount, err);
	if (r == 0)
		r = limit_resources(err);
	if (r == 0)
		r = keep_only(sandbox->in, sandbox->out, null, err);
	if (r == 0)
		r = drop_capabilities(err);
	umask(0);
	return r;
}

/* The socket is closed with all else only after the report; a parent that is gone by then will not hear it. */
static noreturn void run_inner(const struct sandbox *sandbox, int mount, int sock)
{
	struct err err = {0};

	int r = confine(sandbox, mount, &err);
	if (send_report(sock, r, &err) < 0 || r < 0 || close_range(3, ~0U, 0) < 0)
		_exit(1);
	sandbox->work(sandbox->ctx);
	_exit(0);
}

static int make_namespaces(uint32_t base, struct err *err)
{
	int r = creds_borrow(base, err);
	if (r < 0)
		return r;
	if (unshare(NAMESPACES) < 0)
		return err_set(err, errno, "make the namespaces of a sandbox");
	return 0;
}

/* A change of ids takes the death signal away, so it is asked for when the last one is behind us. */
static int await_ids(int sock, pid_t parent, struct err *err)
{
	char go;
	size_t n_fds;

	if (io_recv(sock, &go, 1, NULL, &n_fds) != 1)
		return err_say(err, ERR_INTERRUPTED, "the sandbox's parent is gone");
	int r = creds_root(err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return err_say(err, ERR_INTERRUPTED, "the sandbox's parent is gone");
	return 0;
}

static noreturn void run_outer(const struct sandbox *sandbox, int mount, int sock, pid_t parent)
{
	struct err err = {0};
	int status;

	int r = make_namespaces(sandbox->base, &err);
	if (send_report(sock, r, &err) < 0 || r < 0)
		_exit(1);
	r = await_ids(sock, parent, &err);
	pid_t pid = r < 0 ? r : fork();
	if (pid == 0)
		run_inner(sandbox, mount, sock);
	if (pid < 0) {
		send_report(sock, err_set(&err, errno, "make a process for a sandbox"), &err);
		_exit(1);
	}

	close_range(0, ~0U, 0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Give it its ids, and let the kernel take it first when memory is short. */
static int let_go(pid_t pid, uint32_t base, int sock, struct err *err)
{
	cleanup_free char *score = str_fmt("/proc/%d/oom_score_adj", pid);

	int r = await_report(sock, err);
	if (r == 0)
		r = userns_map(pid, base, err);
	if (r < 0)
		return r;
	r = io_write_kernel(AT_FDCWD, score, "1000");
	if (r < 0)
		return err_set(err, -r, "write %s", score);
	r = io_send(sock, "g", 1, NULL, 0);
	if (r < 0)
		return err_set(err, -r, "start a sandbox");
	return await_report(sock, err);
}

static int open_root(const struct sandbox *sandbox, struct err *err)
{
	cleanup_fd int userns = userns_open(sandbox->base, err);
	if (userns < 0)
		return userns;
	return idmount_open(sandbox->root, userns, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
}

pid_t sandbox_start(const struct sandbox *sandbox, struct err *err)
{
	cleanup_fd int mount = open_root(sandbox, err);
	if (mount < 0)
		return mount;

	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a socket for a sandbox");
	cleanup_fd int ours = ends[0], theirs = ends[1];

	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return err_set(err, errno, "make a process for a sandbox");
	if (pid == 0) {
		ours = fd_close(ours);
		run_outer(sandbox, mount, theirs, parent);
	}

	theirs = fd_close(theirs);
	int r = let_go(pid, sandbox->base, ours, err);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	return pid;
}

int sandbox_wait(pid_t pid, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "wait for the sandbox");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	int signal_no = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 128;
	if (signal_no > 0)
		return err_say(err, ERR_SYSTEM, "the sandbox was killed by signal %d (%s)", signal_no,
			       strsignal(signal_no));
	return err_say(err, ERR_SYSTEM, "the sandbox failed");
}
