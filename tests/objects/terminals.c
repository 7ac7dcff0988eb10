/* Pseudo terminals of the VE's own devpts. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { MASTER, SLAVE };

static const struct winsize size = {.ws_row = 33, .ws_col = 77};

static bool open_pair(struct held *held)
{
	char name[64];

	held->fd[MASTER] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (held->fd[MASTER] < 0)
		return skip(held, "no terminal is to be had: %m");
	if (!ok(held, unlockpt(held->fd[MASTER]) == 0, "unlock: %m") ||
	    !ok(held, ptsname_r(held->fd[MASTER], name, sizeof(name)) == 0, "ptsname: %m"))
		return false;
	held->fd[SLAVE] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return ok(held, held->fd[SLAVE] >= 0, "open %s: %m", name);
}

static bool prepare_pty(struct held *held)
{
	struct termios modes;

	if (!open_pair(held))
		return false;
	tcgetattr(held->fd[SLAVE], &modes);
	cfmakeraw(&modes);
	modes.c_cc[VINTR] = 7;
	return ok(held, tcsetattr(held->fd[SLAVE], TCSANOW, &modes) == 0, "set modes: %m") &&
	       ok(held, ioctl(held->fd[MASTER], TIOCSWINSZ, &size) == 0, "set the size: %m") &&
	       ok(held, put(held->fd[MASTER], "typed") && put(held->fd[SLAVE], "shown"), "write: %m");
}

static bool waits(int fd, int bytes)
{
	int n = 0;

	/* What one end writes arrives at the other by a worker of the kernel. */
	for (unsigned i = 0; i < 100 && ioctl(fd, FIONREAD, &n) == 0 && n < bytes; i++)
		pause_ms(10);
	return n == bytes;
}

static bool check_pty(struct held *held)
{
	struct termios modes;
	struct winsize is = {0};

	tcgetattr(held->fd[SLAVE], &modes);
	ioctl(held->fd[SLAVE], TIOCGWINSZ, &is);
	return ok(held, is.ws_row == size.ws_row && is.ws_col == size.ws_col, "its size is %u by %u", is.ws_row,
		  is.ws_col) &&
	       ok(held, !(modes.c_lflag & (ICANON | ECHO)) && modes.c_cc[VINTR] == 7, "its modes are others") &&
	       ok(held, waits(held->fd[SLAVE], 5) && get(held->fd[SLAVE], "typed"), "what was typed is not there") &&
	       ok(held, waits(held->fd[MASTER], 5) && get(held->fd[MASTER], "shown"), "what was shown is not there") &&
	       ok(held, put(held->fd[MASTER], "typed") && put(held->fd[SLAVE], "shown"), "write: %m");
}

static bool spoil_pty(struct held *held)
{
	return ioctl(held->fd[MASTER], TIOCSWINSZ, &(struct winsize){.ws_row = 1, .ws_col = 1}) == 0;
}

/* The master is this process's, the slave the controlling terminal of the child's session. */
static void sit_at(int terminal, volatile unsigned *interrupts)
{
	sigset_t signals;

	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	for (*interrupts = 1;;)
		if (sigwaitinfo(&signals, NULL) == SIGINT)
			++*interrupts;
}

static bool prepare_controlling(struct held *held)
{
	held->memory = map_shared(4096);
	if (!ok(held, held->memory != NULL, "memory: %m") || !open_pair(held))
		return false;
	volatile unsigned *interrupts = (volatile unsigned *)(void *)held->memory;
	held->pid = child();
	if (held->pid == 0)
		sit_at(held->fd[SLAVE], interrupts);
	close(held->fd[SLAVE]);
	return ok(held, grows(interrupts, 0), "the child does not run");
}

/* What is typed to interrupt interrupts who sits there. */
static bool check_controlling(struct held *held)
{
	volatile unsigned *interrupts = (volatile unsigned *)(void *)held->memory;
	unsigned was = *interrupts;
	pid_t session = 0, group = 0;

	ioctl(held->fd[MASTER], TIOCGSID, &session);
	ioctl(held->fd[MASTER], TIOCGPGRP, &group);
	bool done =
		ok(held, session == held->pid, "it controls session %d, not %d", session, held->pid) &&
		ok(held, group == held->pid, "group %d is in the foreground, not %d", group, held->pid) &&
		ok(held, put(held->fd[MASTER], "\3") && grows(interrupts, was), "an interrupt does not come through");
	tcflush(held->fd[MASTER], TCIFLUSH);
	return done;
}

static bool spoil_controlling(struct held *held)
{
	end_child(held->pid);
	return true;
}

struct kinds terminals_kinds(void)
{
	static const struct kind list[] = {
		{"pty", prepare_pty, check_pty, spoil_pty},
		{"controlling-terminal", prepare_controlling, check_controlling, spoil_controlling},
	};
	return (struct kinds){list, countof(list)};
}
