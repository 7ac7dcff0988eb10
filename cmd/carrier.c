#include "cmd/carrier.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define END_MS 10000	  /* how long ssh may take to end */
#define RSYNC_VANISHED 24 /* rsync(1): files vanished while they were copied, which a VE that runs may do */

/* ---- words of a command line ---- */

struct words {
	char **list;
	size_t n;
};

static void words_add(struct words *words, const char *word)
{
	words->list = mem_grow(words->list, words->n + 2, sizeof(*words->list));
	words->list[words->n++] = mem_strdup(word);
	words->list[words->n] = NULL;
}

static void words_add_all(struct words *words, const char *text)
{
	cleanup_free char *copy = mem_strdup(text ? text : "");
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		if (word[0])
			words_add(words, word);
}

static void words_done(struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->list[i]);
	free(words->list);
}
#define cleanup_words __attribute__((cleanup(words_done)))

static void add_ssh(const struct carrier *carrier, const char *master, struct words *words)
{
	cleanup_free char *path = str_fmt("ControlPath=%s/ssh", carrier->dir);
	cleanup_free char *role = str_fmt("ControlMaster=%s", master);
	const char *const own[] = {"ssh",
				   "-o",
				   "BatchMode=yes",
				   "-o",
				   "ConnectTimeout=20",
				   "-o",
				   "ServerAliveInterval=10",
				   "-o",
				   "ServerAliveCountMax=3",
				   "-o",
				   path,
				   "-o",
				   role};

	for (size_t i = 0; i < countof(own); i++)
		words_add(words, own[i]);
	words_add_all(words, carrier->ssh);
}

/* ---- processes ---- */

/* The descriptors become its stdin and stdout; -1 leaves it ours. */
static pid_t spawn(const struct words *words, int in, int out)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	/* What nobody waits for any more must not go on writing there. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if ((in >= 0 && dup2(in, STDIN_FILENO) < 0) || (out >= 0 && dup2(out, STDOUT_FILENO) < 0))
		_exit(126);
	execvp(words->list[0], words->list);
	dprintf(STDERR_FILENO, "%s: %s\n", words->list[0], strerror(errno));
	_exit(127);
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool ends_in_time(pid_t pid)
{
	siginfo_t info = {0};

	for (unsigned ms = 0; ms < END_MS; ms += 20) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid)
			return true;
		poll(NULL, 0, 20);
	}
	return false;
}

static int make_dir(struct carrier *carrier, struct err *err)
{
	char dir[] = "/run/vzmigrate.XXXXXX";

	if (!mkdtemp(dir))
		return err_set(err, errno, "make a directory in /run");
	carrier->dir = mem_strdup(dir);
	return 0;
}

int carrier_open(struct carrier *carrier, struct err *err)
{
	cleanup_words struct words words = {0};
	int to[2], from[2];

	int r = make_dir(carrier, err);
	if (r < 0)
		return r;
	if (pipe2(to, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");
	carrier->out = to[1];
	if (pipe2(from, O_CLOEXEC) < 0) {
		fd_close(to[0]);
		return err_set(err, errno, "make a pipe");
	}
	carrier->in = from[0];

	add_ssh(carrier, "yes", &words);
	words_add(&words, carrier->node);
	words_add(&words, "vzmigrate");
	words_add(&words, "--receive");
	carrier->pid = spawn(&words, to[0], from[1]);
	r = carrier->pid < 0 ? err_set(err, errno, "start ssh") : 0;
	fd_close(to[0]);
	fd_close(from[1]);
	return r;
}

int carrier_close(struct carrier *carrier)
{
	int status = 0;

	carrier->out = fd_close(carrier->out);
	carrier->in = fd_close(carrier->in);
	if (carrier->pid > 0) {
		if (!ends_in_time(carrier->pid))
			kill(carrier->pid, SIGTERM);
		status = wait_status(carrier->pid);
	}
	carrier->pid = -1;
	if (carrier->dir) {
		cleanup_free char *socket = str_fmt("%s/ssh", carrier->dir);
		unlink(socket);
		rmdir(carrier->dir);
		free(steal_ptr(carrier->dir));
	}
	return status;
}

/* ---- rsync ---- */

