/* Threads: names, a condition that they wait for, and a robust mutex whose owner dies. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define THREADS 3

/* In private memory: what waits is the address, through a futex. */
struct crew {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	volatile unsigned round;	 /* that the threads are called to */
	volatile unsigned done[THREADS]; /* rounds of each */
	pid_t tids[THREADS];
	pthread_t threads[THREADS];
};

struct member {
	struct crew *crew;
	unsigned number;
};

static void *work(void *argument)
{
	struct member *member = argument;
	struct crew *crew = member->crew;
	char name[16];

	snprintf(name, sizeof(name), "held-%u", member->number);
	pthread_setname_np(pthread_self(), name);
	crew->tids[member->number] = gettid();
	pthread_mutex_lock(&crew->mutex);
	for (;;) {
		while (crew->done[member->number] == crew->round)
			pthread_cond_wait(&crew->changed, &crew->mutex);
		crew->done[member->number] = crew->round;
	}
	return NULL;
}

static bool prepare_threads(struct held *held)
{
	held->memory = map_private(sizeof(struct crew) + THREADS * sizeof(struct member));
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	struct crew *crew = (void *)held->memory;
	struct member *members = (void *)(crew + 1);
	pthread_mutex_init(&crew->mutex, NULL);
	pthread_cond_init(&crew->changed, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		members[i] = (struct member){crew, i};
		if (!ok(held, pthread_create(&crew->threads[i], NULL, work, &members[i]) == 0, "no thread"))
			return false;
	}
	for (unsigned i = 0; i < THREADS; i++)
		if (!ok(held, grows((volatile unsigned *)&crew->tids[i], 0), "a thread does not start"))
			return false;
	return true;
}

static bool check_threads(struct held *held)
{
	struct crew *crew = (void *)held->memory;

	pthread_mutex_lock(&crew->mutex);
	unsigned was = crew->round++;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->mutex);
	for (unsigned i = 0; i < THREADS; i++) {
		char path[64], name[16];
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", crew->tids[i]);
		snprintf(name, sizeof(name), "held-%u", i);
		if (!ok(held, grows(&crew->done[i], was), "thread %u does not wake up", i) ||
		    !ok(held, file_says(path, name), "thread %u has another number or name", i))
			return false;
	}
	return true;
}

static bool spoil_threads(struct held *held)
{
	struct crew *crew = (void *)held->memory;

	return pthread_setname_np(crew->threads[1], "spoiled") == 0;
}

/* In shared memory, locked by a child. */
struct inheritance {
	pthread_mutex_t mutex;
	volatile unsigned locked;
};

static void own(struct inheritance *inheritance)
{
	pthread_mutex_lock(&inheritance->mutex);
	inheritance->locked = 1;
	for (;;)
		pause();
}

static bool prepare_robust(struct held *held)
{
	pthread_mutexattr_t attributes;

	held->memory = map_shared(4096);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	struct inheritance *inheritance = (void *)held->memory;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&inheritance->mutex, &attributes);
	held->pid = child();
	if (held->pid == 0)
		own(inheritance);
	return ok(held, grows(&inheritance->locked, 0), "the child does not lock the mutex");
}

/* Once its owner is dead, who locks it is told so: the kernel knows the list of what the owner had locked. */
static bool check_robust(struct held *held)
{
	struct inheritance *inheritance = (void *)held->memory;

	int r = pthread_mutex_trylock(&inheritance->mutex);
	if (!ok(held, r == EBUSY, "it is not locked by the child: %s", strerror(r)))
		return false;
	end_child(held->pid);
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 5;
	r = pthread_mutex_timedlock(&inheritance->mutex, &end);
	return prepare_robust(held) && ok(held, r == EOWNERDEAD, "its owner's death goes unnoticed: %s", strerror(r));
}

static bool spoil_robust(struct held *held)
{
	end_child(held->pid);
	return true;
}

struct kinds threads_kinds(void)
{
	static const struct kind list[] = {
		{"threads", prepare_threads, check_threads, spoil_threads},
		{"robust-mutex", prepare_robust, check_robust, spoil_robust},
	};
	return (struct kinds){list, countof(list)};
}
