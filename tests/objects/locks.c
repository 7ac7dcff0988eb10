/* Locks of files, tried from outside by a child that opens the file anew. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FROM 100 /* bytes that are locked */
#define LENGTH 50

static bool prepare_file(struct held *held, const char *name)
{
	snprintf(held->text, sizeof(held->text), "%s", name);
	held->fd[0] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return ok(held, held->fd[0] >= 0 && ftruncate(held->fd[0], 4096) == 0, "a file: %m");
}

static int anew(const struct held *held)
{
	return open(held->text, O_RDWR | O_CLOEXEC);
}

static bool prepare_flock(struct held *held)
{
	return prepare_file(held, "flock-file") && ok(held, flock(held->fd[0], LOCK_EX | LOCK_NB) == 0, "flock: %m");
}

static bool is_flocked(struct held *held)
{
	int fd = anew(held);

	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool check_flock(struct held *held)
{
	return ok(held, in_child(held, is_flocked), "another process can lock the file");
}

static bool spoil_flock(struct held *held)
{
	return flock(held->fd[0], LOCK_UN) == 0;
}

static struct flock range(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = FROM, .l_len = LENGTH};
}

static bool set(struct held *held, int command, short type)
{
	struct flock lock = range(type);

	return ok(held, fcntl(held->fd[0], command, &lock) == 0, "lock a range: %m");
}

/* Who holds the lock that keeps others from reading the file; 0: nobody. An open file's lock has no holder: -1. */
static pid_t holder(struct held *held)
{
	struct flock lock = range(F_RDLCK);

	lock.l_start = 0;
	lock.l_len = 0;
	if (fcntl(anew(held), F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_start == FROM && lock.l_len == LENGTH ? lock.l_pid : 0;
}

static bool prepare_posix(struct held *held)
{
	return prepare_file(held, "posix-lock-file") && set(held, F_SETLK, F_WRLCK);
}

static bool is_the_parents(struct held *held)
{
	return holder(held) == getppid();
}

static bool check_posix(struct held *held)
{
	return ok(held, in_child(held, is_the_parents), "the range is not locked by this process");
}

static bool spoil_posix(struct held *held)
{
	return set(held, F_SETLK, F_UNLCK);
}

static bool prepare_ofd(struct held *held)
{
	return prepare_file(held, "ofd-lock-file") && set(held, F_OFD_SETLK, F_WRLCK);
}

static bool is_nobodys(struct held *held)
{
	return holder(held) == -1;
}

static bool check_ofd(struct held *held)
{
	return ok(held, in_child(held, is_nobodys), "the range is not locked by the open file");
}

static bool spoil_ofd(struct held *held)
{
	return set(held, F_OFD_SETLK, F_UNLCK);
}

static bool prepare_lease(struct held *held)
{
	if (!prepare_file(held, "lease-file"))
		return false;
	close(held->fd[0]);
	held->fd[0] = open("lease-file", O_RDONLY | O_CLOEXEC);
	if (fcntl(held->fd[0], F_SETLEASE, F_RDLCK) < 0)
		return skip(held, "no lease is to be had on this file system: %m");
	return true;
}

/* Who would write has to wait, or is told that he would have to. */
static bool must_wait(struct held *held)
{
	return open(held->text, O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0 && errno == EWOULDBLOCK;
}

/* Breaking it sends SIGIO, which is not waited for, and it is taken anew. */
static bool check_lease(struct held *held)
{
	int lease = fcntl(held->fd[0], F_GETLEASE);

	if (!ok(held, lease == F_RDLCK, "the lease is of type %d", lease))
		return false;
	signal(SIGIO, SIG_IGN);
	bool done = ok(held, in_child(held, must_wait), "another process can write to the file");
	fcntl(held->fd[0], F_SETLEASE, F_UNLCK);
	return ok(held, fcntl(held->fd[0], F_SETLEASE, F_RDLCK) == 0, "take the lease anew: %m") && done;
}

static bool spoil_lease(struct held *held)
{
	return fcntl(held->fd[0], F_SETLEASE, F_UNLCK) == 0;
}

struct kinds locks_kinds(void)
{
	static const struct kind list[] = {
		{"flock", prepare_flock, check_flock, spoil_flock},
		{"posix-lock", prepare_posix, check_posix, spoil_posix},
		{"ofd-lock", prepare_ofd, check_ofd, spoil_ofd},
		{"lease", prepare_lease, check_lease, spoil_lease},
	};
	return (struct kinds){list, countof(list)};
}
