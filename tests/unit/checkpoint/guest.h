/* Guests made of real processes, in a PID namespace of their own: PID 1 is called init, and PID 2, the holder, holds
 * what a test wants to see found. Their cgroup is a directory that looks like one. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/preflight.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define GUEST_EXTERNAL_MAX 400

/* Descriptors that a process of a guest starts with: where it says that it is ready, and what the test left there. */
enum { READY = 100, INHERITED = 101 };

/* What a process of a guest does before it waits: 0, or the negative errno of what the kernel here refuses. */
typedef int hold(void);

/* Inherited by the processes of a guest. */
static char place[64];	  /* an empty directory */
static char terminal[64]; /* the slave of a pseudo-terminal of the test's */
static pid_t outsider;	  /* the test itself */
static hold *what;

struct guest {
	struct scratch scratch, cgroup;
	int proc, group, master;
	pid_t init, visitor;
	dev_t console;
	int refused; /* negative errno */
	const char *external[GUEST_EXTERNAL_MAX + 1], *enabled[4];
	size_t n_external;
};

static inline int result(long r)
{
	return r < 0 ? -errno : (int)r;
}

static inline void fresh_descriptors(int keep)
{
	dup3(keep, READY, O_CLOEXEC);
	close_range(0, READY - 1, 0);
	close_range(INHERITED + 1, ~0U, 0);
	if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
		_exit(1);
}

static inline void report(int r)
{
	if (write(READY, &r, sizeof(r)) != sizeof(r))
		_exit(1);
	close(READY);
}

__attribute__((noreturn)) static inline void wait_for_the_end(void)
{
	for (;;)
		pause();
}

static inline void be_holder(void)
{
	prctl(PR_SET_NAME, "holder");
	report(what());
	wait_for_the_end();
}

/* Mounted here alone. */
static inline int own_mounts(void)
{
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* PID 1 of the guest; PID 2 holds, or PID 1 itself. */
__attribute__((noreturn)) static inline void be_init(int ready, bool alone)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "init");
	setsid();
	if (alone && own_mounts() < 0)
		_exit(1);
	fresh_descriptors(ready);
	if (alone || fork() == 0)
		be_holder();
	close(READY);
	close(INHERITED);
	wait_for_the_end();
}

static inline void write_procs(int dir, const char *name, const char *text)
{
	cleanup_free char *path = str_fmt("%s/cgroup.procs", name);
	assert_int_equal(io_mkdir_all(dir, name, 0700), 0);
	cleanup_fd int fd = openat(dir, path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline void add_descendants(const struct guest *guest, pid_t pid, const char *group)
{
	char path[64], children[512] = "";
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, children, sizeof(children) - 1);
	assert_true(n >= 0);

	cleanup_free char *line = str_fmt("%d\n", pid);
	write_procs(guest->cgroup.fd, group, line);
	for (char *save, *word = strtok_r(children, " ", &save); word; word = strtok_r(NULL, " ", &save))
		add_descendants(guest, atoi(word), "init/a.slice/b.service");
}

/* All mounts of the test are the caller's business: a test runs wherever it is built. */
static inline void make_all_external(struct guest *guest)
{
	char line[4096], point[1024];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) && guest->n_external < GUEST_EXTERNAL_MAX)
		if (sscanf(line, "%*s %*s %*s %*s %1023s", point) == 1)
			guest->external[guest->n_external++] = mem_strdup(point);
	fclose(file);
}

static inline void open_terminal(struct guest *guest)
{
	struct stat st;
	guest->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(guest->master >= 0);
	unlockpt(guest->master);
	assert_int_equal(ptsname_r(guest->master, terminal, sizeof(terminal)), 0);
	assert_int_equal(stat(terminal, &st), 0);
	guest->console = st.st_rdev;
}

