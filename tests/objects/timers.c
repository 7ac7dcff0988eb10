/* Timers of a process: POSIX timers, the interval timer, an alarm far away; and the clocks that they go by. */
#include "tests/objects/helper.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL (50 * MS)
#define TICKS 5
#define FAR 100000 /* seconds */
#define TIMER_SIGNAL (SIGRTMIN + 4)

static bool block(struct held *held, int signal)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, signal);
	return ok(held, sigprocmask(SIG_BLOCK, &signals, NULL) == 0, "block a signal: %m");
}

/* That many signals come, not sooner than the timer may send them. A signal that is pending already is the first. */
static bool goes_on(struct held *held, int signal)
{
	const struct timespec patience = {.tv_sec = 5};
	sigset_t signals;
	int64_t start = 0;

	sigemptyset(&signals);
	sigaddset(&signals, signal);
	for (unsigned i = 0; i <= TICKS + 1; i++) {
		if (!ok(held, sigtimedwait(&signals, NULL, &patience) == signal, "it does not go on: %m"))
			return false;
		if (i == 1)
			start = now(CLOCK_MONOTONIC);
	}
	int64_t took = now(CLOCK_MONOTONIC) - start;
	return ok(held, took >= (TICKS - 1) * INTERVAL && took < TICKS * INTERVAL + 2 * SECOND, "%d ticks took %ld ms",
		  TICKS, took / MS);
}

/* glibc's timer_t is the kernel's number of the timer as a pointer, which this kind keeps as it is. */
static bool prepare_posix(struct held *held)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = TIMER_SIGNAL};
	const struct timespec time = {.tv_nsec = INTERVAL};
	timer_t timer;

	if (!block(held, TIMER_SIGNAL) || !ok(held, timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "make it: %m"))
		return false;
	held->memory = timer;
	return ok(held, timer_settime(timer, 0, &(struct itimerspec){time, time}, NULL) == 0, "set it: %m");
}

static bool check_posix(struct held *held)
{
	struct itimerspec set;

	return ok(held, timer_gettime(held->memory, &set) == 0, "timer_gettime: %m") &&
	       ok(held, set.it_interval.tv_nsec == INTERVAL, "its interval is %ld ns", set.it_interval.tv_nsec) &&
	       goes_on(held, TIMER_SIGNAL);
}

static bool spoil_posix(struct held *held)
{
	return timer_settime(held->memory, 0, &(struct itimerspec){0}, NULL) == 0;
}

static bool prepare_itimer(struct held *held)
{
	const struct timeval time = {.tv_usec = INTERVAL / 1000};

	return block(held, SIGALRM) &&
	       ok(held, setitimer(ITIMER_REAL, &(struct itimerval){time, time}, NULL) == 0, "setitimer: %m");
}

static bool check_itimer(struct held *held)
{
	struct itimerval set;

	getitimer(ITIMER_REAL, &set);
	return ok(held, set.it_interval.tv_usec == INTERVAL / 1000, "its interval is %ld us",
		  set.it_interval.tv_usec) &&
	       goes_on(held, SIGALRM);
}

static bool spoil_itimer(struct held *held)
{
	(void)held;
	return setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL) == 0;
}

static bool prepare_alarm(struct held *held)
{
	held->since = now(CLOCK_MONOTONIC);
	return ok(held, alarm(FAR) == 0, "an alarm was set already");
}

/* What has passed of it may or may not include the time of the stop: no more than the clock says, within five seconds.
 */
static bool check_alarm(struct held *held)
{
	struct itimerval set;

	getitimer(ITIMER_REAL, &set);
	int64_t passed = (now(CLOCK_MONOTONIC) - held->since) / SECOND;
	return ok(held, set.it_value.tv_sec <= FAR && set.it_value.tv_sec >= FAR - passed - 5,
		  "%ld s are left of %d, and %ld have passed", set.it_value.tv_sec, FAR, passed);
}

static bool spoil_alarm(struct held *held)
{
	(void)held;
	return alarm(FAR / 2) > 0;
}

/* Neither goes backwards: the VE's time namespace hides the node that it is on and how long it was stopped. */
static bool prepare_clocks(struct held *held)
{
	held->memory = map_private(4096);
	return ok(held, held->memory != NULL, "memory: %m");
}

static bool check_clocks(struct held *held)
{
	static const struct {
		int clock;
		const char *name;
	} clocks[] = {{CLOCK_MONOTONIC, "monotonic"}, {CLOCK_BOOTTIME, "boottime"}, {CLOCK_MONOTONIC_RAW, "raw"}};
	int64_t *was = (int64_t *)(void *)held->memory;

	for (size_t i = 0; i < countof(clocks); i++) {
		int64_t is = now(clocks[i].clock);
		if (!ok(held, is >= was[i], "the %s clock went back by %ld ms", clocks[i].name, (was[i] - is) / MS))
			return false;
		was[i] = is;
	}
	return true;
}

static bool spoil_clocks(struct held *held)
{
	*(int64_t *)(void *)held->memory += 100000 * SECOND;
	return true;
}

struct kinds timers_kinds(void)
{
	static const struct kind list[] = {
		{"posix-timer", prepare_posix, check_posix, spoil_posix},
		{"itimer", prepare_itimer, check_itimer, spoil_itimer},
		{"alarm", prepare_alarm, check_alarm, spoil_alarm},
		{"clocks", prepare_clocks, check_clocks, spoil_clocks},
	};
	return (struct kinds){list, countof(list)};
}
