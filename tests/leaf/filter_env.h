/* A node in a network namespace of its own, with guests of every kind, a world outside, and a packet filter of its own
 * in a child. Addresses and interfaces are there from the start; nothing is filtered before it is admitted.
 *
 *     routed1, routed2      venet1, venet2       10.7.0.N, fd07::N
 *     bridged1 to bridged3  veth1 to 3 on br0    10.9.0.N, fd09::N
 *     learner1, learner2    veth4, veth5 on br0  10.9.0.4, .5, not declared
 *     loose                 veth6 on br0         10.9.0.6, not declared, any MAC
 *     unbridged             veth7                10.8.0.7, fd08::7
 *     the node              br0, wan0            10.9.0.254, 192.0.2.1; fd09::fe, 2001:db8::1
 *     world                 behind wan0          192.0.2.9, 2001:db8::9, without a route to any of them */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "netns/filter.h"
#include "tests/spoof/tap.h"

enum place { ROUTED1, ROUTED2, BRIDGED1, BRIDGED2, BRIDGED3, LEARNER1, LEARNER2, LOOSE, UNBRIDGED, WORLD, N_PLACES };

struct filter_env {
	int node, netns[N_PLACES];
	int taps[N_PLACES];		/* tap_open */
	struct net_guest guests[WORLD]; /* what each is admitted as */
	pid_t filter;
};

/* Setup and teardown of a test; both leave us in the node's namespace. */
int filter_setup(void **state);
int filter_teardown(void **state);

/* Rebuild with `policy` (NULL: of no opinion), admitting everybody; and take everything away again. */
void filter_on(const struct filter_env *env, const struct filter_policy *policy);
void filter_off(void);

void filter_start(struct filter_env *env);
void filter_kill(struct filter_env *env); /* with SIGKILL */

void go(const struct filter_env *env, enum place place);
void go_home(const struct filter_env *env);

/* Who is at that place, as far as probes want to know. */
struct who who_at(enum place place);

/* From `from` on the link, to everybody there, or to the router: as BRIDGED3 or ROUTED2 would. */
struct cast cast_for(enum place from, enum place to, enum place victim);

int listen_at(const struct filter_env *env, enum place place); /* tap_listen */
void send_from(const struct filter_env *env, enum place place, const struct probe *probe, const struct cast *cast);

/* Does the named probe get from `from` to a socket of tap_listen? Both kinds of answer come soon: an honest one is sent
 * after it. */
bool passes(const struct filter_env *env, int listener, enum place from, const char *name, const struct cast *cast);

/* A TCP server in the namespace that we are in, on any address; one answer for each caller. */
int serve_tcp(int family, uint16_t port);

/* Connect, within two seconds. 0 or a negative errno. */
int try_tcp(const char *ip, uint16_t port);

/* Whom did the server see? Waits for him. The text is the caller's, IP_TEXT bytes. */
const char *caller_of(int server, char *text);