static inline struct guest guest_new(hold *held, bool by_init)
{
	struct guest guest = {.scratch = scratch_new(), .cgroup = scratch_new()};
	int ready[2];

	guest.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_all_external(&guest);
	open_terminal(&guest);
	snprintf(place, sizeof(place), "%s", guest.scratch.path);
	what = held;
	outsider = getpid();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	guest.init = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0UL);
	if (guest.init == 0)
		be_init(ready[1], by_init);
	assert_true(guest.init > 0);

	close(ready[1]);
	if (read(ready[0], &guest.refused, sizeof(int)) != sizeof(int))
		guest.refused = -ECHILD;
	close(ready[0]);
	add_descendants(&guest, guest.init, "init");
	guest.group = guest.cgroup.fd;
	return guest;
}

/* The visitor first: a PID namespace does not end before all in it are waited for, and that one does not wait. */
static inline void guest_done(struct guest *guest)
{
	if (guest->visitor) {
		kill(guest->visitor, SIGKILL);
		waitpid(guest->visitor, NULL, 0);
	}
	kill(guest->init, SIGKILL);
	waitpid(guest->init, NULL, 0);
	for (size_t i = 0; i < guest->n_external; i++)
		free((char *)(uintptr_t)guest->external[i]);
	close(guest->proc);
	close(guest->master);
	scratch_done(&guest->scratch);
	scratch_done(&guest->cgroup);
}
#define cleanup_guest __attribute__((cleanup(guest_done)))

static inline bool is_refused(const struct guest *guest, const char *name)
{
	if (guest->refused == 0)
		return false;
	print_message("[  SKIPPED ] %s: %s\n", name, strerror(-guest->refused));
	return true;
}

static inline struct obstacles look(const struct guest *guest)
{
	struct preflight preflight = {.proc = guest->proc,
				      .cgroup = guest->group,
				      .init = guest->init,
				      .external_mounts = guest->external,
				      .enabled_fs = guest->enabled,
				      .console = guest->console};
	struct obstacles obstacles = {0};
	struct err err = {0};
	int r = preflight_run(&preflight, &obstacles, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return obstacles;
}

/* Each obstacle on a line. The name of the scratch directory is different each time, and in another mount namespace the
 * path to it starts at a root that the test may not have. */
static inline char *look_for_words(const struct guest *guest)
{
	cleanup_obstacles struct obstacles obstacles = look(guest);
	struct text text = {0};

	text_add(&text, "%s", "");
	for (size_t i = 0; i < obstacles.n; i++) {
		cleanup_free char *words = obstacle_text(&obstacles.items[i]);
		char *name = strstr(words, guest->scratch.path), *start = name;
		while (start && start > words && start[-1] != '(' && start[-1] != ' ')
			start--;
		if (name)
			text_add(&text, "%.*sPLACE%s\n", (int)(start - words), words,
				 name + strlen(guest->scratch.path));
		else
			text_add(&text, "%s\n", words);
	}
	return text.s;
}

static inline int mount_place(const char *type, const char *options)
{
	int r = own_mounts();
	return r < 0 ? r : result(mount("none", place, type, 0, options));
}

static inline char *path_in_place(const char *name)
{
	return str_fmt("%s/%s", place, name);
}

#define HOLDER "process 2 (holder) has "

struct guest_case {
	const char *name;
	hold *held;
	enum obstacle_kind kind;
	const char *words; /* with a newline: all; without: a part; NULL: there is no obstacle */
};

static inline void guest_try(const struct guest_case *try)
{
	cleanup_guest struct guest guest = guest_new(try->held, false);
	if (is_refused(&guest, try->name))
		return;

	cleanup_obstacles struct obstacles obstacles = look(&guest);
	cleanup_free char *words = look_for_words(&guest);
	if (!try->words) {
		assert_string_equal(words, "");
		return;
	}
	/* A pidfd has a file system of its own since 6.9. */
	char *pidfd = strstr(words, "pidfd:[");
	if (pidfd)
		strcpy(pidfd, "anon_inode:[pidfd])\n");
	if (str_ends(try->words, "\n"))
		assert_string_equal(words, try->words);
	else
		assert_non_null(strstr(words, try->words));
	assert_int_equal(obstacles.n, 1);
	assert_int_equal(obstacles.items[0].kind, try->kind);
}
