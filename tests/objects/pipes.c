/* Pipes and fifos with bytes in them. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS "bytes on their way"
#define ROOM 131072 /* of a pipe that is larger than usual: twice the default */

static int waiting_in(int fd)
{
	int n = -1;

	return ioctl(fd, FIONREAD, &n) < 0 ? -1 : n;
}

static bool prepare_pipe(struct held *held)
{
	return ok(held, pipe2(held->fd, O_CLOEXEC) == 0, "pipe: %m") &&
	       ok(held, fcntl(held->fd[1], F_SETPIPE_SZ, ROOM) == ROOM, "size of the pipe: %m") &&
	       ok(held, put(held->fd[1], WORDS), "write: %m");
}

/* Reading takes the bytes out, and they are put back. */
static bool passes(struct held *held)
{
	int n = waiting_in(held->fd[0]);

	return ok(held, n == sizeof(WORDS) - 1, "%d bytes are in it, not %zu", n, sizeof(WORDS) - 1) &&
	       ok(held, get(held->fd[0], WORDS), "other bytes are in it") &&
	       ok(held, put(held->fd[1], WORDS), "it takes no more: %m");
}

static bool check_pipe(struct held *held)
{
	int size = fcntl(held->fd[1], F_GETPIPE_SZ);

	return passes(held) && ok(held, size == ROOM, "it has room for %d bytes", size) &&
	       ok(held, fcntl(held->fd[0], F_GETFD) == FD_CLOEXEC, "it is not closed on exec any more");
}

static bool spoil_pipe(struct held *held)
{
	return get(held->fd[0], "bytes");
}

static bool prepare_fifo(struct held *held)
{
	unlink("fifo-file");
	if (!ok(held, mkfifo("fifo-file", 0600) == 0, "make a fifo: %m"))
		return false;
	held->fd[0] = open("fifo-file", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	held->fd[1] = open("fifo-file", O_WRONLY | O_CLOEXEC);
	return ok(held, held->fd[0] >= 0 && held->fd[1] >= 0, "open: %m") &&
	       ok(held, put(held->fd[1], WORDS), "write: %m");
}

/* One that opens it anew meets the same bytes. */
static bool check_fifo(struct held *held)
{
	int again = open("fifo-file", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	bool done = ok(held, again >= 0, "open it anew: %m") && passes(held) &&
		    ok(held, put(again, "x"), "write: %m") &&
		    ok(held, get(held->fd[0], WORDS "x"), "what another opening writes does not come through") &&
		    ok(held, put(held->fd[1], WORDS), "write: %m") &&
		    ok(held, fcntl(held->fd[0], F_GETFL) & O_NONBLOCK, "it blocks now");
	if (again >= 0)
		close(again);
	return done;
}

struct kinds pipes_kinds(void)
{
	static const struct kind list[] = {
		{"pipe", prepare_pipe, check_pipe, spoil_pipe},
		{"fifo", prepare_fifo, check_fifo, spoil_pipe},
	};
	return (struct kinds){list, countof(list)};
}
