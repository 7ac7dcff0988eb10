/* Processes that are asleep when they are stopped.
 *
 * A sleep until a moment goes on after a restore, and on time by its clock. A sleep for a time is ended by EINTR there:
 * CRIU cannot put the rest of it back into the kernel. Both are right here, as long as the sleeper that sleeps the rest
 * by its clock is not early, and late by no more than the stop. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define LENGTH (700 * MS)
#define LATE (3 * SECOND)

struct sleeper {
	volatile unsigned slept; /* sleeps, to their end */
	volatile unsigned early;
	volatile int64_t until; /* monotonic: end of the sleep in progress */
};

static struct timespec time_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
}

/* One sleep; after EINTR the rest of it. */
static void sleep_once(struct sleeper *sleeper, bool absolute)
{
	int64_t until = now(CLOCK_MONOTONIC) + LENGTH, rest;
	int r;

	sleeper->until = until;
	do {
		rest = until - now(CLOCK_MONOTONIC);
		struct timespec time = time_of(absolute ? until : rest > 0 ? rest : 0);
		r = clock_nanosleep(CLOCK_MONOTONIC, absolute ? TIMER_ABSTIME : 0, &time, NULL);
	} while (r == EINTR);

	sleeper->early += now(CLOCK_MONOTONIC) < until;
	sleeper->slept++;
}

static bool prepare(struct held *held, bool absolute)
{
	held->memory = map_shared(4096);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	held->pid = child();
	while (held->pid == 0)
		sleep_once((struct sleeper *)(void *)held->memory, absolute);
	return ok(held, held->pid > 0, "fork: %m");
}

static bool prepare_for(struct held *held)
{
	return prepare(held, false);
}

static bool prepare_until(struct held *held)
{
	return prepare(held, true);
}

/* Its moment may have passed during the stop, if the clock did not stand still: then it wakes up at once. */
static bool check_sleep(struct held *held)
{
	struct sleeper *sleeper = (void *)held->memory;
	int64_t start = now(CLOCK_MONOTONIC), left = sleeper->until - start;

	if (!ok(held, left <= LENGTH, "it would sleep for another %ld ms", left / MS) ||
	    !ok(held, grows(&sleeper->slept, sleeper->slept), "it does not wake up"))
		return false;
	int64_t took = now(CLOCK_MONOTONIC) - start;
	return ok(held, sleeper->early == 0, "it woke up too early") &&
	       ok(held, took < LENGTH + LATE, "it took %ld ms to wake up", took / MS);
}

static bool spoil_sleep(struct held *held)
{
	return kill(held->pid, SIGSTOP) == 0;
}

struct kinds sleeps_kinds(void)
{
	static const struct kind list[] = {
		{"sleep", prepare_for, check_sleep, spoil_sleep},
		{"sleep-until", prepare_until, check_sleep, spoil_sleep},
	};
	return (struct kinds){list, countof(list)};
}
