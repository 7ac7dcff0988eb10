/* Open files that no name leads to any more, and what an opening remembers. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL 5000
#define LARGE (2 << 20)
#define PLACE 1234 /* offset of an opening */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static bool prepare_deleted(struct held *held, size_t size, const char *name)
{
	held->id = (int)size;
	held->fd[0] = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	return ok(held, held->fd[0] >= 0 && pattern_write(held->fd[0], size, 1), "write a file: %m") &&
	       ok(held, lseek(held->fd[0], PLACE, SEEK_SET) == PLACE, "seek: %m") &&
	       ok(held, unlink(name) == 0, "unlink: %m");
}

static bool prepare_small(struct held *held)
{
	return prepare_deleted(held, SMALL, "deleted-small");
}

static bool prepare_large(struct held *held)
{
	return prepare_deleted(held, LARGE, "deleted-large");
}

static bool check_deleted(struct held *held)
{
	struct stat st = {0};

	fstat(held->fd[0], &st);
	return ok(held, st.st_nlink == 0, "it has %lu names", st.st_nlink) &&
	       ok(held, st.st_size == held->id, "it has %ld bytes, not %d", st.st_size, held->id) &&
	       ok(held, (st.st_mode & 07777) == 0640, "its mode is %o", st.st_mode) &&
	       ok(held, pattern_read(held->fd[0], (size_t)held->id, 1), "its bytes are others") &&
	       ok(held, lseek(held->fd[0], 0, SEEK_CUR) == PLACE, "the offset has moved");
}

static bool spoil_deleted(struct held *held)
{
	return pwrite(held->fd[0], "xx", 2, 2000) == 2;
}

static bool prepare_tmpfile(struct held *held)
{
	held->id = SMALL;
	held->fd[0] = open(".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0640);
	if (held->fd[0] < 0)
		return skip(held, "no O_TMPFILE on this file system: %m");
	return ok(held, pattern_write(held->fd[0], SMALL, 1), "write: %m") &&
	       ok(held, lseek(held->fd[0], PLACE, SEEK_SET) == PLACE, "seek: %m");
}

static bool prepare_deleted_cwd(struct held *held)
{
	struct stat st;

	mkdir("deleted-cwd", 0700);
	if (!ok(held, chdir("deleted-cwd") == 0 && rmdir("../deleted-cwd") == 0, "remove the working directory: %m"))
		return false;
	return ok(held, stat(".", &st) == 0, "stat: %m");
}

static bool check_deleted_cwd(struct held *held)
{
	struct stat st = {0};
	char path[512] = "";

	stat(".", &st);
	ssize_t n = readlink("/proc/self/cwd", path, sizeof(path) - 1);
	return ok(held, S_ISDIR(st.st_mode) && st.st_nlink == 0, "the working directory has %lu names", st.st_nlink) &&
	       ok(held, n > 0 && strstr(path, "deleted-cwd"), "the working directory is %s", path);
}

static bool spoil_deleted_cwd(struct held *held)
{
	return chdir(held->where) == 0;
}

static bool prepare_append(struct held *held)
{
	unlink("append-file");
	held->fd[0] = open("append-file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	held->id = 6;
	return ok(held, held->fd[0] >= 0 && put(held->fd[0], "begin\n"), "write: %m") &&
	       ok(held, lseek(held->fd[0], 0, SEEK_SET) == 0, "seek: %m");
}

/* What is written goes to the end, wherever the offset is, and moves it there. */
static bool check_append(struct held *held)
{
	int fd = held->fd[0];

	if (!ok(held, fcntl(fd, F_GETFL) & O_APPEND, "it does not append any more") ||
	    !ok(held, lseek(fd, 0, SEEK_CUR) == 0, "the offset has moved") || !ok(held, put(fd, "more\n"), "write: %m"))
		return false;
	held->id += 5;
	return ok(held, lseek(fd, 0, SEEK_CUR) == held->id, "the write did not go to the end") &&
	       ok(held, lseek(fd, 0, SEEK_SET) == 0 && get(fd, "begin\n"), "the bytes before are others") &&
	       ok(held, lseek(fd, 0, SEEK_SET) == 0, "seek: %m");
}

static bool spoil_append(struct held *held)
{
	return fcntl(held->fd[0], F_SETFL, 0) == 0;
}

/* Two descriptors of one opening, and one of another: the first two move together. */
static bool prepare_offset(struct held *held)
{
	held->fd[0] = open("offset-file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	held->fd[1] = fcntl(held->fd[0], F_DUPFD_CLOEXEC, 100);
	held->fd[2] = open("offset-file", O_RDONLY | O_CLOEXEC);
	return ok(held, held->fd[1] >= 100 && held->fd[2] >= 0, "open: %m") &&
	       ok(held, pattern_write(held->fd[0], SMALL, 2), "write: %m") &&
	       ok(held, lseek(held->fd[0], PLACE, SEEK_SET) == PLACE && lseek(held->fd[2], 7, SEEK_SET) == 7,
		  "seek: %m");
}

static bool check_offset(struct held *held)
{
	off_t place = lseek(held->fd[0], 1, SEEK_CUR);

	return ok(held, lseek(held->fd[1], -1, SEEK_CUR) == place - 1, "two descriptors of one opening have parted") &&
	       ok(held, place == PLACE + 1, "the offset is %ld", place - 1) &&
	       ok(held, lseek(held->fd[2], 0, SEEK_CUR) == 7, "the offset of the other opening has moved") &&
	       ok(held, pattern_read(held->fd[2], SMALL, 2), "the bytes are others");
}

static bool spoil_offset(struct held *held)
{
	return lseek(held->fd[2], 8, SEEK_SET) == 8;
}

static bool prepare_memfd(struct held *held)
{
	held->fd[0] = memfd_create("objects-held", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return ok(held, held->fd[0] >= 0 && pattern_write(held->fd[0], SMALL, 3), "memfd: %m") &&
	       ok(held, fcntl(held->fd[0], F_ADD_SEALS, SEALS) == 0, "seal it: %m");
}

static bool check_memfd(struct held *held)
{
	int seals = fcntl(held->fd[0], F_GET_SEALS);

	return ok(held, pattern_read(held->fd[0], SMALL, 3), "its bytes are others") &&
	       ok(held, seals == SEALS, "its seals are %#x, not %#x", seals, SEALS) &&
	       ok(held, ftruncate(held->fd[0], 1) < 0 && ftruncate(held->fd[0], LARGE) < 0, "it changes its size");
}

static bool spoil_memfd(struct held *held)
{
	return fcntl(held->fd[0], F_ADD_SEALS, F_SEAL_WRITE) == 0;
}

struct kinds files_kinds(void)
{
	static const struct kind list[] = {
		{"deleted-file", prepare_small, check_deleted, spoil_deleted},
		{"deleted-file-2m", prepare_large, check_deleted, spoil_deleted},
		{"tmpfile", prepare_tmpfile, check_deleted, spoil_deleted},
		{"deleted-cwd", prepare_deleted_cwd, check_deleted_cwd, spoil_deleted_cwd},
		{"append", prepare_append, check_append, spoil_append},
		{"offset", prepare_offset, check_offset, spoil_offset},
		{"memfd", prepare_memfd, check_memfd, spoil_memfd},
	};
	return (struct kinds){list, countof(list)};
}
