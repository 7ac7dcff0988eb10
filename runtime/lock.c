#include "runtime/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/criu_group.h"
#include "runtime/op.h"

static int open_lock(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_set(err, errno, "open the lock %s", path) : fd;
}

/* The file tells for people who holds it, as vzctl's lock files do: pid and verb. */
static int held_by(int fd, uint32_t ctid, struct err *err)
{
	char text[128] = "";
	char verb[32] = "?";
	int pid = 0;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%d\n%31s", &pid, verb);
	return err_say(err, ERR_LOCKED,
		       "Container already locked: CT %u is held by \"%s\" (pid %d); try again when it has ended", ctid,
		       verb, pid);
}

int lock_ve(const struct op *op, uint32_t ctid, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_LOCKS "/%u.lck", ctid);
	cleanup_fd int fd = open_lock(path, err);
	if (fd < 0)
		return fd;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return held_by(fd, ctid, err);
		return err_set(err, errno, "lock %s", path);
	}

	cleanup_free char *holder = str_fmt("%d\n%s\n", getpid(), op->verb);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, holder, strlen(holder), 0) < 0)
		return err_set(err, errno, "write the lock %s", path);
	criu_group_await(op->host, ctid);
	return steal_fd(&fd);
}

static int wait_for(const char *name, int how, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_LOCKS "/%s.lck", name);
	cleanup_fd int fd = open_lock(path, err);
	if (fd < 0)
		return fd;

	while (flock(fd, how) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "lock %s", path);
	return steal_fd(&fd);
}

int lock_node(const char *name, struct err *err)
{
	return wait_for(name, LOCK_EX, err);
}

int lock_node_shared(const char *name, struct err *err)
{
	return wait_for(name, LOCK_SH, err);
}
