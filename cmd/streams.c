#include "cmd/streams.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "cmd/terminal.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static int copy(int fd, struct err *err)
{
	int r = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return r < 0 ? err_set(err, errno, "duplicate a descriptor") : r;
}

/* Ours must not block the pump; both ends of a pipe have flags of their own. */
static int open_pipe(struct streams *streams, int fd, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");

	int theirs = fd == STDIN_FILENO ? ends[0] : ends[1];
	int ours = fd == STDIN_FILENO ? ends[1] : ends[0];
	struct pump *pump = &streams->pumps[streams->n_pumps++];
	if (fd == STDIN_FILENO)
		pump_init(pump, fd, ours, ours);
	else
		pump_init(pump, ours, fd, ours);

	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0) {
		int r = err_set(err, errno, "set up a pipe");
		fd_close(theirs);
		return r;
	}
	return theirs;
}

/* A pipe that ends at once. */
static int open_empty(struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");
	fd_close(ends[1]);
	return ends[0];
}

/* A named pipe is a file of the node: its permissions are for the node's users. */
static bool is_anonymous_pipe(int fd)
{
	struct statfs st;
	return fstatfs(fd, &st) == 0 && st.f_type == PIPEFS_MAGIC;
}

static bool is_null(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* A background job that read from its terminal would be stopped. */
static bool is_empty(int fd)
{
	return is_null(fd) || (isatty(fd) && !terminal_is_ours(fd));
}

static int open_end(struct streams *streams, int fd, struct err *err)
{
	if (is_anonymous_pipe(fd))
		return copy(fd, err);
	if (fd == STDIN_FILENO && is_empty(fd))
		return open_empty(err);
	return open_pipe(streams, fd, err);
}

static bool same_file(int a, int b)
{
	struct stat x, y;
	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What goes to one file goes through one pipe: `>log 2>&1` keeps its order. */
static int open_errors(struct streams *streams, struct err *err)
{
	if (same_file(STDOUT_FILENO, STDERR_FILENO))
		return copy(streams->ends[STDOUT_FILENO], err);
	return open_end(streams, STDERR_FILENO, err);
}

int streams_open(struct streams *ret, struct err *err)
{
	struct streams streams = {.ends = {-1, -1, -1}};

	int r = streams.ends[STDIN_FILENO] = open_end(&streams, STDIN_FILENO, err);
	if (r >= 0)
		r = streams.ends[STDOUT_FILENO] = open_end(&streams, STDOUT_FILENO, err);
	if (r >= 0)
		r = streams.ends[STDERR_FILENO] = open_errors(&streams, err);
	if (r < 0) {
		streams_done(&streams);
		return r;
	}
	*ret = streams;
	return 0;
}

void streams_done(struct streams *streams)
{
	for (size_t i = 0; i < streams->n_pumps; i++)
		pump_done(&streams->pumps[i]);
	for (size_t i = 0; i < countof(streams->ends); i++)
		streams->ends[i] = fd_close(streams->ends[i]);
	streams->n_pumps = 0;
}
