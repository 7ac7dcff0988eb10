/* Two network namespaces of the test's own: the node, in which the test runs, and another one, there. */
#pragma once

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netns/netns.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"

struct env {
	int node, there;
	struct netns home, guest; /* the same, to speak in */
};

static inline int new_netns(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline void enter(int netns)
{
	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
}

static inline struct netns opened(int fd)
{
	struct netns netns = {0};
	struct err err = {0};

	if (netns_open(fd, &netns, &err) < 0)
		fail_msg("%s", err.text);
	return netns;
}

static inline int netns_setup(void **state)
{
	struct env *env = mem_zero(1, sizeof(*env));

	env->there = new_netns();
	env->node = new_netns();
	env->home = opened(NETNS_OWN);
	env->guest = opened(env->there);
	*state = env;
	return 0;
}

static inline int netns_teardown(void **state)
{
	struct env *env = *state;
	netns_close(&env->home);
	netns_close(&env->guest);
	fd_close(env->node);
	fd_close(env->there);
	free(env);
	return 0;
}

/* A program by its words. */
static inline int try_program(const char *words)
{
	struct err err = {0};
	char *argv[32] = {0}, text[512], *rest = text;

	snprintf(text, sizeof(text), "%s", words);
	for (size_t i = 0; i < countof(argv) - 1 && rest; i++)
		argv[i] = strsep(&rest, " ");
	return proc_run(AT_FDCWD, (const char *const *)argv, &err);
}

static inline void program(const char *words)
{
	if (try_program(words) < 0)
		fail_msg("%s", words);
}

static inline void program_there(const struct env *env, const char *words)
{
	enter(env->there);
	program(words);
	enter(env->node);
}

/* A pair of links, up: one end here under the one name, the other there under the other. */
static inline void link_pair(const struct env *env, const char *name, const char *mac, const char *peer,
			     const char *peer_mac)
{
	char words[256];

	snprintf(words, sizeof(words),
		 "ip link add %s address %s type veth peer name %s address %s netns /proc/%d/fd/%d", name, mac, peer,
		 peer_mac, getpid(), env->there);
	program(words);
	snprintf(words, sizeof(words), "ip link set %s up", name);
	program(words);
	snprintf(words, sizeof(words), "ip link set %s up", peer);
	program_there(env, words);
}

static inline double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

#define assert_done(r, err)                                                                                            \
	do {                                                                                                           \
		if ((r) < 0)                                                                                           \
			fail_msg("%s", (err).text);                                                                    \
	} while (0)
