/* Processes among themselves: sessions and groups, the dead that nobody has asked for, the stopped, orphans. */
#include "tests/objects/helper.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS 42

static void stay(void)
{
	for (;;)
		pause();
}

/* A child with a session of its own, and a grandchild with a group of its own in it. */
struct line {
	volatile unsigned ready;
	pid_t child, grandchild;
};

static void found(struct line *line)
{
	setsid();
	line->child = getpid();
	pid_t pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		line->grandchild = getpid();
		line->ready = 1;
	}
	stay();
}

static bool prepare_session(struct held *held)
{
	held->memory = map_shared(4096);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	struct line *line = (void *)held->memory;
	held->pid = child();
	if (held->pid == 0)
		found(line);
	return ok(held, grows(&line->ready, 0), "the grandchild is not there");
}

static bool check_session(struct held *held)
{
	const struct line *line = (const void *)held->memory;
	pid_t child = line->child, grandchild = line->grandchild;

	return ok(held, getsid(0) == getpid() && getpgrp() == getpid(), "this process leads no session") &&
	       ok(held, getsid(child) == child, "the child's session is %d", getsid(child)) &&
	       ok(held, getpgid(child) == child, "the child's group is %d", getpgid(child)) &&
	       ok(held, getsid(grandchild) == child, "the grandchild's session is %d", getsid(grandchild)) &&
	       ok(held, getpgid(grandchild) == grandchild, "the grandchild's group is %d", getpgid(grandchild)) &&
	       ok(held, waitpid(child, NULL, WNOHANG) == 0, "the child is none any more");
}

static bool spoil_session(struct held *held)
{
	end_child(held->pid);
	return true;
}

/* Two of the dead: one has ended, one was killed. */
static bool prepare_zombie(struct held *held)
{
	held->pid = child();
	if (held->pid == 0)
		_exit(STATUS);
	held->id = child();
	if (held->id == 0)
		stay();
	kill(held->id, SIGTERM);
	return ok(held, becomes(held->pid, 'Z') && becomes(held->id, 'Z'), "the children do not die");
}

static bool died(pid_t pid, int code, int status)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid &&
	       info.si_code == code && info.si_status == status;
}

static bool check_zombie(struct held *held)
{
	return ok(held, state_of(held->pid) == 'Z' && state_of(held->id) == 'Z', "the dead are gone") &&
	       ok(held, died(held->pid, CLD_EXITED, STATUS), "the status of one is not %d", STATUS) &&
	       ok(held, died(held->id, CLD_KILLED, SIGTERM), "the other one was not killed by signal %d", SIGTERM);
}

static bool spoil_zombie(struct held *held)
{
	return waitpid(held->pid, NULL, 0) == held->pid;
}

static void count(volatile unsigned *counter)
{
	for (;;) {
		pause_ms(5);
		++*counter;
	}
}

static bool stop(struct held *held)
{
	return ok(held, kill(held->pid, SIGSTOP) == 0 && becomes(held->pid, 'T'), "the child does not stop");
}

static bool prepare_stopped(struct held *held)
{
	held->memory = map_shared(4096);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	held->pid = child();
	if (held->pid == 0)
		count((volatile unsigned *)(void *)held->memory);
	return ok(held, grows((volatile unsigned *)(void *)held->memory, 0), "the child does not run") && stop(held);
}

static bool check_stopped(struct held *held)
{
	volatile unsigned *counter = (volatile unsigned *)(void *)held->memory;
	char state = state_of(held->pid);
	unsigned was = *counter;

	pause_ms(50);
	return ok(held, state == 'T' && *counter == was, "the child runs: its state is %c", state) &&
	       ok(held, kill(held->pid, SIGCONT) == 0 && grows(counter, was), "the child does not go on") && stop(held);
}

static bool spoil_stopped(struct held *held)
{
	return kill(held->pid, SIGCONT) == 0 && grows((volatile unsigned *)(void *)held->memory, 0);
}

static bool prepare_subreaper(struct held *held)
{
	return ok(held, prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "prctl: %m");
}

/* The child of a child that has ended becomes a child of this process. */
static bool check_subreaper(struct held *held)
{
	int status;

	if (child() == 0) {
		if (fork() == 0)
			_exit(STATUS);
		_exit(0);
	}
	unsigned orphans = 0;
	while (wait(&status) > 0)
		orphans += WIFEXITED(status) && WEXITSTATUS(status) == STATUS;
	return ok(held, orphans == 1, "an orphan was not left to this process");
}

static bool spoil_subreaper(struct held *held)
{
	(void)held;
	return prctl(PR_SET_CHILD_SUBREAPER, 0) == 0;
}

static bool prepare_pdeathsig(struct held *held)
{
	return ok(held, prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl: %m");
}

static bool check_pdeathsig(struct held *held)
{
	int signal = -1;

	prctl(PR_GET_PDEATHSIG, &signal);
	return ok(held, signal == SIGKILL, "it would get signal %d", signal);
}

static bool spoil_pdeathsig(struct held *held)
{
	(void)held;
	return prctl(PR_SET_PDEATHSIG, 0) == 0;
}

struct kinds family_kinds(void)
{
	static const struct kind list[] = {
		{"session", prepare_session, check_session, spoil_session},
		{"zombie", prepare_zombie, check_zombie, spoil_zombie},
		{"stopped", prepare_stopped, check_stopped, spoil_stopped},
		{"subreaper", prepare_subreaper, check_subreaper, spoil_subreaper},
		{"pdeathsig", prepare_pdeathsig, check_pdeathsig, spoil_pdeathsig},
	};
	return (struct kinds){list, countof(list)};
}
