#include "checkpoint/key.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint/seal.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

void image_key_done(struct image_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

static int check_file(const char *path, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_say(err, ERR_SYSTEM, "the node's key %s is no file", path);
	if (st.st_uid != geteuid())
		return err_say(err, ERR_SYSTEM, "the node's key %s belongs to user %u, who may know it", path,
			       st.st_uid);
	if (st.st_mode & 077)
		return err_say(err, ERR_SYSTEM,
			       "the node's key %s has mode %03o, so that others may know it: remove it, and another is "
			       "made",
			       path, st.st_mode & 0777);
	if (st.st_size != IMAGE_KEY_LEN)
		return err_say(err, ERR_SYSTEM,
			       "the node's key %s has %lld bytes instead of %d: remove it, and another is made", path,
			       (long long)st.st_size, IMAGE_KEY_LEN);
	return 0;
}

static int read_bytes(const char *path, int fd, struct image_key *ret, struct err *err)
{
	cleanup_image_key struct image_key key;

	ssize_t n = pread(fd, key.bytes, sizeof(key.bytes), 0);
	if (n < 0)
		return err_set(err, errno, "read %s", path);
	if (n != sizeof(key.bytes))
		return err_set(err, EIO, "read %s", path);
	*ret = key;
	return 0;
}

/* -ENOENT, without a reason, if it is not there. */
static int read_key(const char *path, int dir, const char *name, struct image_key *ret, struct err *err)
{
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_set(err, errno, "open %s", path);

	int r = check_file(path, fd, err);
	return r < 0 ? r : read_bytes(path, fd, ret, err);
}

static int write_fresh(int dir, const char *name)
{
	cleanup_image_key struct image_key key;
	int r = seal_random(key.bytes, sizeof(key.bytes));
	if (r < 0)
		return r;

	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = io_write_all(fd, key.bytes, sizeof(key.bytes));
	return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

/* Whole, under a name of its own, then linked to the one that counts, where only the first succeeds. */
static int make_key(const char *path, int dir, const char *name, struct err *err)
{
	uint64_t n;
	int r = seal_random(&n, sizeof(n));
	if (r < 0)
		return err_set(err, -r, "get random bytes for %s", path);

	cleanup_free char *fresh = str_fmt(".%s.%016llx.new", name, (unsigned long long)n);
	r = write_fresh(dir, fresh);
	if (r == 0 && linkat(dir, fresh, dir, name, 0) < 0 && errno != EEXIST)
		r = -errno;
	unlinkat(dir, fresh, 0);
	if (r == 0)
		r = io_sync_dir(dir);
	return r < 0 ? err_set(err, -r, "make the node's key %s", path) : 0;
}

int image_key_load(const char *path, struct image_key *ret, struct err *err)
{
	cleanup_free char *for_dir = mem_strdup(path), *for_name = mem_strdup(path);
	const char *name = basename(for_name);
	cleanup_fd int dir = open(dirname(for_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, errno, "open the directory of %s", path);

	int r = read_key(path, dir, name, ret, err);
	if (r != -ENOENT)
		return r;
	r = make_key(path, dir, name, err);
	if (r == 0)
		r = read_key(path, dir, name, ret, err);
	return r == -ENOENT ? err_set(err, ENOENT, "open %s", path) : r;
}
