/* Holds kernel objects over a checkpoint and a restore, and checks them afterwards.
 *
 * What CRIU 4.1 refuses or does not save has no kind here: io_uring, BPF, user, pid, uts, ipc and time namespaces
 * inside the VE, POSIX message queues, MADV_WIPEONFORK, CPU affinity, personality, timer slack, connections that TCP
 * has not yet given to accept(2), datagrams and netlink messages that nobody has read. */
#include "tests/objects/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct kinds family_at(size_t index)
{
	static struct kinds (*const families[])(void) = {
		pipes_kinds,	unix_kinds,    events_kinds, timers_kinds, sleeps_kinds,    watch_kinds,  locks_kinds,
		files_kinds,	memory_kinds,  maps_kinds,   ipc_kinds,	   threads_kinds,   family_kinds, signals_kinds,
		identity_kinds, limits_kinds,  words_kinds,  cpu_kinds,	   terminals_kinds, tcp_kinds,	  udp_kinds,
		sockopts_kinds, packets_kinds, cgroup_kinds, mounts_kinds, netns_kinds,
	};
	return index < countof(families) ? families[index]() : (struct kinds){0};
}

const struct kind *kind_at(size_t index)
{
	struct kinds kinds;

	for (size_t i = 0; (kinds = family_at(i)).list; i++) {
		if (index < kinds.n)
			return &kinds.list[index];
		index -= kinds.n;
	}
	return NULL;
}

const char *answer_ending(enum answer answer)
{
	static const char *const endings[] = {
		[READY] = "ready", [DEAD] = "dead",	  [OK] = "ok",
		[BAD] = "bad",	   [SKIPPED] = "skipped", [SPOILED] = "spoiled",
	};
	return endings[answer];
}

static int list(void)
{
	const struct kind *kind;

	for (size_t i = 0; (kind = kind_at(i)); i++)
		puts(kind->name);
	return 0;
}

/* What a child is that wants nothing but to be there with its words: see words.c. */
static _Noreturn void stay(void)
{
	for (;;)
		pause();
}

static int usage(void)
{
	fputs("usage: objects list\n"
	      "       objects hold DIR [NAME]... | DIR -NAME...\n"
	      "       objects check DIR\n"
	      "       objects spoil DIR\n"
	      "       objects echo-server ADDRESS PORT\n"
	      "       objects echo-client ADDRESS PORT COUNT INTERVAL_MS\n",
	      stderr);
	return 2;
}

int main(int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 2 && strcmp(verb, "list") == 0)
		return list();
	if (argc >= 3 && strcmp(verb, "hold") == 0)
		return hold(argv[2], argv + 3);
	if (argc == 3 && strcmp(verb, "check") == 0)
		return ask_check(argv[2]);
	if (argc == 3 && strcmp(verb, "spoil") == 0)
		return ask_spoil(argv[2]);
	if (argc == 4 && strcmp(verb, "echo-server") == 0)
		return echo_serve(argv[2], argv[3]);
	if (argc == 6 && strcmp(verb, "echo-client") == 0)
		return echo_call(argv[2], argv[3], (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
	if (argc > 2 && strcmp(verb, "stay") == 0)
		stay();
	return usage();
}
