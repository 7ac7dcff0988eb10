/* Signals: pending ones, handlers, the stack that they run on, and what becomes of children's. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PENDING_SIGNAL (SIGRTMIN + 5)
#define HANDLED_SIGNAL (SIGRTMIN + 6)
#define MASKED_SIGNAL (SIGRTMIN + 7)
#define STACK 65536

static bool queue(int value)
{
	return sigqueue(getpid(), PENDING_SIGNAL, (union sigval){.sival_int = value}) == 0;
}

static bool prepare_pending(struct held *held)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, PENDING_SIGNAL);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return ok(held, queue(1) && queue(2) && kill(getpid(), SIGHUP) == 0, "send a signal: %m");
}

static bool next_is(int value)
{
	const struct timespec at_once = {0};
	sigset_t signals;
	siginfo_t info;

	sigemptyset(&signals);
	sigaddset(&signals, PENDING_SIGNAL);
	return sigtimedwait(&signals, &info, &at_once) == PENDING_SIGNAL && info.si_value.sival_int == value &&
	       info.si_pid == getpid() && info.si_code == SI_QUEUE;
}

static bool check_pending(struct held *held)
{
	sigset_t pending, blocked;

	sigpending(&pending);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	return ok(held, sigismember(&pending, SIGHUP) == 1, "SIGHUP is not pending any more") &&
	       ok(held, sigismember(&blocked, SIGHUP) == 1 && sigismember(&blocked, SIGTERM) == 0,
		  "other signals are blocked") &&
	       ok(held, next_is(1) && next_is(2), "the two queued signals are not there") &&
	       ok(held, queue(1) && queue(2), "send a signal: %m");
}

static bool spoil_pending(struct held *held)
{
	(void)held;
	return next_is(1);
}

/* What a handler saw, which gets its address from the signal. */
struct sight {
	volatile unsigned times;
	uintptr_t frame; /* where its stack was */
	bool masked;	 /* MASKED_SIGNAL was blocked meanwhile */
};

static void see(int signal, siginfo_t *info, void *context)
{
	struct sight *sight = info->si_value.sival_ptr;
	sigset_t blocked;

	(void)signal;
	(void)context;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sight->masked = sigismember(&blocked, MASKED_SIGNAL) == 1;
	sight->frame = (uintptr_t)__builtin_frame_address(0);
	sight->times++;
}

static bool prepare_handler(struct held *held)
{
	struct sigaction action = {.sa_sigaction = see, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	held->memory = map_private(STACK);
	sigaddset(&action.sa_mask, MASKED_SIGNAL);
	return ok(held, sigaltstack(&(stack_t){.ss_sp = held->memory, .ss_size = STACK}, NULL) == 0,
		  "sigaltstack: %m") &&
	       ok(held, sigaction(HANDLED_SIGNAL, &action, NULL) == 0, "sigaction: %m");
}

static bool check_handler(struct held *held)
{
	struct sight sight = {0};
	stack_t stack = {0};
	uintptr_t bottom = (uintptr_t)held->memory;

	sigaltstack(NULL, &stack);
	return ok(held, stack.ss_sp == held->memory && stack.ss_size == STACK && !(stack.ss_flags & SS_DISABLE),
		  "the stack for signals is another one") &&
	       ok(held, sigqueue(getpid(), HANDLED_SIGNAL, (union sigval){.sival_ptr = &sight}) == 0, "sigqueue: %m") &&
	       ok(held, sight.times == 1, "the handler ran %u times", sight.times) &&
	       ok(held, sight.frame > bottom && sight.frame < bottom + STACK, "it ran on another stack") &&
	       ok(held, sight.masked, "its mask is another one");
}

static bool spoil_handler(struct held *held)
{
	(void)held;
	return sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL) == 0;
}

static bool set_children(int flags, sighandler_t handler)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	return sigaction(SIGCHLD, &action, NULL) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

static bool prepare_ignored(struct held *held)
{
	return ok(held, set_children(0, SIG_IGN), "sigaction: %m");
}

static bool prepare_no_wait(struct held *held)
{
	return ok(held, set_children(SA_NOCLDWAIT | SA_NOCLDSTOP, SIG_DFL), "sigaction: %m");
}

/* Children leave nothing to wait for. */
static bool leaves_nothing(struct held *held)
{
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	return ok(held, waitpid(pid, NULL, 0) < 0 && errno == ECHILD, "a child that ended was there to be waited for");
}

static bool check_ignored(struct held *held)
{
	struct sigaction action;

	sigaction(SIGCHLD, NULL, &action);
	return ok(held, action.sa_handler == SIG_IGN, "SIGCHLD is not ignored") && leaves_nothing(held) &&
	       ok(held, sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN,
		  "SIGPIPE is not ignored");
}

static bool check_no_wait(struct held *held)
{
	struct sigaction action;

	sigaction(SIGCHLD, NULL, &action);
	return ok(held, action.sa_handler == SIG_DFL, "SIGCHLD is not what it was") &&
	       ok(held, (action.sa_flags & (SA_NOCLDWAIT | SA_NOCLDSTOP)) == (SA_NOCLDWAIT | SA_NOCLDSTOP),
		  "its flags are %#x", action.sa_flags) &&
	       leaves_nothing(held);
}

static bool spoil_children(struct held *held)
{
	(void)held;
	return set_children(0, SIG_DFL);
}

struct kinds signals_kinds(void)
{
	static const struct kind list[] = {
		{"pending-signals", prepare_pending, check_pending, spoil_pending},
		{"signal-handler", prepare_handler, check_handler, spoil_handler},
		{"sigchld-ignored", prepare_ignored, check_ignored, spoil_children},
		{"sigchld-no-wait", prepare_no_wait, check_no_wait, spoil_children},
	};
	return (struct kinds){list, countof(list)};
}
