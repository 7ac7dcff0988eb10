/* Watches of inotify, on a file and on a directory of the VE's root. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INOTIFY, ON_FILE, ON_DIRECTORY };

static bool prepare_inotify(struct held *held)
{
	unlink("watched/born");
	mkdir("watched", 0755);
	held->fd[INOTIFY] = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!ok(held, held->fd[INOTIFY] >= 0, "inotify: %m") ||
	    !ok(held, file_write("watched-file", "x"), "a file: %m"))
		return false;
	held->fd[ON_FILE] = inotify_add_watch(held->fd[INOTIFY], "watched-file", IN_MODIFY | IN_ATTRIB);
	held->fd[ON_DIRECTORY] = inotify_add_watch(held->fd[INOTIFY], "watched", IN_CREATE | IN_DELETE);
	return ok(held, held->fd[ON_FILE] > 0 && held->fd[ON_DIRECTORY] > 0, "watch: %m");
}

/* Whether the next event is this one. */
static bool happens(struct held *held, int watch, uint32_t mask, const char *name)
{
	char bytes[sizeof(struct inotify_event) + 256] __attribute__((aligned(8)));
	const struct inotify_event *event = (const void *)bytes;
	ssize_t n = read(held->fd[INOTIFY], bytes, sizeof(struct inotify_event) + 32);

	return n > 0 && event->wd == watch && event->mask == mask && (!name || strcmp(event->name, name) == 0);
}

static bool check_inotify(struct held *held)
{
	char byte;
	int quiet = (int)read(held->fd[INOTIFY], &byte, 0) <= 0;
	int file = open("watched-file", O_WRONLY | O_CLOEXEC);

	bool done = ok(held, quiet && file >= 0 && put(file, "y"), "write: %m");
	close(file);
	done = done && ok(held, happens(held, held->fd[ON_FILE], IN_MODIFY, NULL), "it does not tell of the write");
	close(open("watched/born", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	done = done && ok(held, happens(held, held->fd[ON_DIRECTORY], IN_CREATE, "born"),
			  "it does not tell of a new file in the directory");
	unlink("watched/born");
	return done && ok(held, happens(held, held->fd[ON_DIRECTORY], IN_DELETE, "born"),
			  "it does not tell of a removal from the directory");
}

static bool spoil_inotify(struct held *held)
{
	return inotify_rm_watch(held->fd[INOTIFY], held->fd[ON_DIRECTORY]) == 0;
}

struct kinds watch_kinds(void)
{
	static const struct kind list[] = {
		{"inotify", prepare_inotify, check_inotify, spoil_inotify},
	};
	return (struct kinds){list, countof(list)};
}
