/* The program is found before the fork, so that one that is missing is told from one that fails. */
#include "runtime/base/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static const char *const directories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};

/* A program of which only the last words on stderr matter has `line` NULL. */
struct listener {
	void (*line)(void *ctx, const char *text);
	void *ctx;
	char text[512]; /* the line that is being read; what is too long for it is cut */
	size_t len;
	char last[256]; /* the last line that was not empty */
};

static char *find_program(const char *name)
{
	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? mem_strdup(name) : NULL;

	for (size_t i = 0; i < countof(directories); i++) {
		cleanup_free char *path = str_fmt("%s/%s", directories[i], name);
		if (access(path, X_OK) == 0)
			return steal_ptr(path);
	}
	return NULL;
}

static noreturn void fail_child(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(126);
}

/* Signals that vzd blocks or ignores would stay so in the program. */
static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
}

/* A parent that died before the request for its death signal took effect is no longer our parent. */
static noreturn void run_child(const char *path, const char *const argv[], int dirfd, int out, int log, pid_t parent)
{
	if (dup2(log, STDERR_FILENO) < 0)
		_exit(126);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out < 0 ? null : out, STDOUT_FILENO) < 0)
		fail_child("/dev/null");
	if (dirfd != AT_FDCWD && fchdir(dirfd) < 0)
		fail_child("change directory");
	if (close_range(3, ~0U, 0) < 0)
		fail_child("close descriptors");

	reset_signals();
	execve(path, (char *const *)argv, environment);
	fail_child(path);
}

static void end_line(struct listener *listener)
{
	listener->text[listener->len] = '\0';
	listener->len = 0;
	if (listener->line)
		listener->line(listener->ctx, listener->text);
	if (*str_chomp(listener->text))
		snprintf(listener->last, sizeof(listener->last), "%.*s", (int)sizeof(listener->last) - 1,
			 listener->text);
}

static void hear(struct listener *listener, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			end_line(listener);
		else if (listener->len < sizeof(listener->text) - 1)
			listener->text[listener->len++] = bytes[i];
	}
}

static void listen_to(int fd, struct listener *listener)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			hear(listener, chunk, (size_t)n);
	if (listener->len > 0)
		end_line(listener);
}

/* cp, rsync and tar end their complaint with the words of the C library, and the locale is C. */
static bool complains_of_space(const char *complaint)
{
	return strstr(complaint, "No space left on device") || strstr(complaint, "Disk quota exceeded");
}

static int await(pid_t pid, const char *name, const struct listener *listener, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "wait for %s", name);

	if (WIFSIGNALED(status))
		return err_say(err, ERR_SYSTEM, "%s: killed by signal %d (%s)", name, WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == 0)
		return 0;
	if (!listener->last[0])
		return err_say(err, ERR_SYSTEM, "%s: failed with exit code %d", name, WEXITSTATUS(status));

	enum err_kind kind = complains_of_space(listener->last) ? ERR_NO_SPACE : ERR_SYSTEM;
	if (str_after(listener->last, name))
		return err_say(err, kind, "%s (exit code %d)", listener->last, WEXITSTATUS(status));
	return err_say(err, kind, "%s: %s (exit code %d)", name, listener->last, WEXITSTATUS(status));
}

static int run(int dirfd, const char *const argv[], struct listener *listener, struct err *err)
{
	cleanup_free char *path = find_program(argv[0]);
	if (!path)
		return err_set(err, ENOENT, "run %s (is it installed?)", argv[0]);

	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe for the output of %s", argv[0]);
	cleanup_fd int from = ends[0], to = ends[1];

	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return err_set(err, errno, "make a process for %s", argv[0]);
	if (pid == 0)
		run_child(path, argv, dirfd, listener->line ? to : -1, to, parent);

	to = fd_close(to);
	listen_to(from, listener);
	return await(pid, argv[0], listener, err);
}

int proc_run(int dirfd, const char *const argv[], struct err *err)
{
	struct listener listener = {0};
	return run(dirfd, argv, &listener, err);
}

int proc_run_lines(int dirfd, const char *const argv[], void (*line)(void *ctx, const char *text), void *ctx,
		   struct err *err)
{
	struct listener listener = {.line = line, .ctx = ctx};
	return run(dirfd, argv, &listener, err);
}

int proc_remove_tree(int dirfd, const char *name, struct err *err)
{
	cleanup_free char *path = str_fmt("./%s", name);
	const char *const argv[] = {"rm", "-rf", "--one-file-system", "--preserve-root=all", "--", path, NULL};

	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	return err_is(err, ERR_DELETE, proc_run(dirfd, argv, err));
}
