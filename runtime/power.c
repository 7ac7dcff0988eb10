#include "runtime/power.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "quota/cgroup.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/enter.h"
#include "runtime/op.h"

/* What an init understands. Its program's name decides, as /proc/PID/exe tells it: a VE that lies there is only asked
 * in a way that it does not understand, and is killed after its time. */
struct init_kind {
	const char *program;
	int (*signal)(void);	    /* that means "power off" */
	const char *const *powered; /* or a command in the VE that does it */
	const char *const *booted;  /* command that returns when the boot is through */
};

/* systemd(1), SIGNALS: SIGRTMIN+4 starts poweroff.target. SIGRTMIN is no constant in C. */
static int systemd_poweroff(void)
{
	return SIGRTMIN + 4;
}

/* busybox init: SIGUSR2 is poweroff. */
static int busybox_poweroff(void)
{
	return SIGUSR2;
}

static const char *const poweroff_command[] = {"/sbin/poweroff", NULL};
static const char *const systemd_booted[] = {"systemctl", "is-system-running", "--wait", NULL};

static const struct init_kind init_kinds[] = {
	{"systemd", systemd_poweroff, NULL, systemd_booted},
	{"busybox", busybox_poweroff, NULL, NULL},
};
static const struct init_kind other_init = {"", NULL, poweroff_command, NULL};

static const struct init_kind *find_kind(const struct state *state)
{
	char target[256];
	cleanup_free char *link = str_fmt("/proc/%d/exe", state->pid);

	ssize_t n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return &other_init;
	target[n] = '\0';

	const char *slash = strrchr(target, '/');
	for (size_t i = 0; i < countof(init_kinds); i++)
		if (str_after(slash ? slash + 1 : target, init_kinds[i].program))
			return &init_kinds[i];
	return &other_init;
}

/* Start a command in the VE that reads nothing; what it says goes to `out`. */
static int run_inside(struct op *op, uint32_t ctid, const char *const *argv, int out, struct session *ret)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_set(op->err, errno, "open /dev/null");

	const struct exec_request request = {.argv = argv, .stdio = {null, out < 0 ? null : out, null}};
	return enter_exec(op, ctid, &request, ret);
}

bool power_ask(struct op *op, uint32_t ctid, const struct state *state, int pidfd)
{
	const struct init_kind *kind = find_kind(state);
	if (kind->signal)
		return pidfd_send_signal(pidfd, kind->signal(), NULL, 0) == 0;

	struct err failed = {0};
	struct op quiet = *op;
	struct session session;
	quiet.err = &failed;
	if (run_inside(&quiet, ctid, kind->powered, -1, &session) < 0)
		return false;
	session_done(&session);
	return true;
}

bool power_wait(int pidfd, uint64_t seconds)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int timeout = seconds > INT32_MAX / 1000 ? -1 : (int)(seconds * 1000);

	int r;
	do
		r = poll(&end, 1, timeout);
	while (r < 0 && errno == EINTR);
	return r > 0;
}

static void take_session_down(struct session *session)
{
	struct err ignored = {0};
	cgroup_kill(session->cgroup, 5000, &ignored);
	cgroup_remove(session->cgroup, &ignored);
	session_done(session);
}

/* What the command says until it ends, or the time is over. */
static void listen(int out, time_t end, char *text, size_t size)
{
	struct pollfd readable = {.fd = out, .events = POLLIN};
	size_t len = 0;

	while (len < size - 1 && time(NULL) < end) {
		if (poll(&readable, 1, 1000) == 0)
			continue;
		ssize_t n = read(out, text + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
}

/* "degraded" is a finished boot with a failed unit. Until init listens, the command fails and says something else. */
static bool ask_booted(struct op *op, uint32_t ctid, const struct init_kind *kind, time_t end)
{
	struct err failed = {0};
	struct op quiet = *op;
	struct session session;
	char text[64];
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return false;
	quiet.err = &failed;
	int r = run_inside(&quiet, ctid, kind->booted, out[1], &session);
	close(out[1]);
	if (r == 0) {
		listen(out[0], end, text, sizeof(text));
		take_session_down(&session);
	}
	close(out[0]);
	return r == 0 && (str_after(text, "running") || str_after(text, "degraded"));
}

int power_wait_booted(struct op *op, uint32_t ctid, const struct state *state, uint64_t seconds)
{
	const struct init_kind *kind = find_kind(state);
	if (!kind->booted)
		return 0;

	cleanup_fd int pidfd = state_pidfd(state);
	time_t end = time(NULL) + (time_t)seconds;
	while (pidfd >= 0 && time(NULL) < end) {
		if (ask_booted(op, ctid, kind, end))
			return 0;
		if (power_wait(pidfd, 1))
			return err_say(op->err, ERR_WAIT_FAILED, "CT %u ended while it was booting", ctid);
	}
	return err_say(op->err, ERR_WAIT_FAILED, "CT %u did not finish booting within %llu s", ctid,
		       (unsigned long long)seconds);
}
