/* The side that asks: sends each process of a run its signal and waits for what its supervisor writes down. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE (20 * SECOND)

/* What a process is asked, and how its answers are told. */
struct question {
	int signal;
	const char *done, *skipped;
};

static void path_of(char path[static PATH_MAX], const char *where, const char *name, const char *ending)
{
	snprintf(path, PATH_MAX, "%s/%s.%s", where, name, ending);
}

/* The first line of a file of the run; false if there is none. */
static bool read_file(const char *where, const char *name, const char *ending, char line[static 256])
{
	char path[PATH_MAX];

	path_of(path, where, name, ending);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, 256, file))
		line[0] = 0;
	fclose(file);
	line[strcspn(line, "\n")] = 0;
	return true;
}

static void forget(const char *where, const char *name)
{
	char path[PATH_MAX];

	for (enum answer answer = OK; answer <= SPOILED; answer++) {
		path_of(path, where, name, answer_ending(answer));
		unlink(path);
	}
}

static bool hear(const char *where, const char *name, enum answer *ret_answer, char reason[static 256])
{
	int64_t end = now(CLOCK_MONOTONIC) + PATIENCE;

	do {
		for (enum answer answer = DEAD; answer <= SPOILED; answer++)
			if (read_file(where, name, answer_ending(answer), reason)) {
				*ret_answer = answer;
				return true;
			}
		pause_ms(10);
	} while (now(CLOCK_MONOTONIC) < end);
	return false;
}

/* Returns whether the answer is a good one. */
static bool ask(const char *where, const char *name, pid_t pid, const struct question *question)
{
	enum answer answer = BAD;
	char reason[256] = "";

	forget(where, name);
	if (read_file(where, name, answer_ending(DEAD), reason))
		answer = DEAD;
	else if (kill(pid, question->signal) < 0)
		snprintf(reason, sizeof(reason), "its process %d: %s", pid, strerror(errno));
	else if (!hear(where, name, &answer, reason))
		snprintf(reason, sizeof(reason), "no answer from process %d", pid);

	if (answer == OK || answer == SPOILED)
		printf("%s %s\n", question->done, name);
	else if (answer == SKIPPED)
		printf("%s %s: %s\n", question->skipped, name, reason);
	else
		printf("not ok %s: %s\n", name, reason);
	fflush(stdout);
	return answer != BAD && answer != DEAD;
}

static int ask_all(const char *where, const struct question *question)
{
	const struct kind *kind;
	unsigned asked = 0, failed = 0;
	char line[256];

	for (size_t i = 0; (kind = kind_at(i)); i++)
		if (read_file(where, kind->name, "pid", line)) {
			asked++;
			failed += !ask(where, kind->name, (pid_t)atoi(line), question);
		}
	if (asked == 0)
		fprintf(stderr, "objects: %s: nothing is held there\n", where);
	return asked == 0 || failed > 0;
}

int ask_check(const char *where)
{
	return ask_all(where, &(struct question){SIGUSR1, "ok", "skipped"});
}

int ask_spoil(const char *where)
{
	return ask_all(where, &(struct question){SIGUSR2, "spoiled", "kept"});
}
