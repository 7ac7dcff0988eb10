/* Runs every attempt and tells in TAP which walls hold: `probe`, or `probe nested` to try the same as root of a user
 * namespace inside the VE's, where the bounding set is full again. */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 120 /* that an attempt may take; emulated machines are slow */

static void say(const char *fmt, va_list ap)
{
	printf("# ");
	vprintf(fmt, ap);
}

void breach(struct attempt *attempt, const char *fmt, ...)
{
	va_list ap;

	attempt->breaches++;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	printf("\n");
}

void moot(struct attempt *attempt, const char *why)
{
	attempt->moot = true;
	printf("# %s\n", why);
}

void must_refuse(struct attempt *attempt, long result, const char *fmt, ...)
{
	int no = errno;
	va_list ap;

	if (result < 0 && (no == EPERM || no == EACCES || no == ENOSYS || no == EROFS))
		return;
	attempt->breaches++;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	printf(": %s\n", result < 0 ? strerror(no) : "done");
}

bool own_mounts(struct attempt *attempt)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	moot(attempt, "no mount namespace to be had");
	return false;
}

bool is_nested(struct attempt *attempt)
{
	struct stat own, init;

	if (stat("/proc/self/ns/user", &own) == 0 && stat("/proc/1/ns/user", &init) == 0 && own.st_ino == init.st_ino)
		return false;
	moot(attempt, "in a namespace within the VE's this cannot be seen");
	return true;
}

static int run(const struct probe *probe)
{
	struct attempt attempt = {0};

	alarm(SECONDS);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	probe->try(&attempt);
	fflush(stdout);
	return attempt.breaches > 0 ? BREACHED : attempt.moot ? MOOT : HELD;
}

static int try(const struct probe *probe)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(run(probe));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return BREACHED;
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : BREACHED;
}

static void write_own(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		printf("Bail out! %s: %s\n", file, strerror(errno));
		exit(1);
	}
	close(fd);
}

/* Only root's ids are mapped, which needs nobody's help. */
static void nest(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP) < 0) {
		printf("Bail out! unshare: %s\n", strerror(errno));
		exit(1);
	}
	write_own("/proc/self/setgroups", "deny");
	write_own("/proc/self/uid_map", "0 0 1");
	write_own("/proc/self/gid_map", "0 0 1");
}

int main(int argc, char **argv)
{
	const struct probes groups[] = {calls_probes(), files_probes(), bounds_probes()};
	size_t planned = 0, number = 0, failed = 0;

	if (argc == 2 && strcmp(argv[1], "nested") == 0)
		nest();

	for (size_t i = 0; i < countof(groups); i++)
		planned += groups[i].n;
	printf("1..%zu\n", planned);

	for (size_t i = 0; i < countof(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++) {
			int outcome = try(&groups[i].list[k]);
			bool ok = outcome == HELD || outcome == MOOT;
			failed += !ok;
			printf("%sok %zu - %s%s\n", ok ? "" : "not ", ++number, groups[i].list[k].wall,
			       outcome == MOOT ? " # SKIP" : "");
		}
	return failed > 0;
}