/* rsync takes the command apart at blanks. */
static char *remote_shell(const struct carrier *carrier)
{
	cleanup_words struct words ssh = {0};
	cleanup_text struct text text = {0};

	add_ssh(carrier, "no", &ssh);
	for (size_t i = 0; i < ssh.n; i++)
		text_add(&text, "%s%s", i ? " " : "", ssh.list[i]);
	return steal_ptr(text.s);
}

static const char *const overlay_rules[] = {
	"--filter=-x trusted.overlay.origin",
	"--filter=-x trusted.overlay.uuid",
	"--exclude=/work/*",
	NULL,
};

static const char *const file_rules[] = {"--inplace", NULL};

/* What is copied, and how: directories end with a slash. */
struct copy {
	const char *from, *to;
	const char *const *rules; /* more options; NULL */
};

static void add_rsync(const struct carrier *carrier, const struct copy *copy, struct words *words)
{
	cleanup_free char *shell = remote_shell(carrier);
	cleanup_free char *target = str_fmt("%s:%s", carrier->node, copy->to);
	const char *const own[] = {"rsync", "-aHAX", "--numeric-ids", "--sparse", "--delete", "--stats", "-e", shell};

	for (size_t i = 0; i < countof(own); i++)
		words_add(words, own[i]);
	for (const char *const *rule = copy->rules; rule && *rule; rule++)
		words_add(words, *rule);
	words_add_all(words, carrier->rsync);
	words_add(words, "--");
	words_add(words, copy->from);
	words_add(words, target);
}

/* rsync writes numbers as 1,234,567. */
static uint64_t bytes_sent(const char *stats)
{
	const char *p = strstr(stats, "Total bytes sent: ");
	uint64_t n = 0;

	for (p = p ? p + strlen("Total bytes sent: ") : ""; (*p >= '0' && *p <= '9') || *p == ','; p++)
		if (*p != ',')
			n = n * 10 + (uint64_t)(*p - '0');
	return n;
}

/* Until it has something to say, or ends. The far end has nothing to say meanwhile: if it does, it has given up. */
static void watch(const struct carrier *carrier, pid_t pid, int out)
{
	struct pollfd ready[] = {{.fd = out, .events = POLLIN}, {.fd = carrier->in, .events = POLLIN}};
	int r;

	do
		r = poll(ready, countof(ready), -1);
	while (r < 0 && errno == EINTR);
	if (ready[1].revents)
		kill(pid, SIGTERM);
}

static int run_rsync(struct carrier *carrier, const struct copy *copy, struct err *err)
{
	cleanup_words struct words words = {0};
	cleanup_free char *stats = NULL;
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");
	add_rsync(carrier, copy, &words);
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = spawn(&words, null, out[1]);
	int no = errno;
	fd_close(out[1]);
	if (pid > 0)
		watch(carrier, pid, out[0]);
	int r = pid < 0 ? -no : io_read_fd(out[0], &stats, NULL);
	fd_close(out[0]);
	int status = pid < 0 ? 255 : wait_status(pid);
	if (r < 0)
		return err_set(err, -r, "run rsync");
	if (status != 0 && status != RSYNC_VANISHED)
		return err_say(err, ERR_SYSTEM, "rsync of %s to %s failed with exit code %d", copy->from, carrier->node,
			       status);
	carrier->bytes += bytes_sent(stats);
	return 0;
}

int carrier_sync(struct carrier *carrier, const char *from, const char *to, bool overlay, struct err *err)
{
	cleanup_free char *source = str_fmt("%s/", from), *target = str_fmt("%s/", to);
	const struct copy copy = {source, target, overlay ? overlay_rules : NULL};
	return run_rsync(carrier, &copy, err);
}

int carrier_send(struct carrier *carrier, const char *from, const char *to, struct err *err)
{
	const struct copy copy = {from, to, file_rules};
	return run_rsync(carrier, &copy, err);
}
