/* The words that a process was started with, as /proc shows them, and its name. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NAME "objects: held"

/* Its arguments: an empty one, and one with spaces. "stay" is a command of ours that does nothing. */
static const char arguments[] = "objects\0stay\0a b c\0\0--last";
static const char variables[] = "HOME=/nowhere\0WORD=held over\0EMPTY=";

static bool prepare_words(struct held *held)
{
	char *argv[] = {"objects", "stay", "a b c", "", "--last", NULL};
	char *envp[] = {"HOME=/nowhere", "WORD=held over", "EMPTY=", NULL};

	held->pid = child();
	if (held->pid == 0) {
		execve("/proc/self/exe", argv, envp);
		_exit(1);
	}
	for (unsigned i = 0; i < 500; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/environ", held->pid);
		if (file_says(path, "HOME=/nowhere"))
			return true;
		pause_ms(10);
	}
	return ok(held, false, "the child does not start");
}

static bool is(pid_t pid, const char *file, const char *bytes, size_t size)
{
	char path[64], read_bytes[512];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, read_bytes, sizeof(read_bytes));
	close(fd);
	return n == (ssize_t)size && memcmp(read_bytes, bytes, size) == 0;
}

static bool same_program(pid_t pid)
{
	char path[64], mine[256] = "", its[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink("/proc/self/exe", mine, sizeof(mine) - 1) > 0 && readlink(path, its, sizeof(its) - 1) > 0 &&
	       strcmp(mine, its) == 0;
}

static bool check_words(struct held *held)
{
	return ok(held, is(held->pid, "cmdline", arguments, sizeof(arguments)), "its arguments are others") &&
	       ok(held, is(held->pid, "environ", variables, sizeof(variables)), "its environment is another one") &&
	       ok(held, same_program(held->pid), "its program is another one");
}

static bool spoil_words(struct held *held)
{
	end_child(held->pid);
	return true;
}

static bool prepare_name(struct held *held)
{
	return ok(held, prctl(PR_SET_NAME, NAME) == 0, "prctl: %m");
}

static bool check_name(struct held *held)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	return ok(held, strcmp(name, NAME) == 0, "it is \"%s\"", name) &&
	       ok(held, file_says("/proc/self/comm", NAME), "/proc says another one");
}

static bool spoil_name(struct held *held)
{
	(void)held;
	return prctl(PR_SET_NAME, "spoiled") == 0;
}

static bool prepare_hostname(struct held *held)
{
	return ok(held, gethostname(held->text, sizeof(held->text)) == 0, "gethostname: %m");
}

static bool check_hostname(struct held *held)
{
	char name[64] = "";

	gethostname(name, sizeof(name));
	return ok(held, strcmp(name, held->text) == 0, "it is %s, and was %s", name, held->text);
}

static bool spoil_hostname(struct held *held)
{
	held->text[0] ^= 1;
	return true;
}

struct kinds words_kinds(void)
{
	static const struct kind list[] = {
		{"words", prepare_words, check_words, spoil_words},
		{"name", prepare_name, check_name, spoil_name},
		{"hostname", prepare_hostname, check_hostname, spoil_hostname},
	};
	return (struct kinds){list, countof(list)};
}
