#include "checkpoint/jail.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/criu.h"
#include "checkpoint/rounds.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

#define SOCKET_FD 3
#define END_TIMEOUT_MS 2000
#define END_PAUSE_MS 10
#define JAIL_FILES "/run/vz/files"
#define JAIL_LOGS "/run/vz/logs"

/* In the order of covering: what is needed lies in the first. */
static const char *const hidden[] = {PATH_RUN, PATH_POOL, PATH_CONFIG_DIR, "/home", "/root", "/srv"};

static int hide(struct err *err)
{
	for (size_t i = 0; i < countof(hidden); i++)
		if (mount("openve", hidden[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k") < 0 &&
		    errno != ENOENT)
			return err_set(err, errno, "hide %s from CRIU", hidden[i]);
	return 0;
}

static int offer_empty(struct err *err)
{
	if (mkdir(CRIU_EMPTY, 0755) < 0 ||
	    mount("tmpfs", CRIU_EMPTY, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0555,size=4k,nr_inodes=1") < 0)
		return err_set(err, errno, "make %s for CRIU", CRIU_EMPTY);
	return 0;
}

static int offer(int mount, const char *at, struct err *err)
{
	if (mount < 0)
		return 0;
	if (mkdir(at, 0755) < 0 || move_mount(mount, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "attach %s for CRIU", at);
	return 0;
}

/* Where CRIU's own files are. */
static char *own_files(const struct jail *jail)
{
	cleanup_free char *round = jail->round ? round_name(jail->round) : NULL;
	return round ? str_fmt(JAIL_FILES "/%s", round) : mem_strdup(JAIL_FILES);
}

static int offer_round(const char *at, unsigned n, struct err *err)
{
	cleanup_free char *round = round_name(n);
	cleanup_free char *from = str_fmt(JAIL_FILES "/%s", round);

	if ((mkdir(at, 0755) < 0 && errno != EEXIST) || mount(from, at, NULL, MS_BIND, NULL) < 0)
		return err_set(err, errno, "attach %s for CRIU", from);
	return 0;
}

/* CRIU looks for what it has written before in the directory of what it writes, and so on. The links that it would make
 * there itself are no part of an image: instead, each round is mounted in the next. */
static int offer_rounds(const struct jail *jail, struct err *err)
{
	unsigned n = jail->round ? jail->round - 1 : rounds_count(jail->files);
	char *at = own_files(jail);
	int r = 0;

	for (; r == 0 && n > 0; n--) {
		char *next = str_fmt("%s/" JAIL_PARENT, at);
		free(at);
		at = next;
		r = offer_round(at, n, err);
	}
	free(at);
	return r;
}

/* Only what is attached in the mount namespace that we are in can be cloned: before it is another. */
static int take(int dir, struct err *err)
{
	int mount = open_tree(dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return mount < 0 ? err_set(err, errno, "clone a directory for CRIU") : mount;
}

static int build(const struct jail *jail, struct err *err)
{
	int r;
	cleanup_fd int files = take(jail->files, err), logs = files < 0 ? -1 : take(jail->logs, err);
	if (logs < 0)
		return -err->no;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, errno, "make a mount namespace for CRIU");
	if ((r = hide(err)) < 0 || (r = offer_empty(err)) < 0 || (r = offer(files, JAIL_FILES, err)) < 0 ||
	    (r = offer_rounds(jail, err)) < 0 || (r = offer(logs, JAIL_LOGS, err)) < 0)
		return r;
	return offer(jail->root, JAIL_ROOT, err);
}

static int keep_only(int sock, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_set(err, errno, "open /dev/null");
	for (int fd = 0; fd < SOCKET_FD; fd++)
		if (dup2(null, fd) < 0)
			return err_set(err, errno, "let go of descriptor %d", fd);
	/* dup2 of a descriptor onto itself would leave it close-on-exec. */
	if (sock == SOCKET_FD ? fcntl(sock, F_SETFD, 0) < 0 : dup2(sock, SOCKET_FD) < 0)
		return err_set(err, errno, "keep CRIU's socket");
	if (close_range(SOCKET_FD + 1, ~0U, 0) < 0)
		return err_set(err, errno, "close what is not CRIU's");
	return 0;
}

/* What it says before it becomes CRIU: err.kind ERR_NONE, or why not. */
static _Noreturn void become_criu(const struct jail *jail, int sock)
{
	struct err err = {0};
	cleanup_free char *owner = str_fmt("OPENVE_OWNER=%u", jail->owner);
	char *const argv[] = {"criu", "swrk", "3", NULL};
	char *const environment[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "LD_PRELOAD=" PATH_CRIU_PRELOAD, owner, NULL,
	};

	int r = io_write_kernel(jail->group, "cgroup.procs", "0");
	if (r < 0)
		err_set(&err, -r, "move CRIU to its group");
	else
		r = build(jail, &err);
	io_send(sock, &err, sizeof(err), NULL, 0);
	if (r == 0 && keep_only(sock, &err) == 0)
		execvpe(argv[0], argv, environment);
	_exit(1);
}

static int await_jail(int sock, struct err *err)
{
	struct err why;
	int fds[IO_MAX_FDS];
	size_t n_fds = 0;

	if (io_recv(sock, &why, sizeof(why), fds, &n_fds) != sizeof(why))
		return err_say(err, ERR_SYSTEM, "the process that was to become CRIU was killed");
	if (why.kind == ERR_NONE)
		return 0;
	*err = why;
	return -EIO;
}

static int look_into(pid_t pid, const char *path, struct err *err)
{
	cleanup_free char *there = str_fmt("/proc/%d/root%s", pid, path);
	int fd = open(there, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open %s of CRIU", path) : fd;
}

/* ---- its end ---- */

/* CRIU's own children have its end of the socket, too, and wait for it for ever: nothing else than its death tells that
 * there will be no answer. One that was given before is still read. */
static struct {
	volatile sig_atomic_t pid, sock;
} watched;

static void on_child(int signal)
{
	siginfo_t info = {0};
	int no = errno;
	(void)signal;

	if (watched.pid > 0 && waitid(P_PID, (id_t)watched.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
		shutdown(watched.sock, SHUT_RDWR);
	errno = no;
}

static void watch(const struct prisoner *prisoner)
{
	const struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

	watched.sock = prisoner->sock;
	watched.pid = prisoner->pid;
	sigaction(SIGCHLD, &action, NULL);
	on_child(SIGCHLD);
}

static void unwatch(void)
{
	signal(SIGCHLD, SIG_DFL);
	watched.pid = -1;
}

int jail_start(const struct jail *jail, struct prisoner *ret, struct err *err)
{
	struct prisoner prisoner = PRISONER_NONE;
	cleanup_free char *files = own_files(jail);
	int ends[2], r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a socket pair");

	prisoner.sock = ends[0];
	prisoner.pid = fork();
	if (prisoner.pid == 0) {
		close(ends[0]);
		become_criu(jail, ends[1]);
	}
	r = prisoner.pid < 0 ? err_set(err, errno, "make a process for CRIU") : 0;
	close(ends[1]);
	if (r == 0)
		r = await_jail(prisoner.sock, err);
	if (r == 0)
		r = prisoner.files = look_into(prisoner.pid, files, err);
	if (r >= 0)
		r = prisoner.logs = look_into(prisoner.pid, JAIL_LOGS, err);
	if (r < 0) {
		jail_end(&prisoner);
		return r;
	}
	watch(&prisoner);
	*ret = prisoner;
	return 0;
}

int jail_killed(const struct prisoner *prisoner)
{
	siginfo_t info = {0};

	for (unsigned ms = 0; info.si_pid == 0 && ms < END_TIMEOUT_MS; ms += END_PAUSE_MS) {
		if (waitid(P_PID, (id_t)prisoner->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			return 0;
		if (info.si_pid == 0)
			poll(NULL, 0, END_PAUSE_MS);
	}
	return info.si_pid == 0 || info.si_code == CLD_EXITED ? 0 : info.si_status;
}

void jail_end(struct prisoner *prisoner)
{
	unwatch();
	fd_close(prisoner->sock);
	fd_close(prisoner->files);
	fd_close(prisoner->logs);
	while (prisoner->pid > 0 && waitpid(prisoner->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*prisoner = (struct prisoner)PRISONER_NONE;
}
