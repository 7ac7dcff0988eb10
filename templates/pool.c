/* The embedded default is an image file, so that a node needs no partition of its own. It is made under a lock on the
 * directory that it is going to cover, and what is found there decides everything: nothing remembers that a pool was
 * made. */
#include "templates/pool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "templates/loop.h"
#include "templates/names.h"

#define MIB (UINT64_C(1) << 20)
#define SIZE_MIN (1024 * MIB)

/* A setuid file of a VE is on disk a setuid file of the node's root: nobody else gets near it. */
static const char *const folders[] = {"dump", "private", "root", "snapshot", "template"};

/* Who hears of what is being made. */
struct listener {
	void (*say)(void *ctx, const char *text);
	void *ctx;
};

/* XFS's way to ask works for every file system that keeps quota. */
static bool keeps_project_quota(int dir)
{
	struct fs_quota_stat stat = {.qs_version = FS_QSTAT_VERSION};
	return syscall(SYS_quotactl_fd, dir, QCMD(Q_XGETQSTAT, PRJQUOTA), 0, &stat) == 0 &&
	       (stat.qs_flags & FS_QUOTA_PDQ_ENFD);
}

static int open_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open %s", path);
	return fd;
}

/* The image is sparse, but one that outgrows its disk would fail the writes of all VEs at once. */
static int choose_size(const struct pool_config *config, uint64_t *ret_size, struct err *err)
{
	cleanup_free char *copy = mem_strdup(config->image);
	const char *place = dirname(copy);
	struct statvfs st;
	if (statvfs(place, &st) < 0)
		return err_set(err, errno, "look for room for the pool in %s", place);

	uint64_t room = (uint64_t)st.f_bavail * st.f_frsize;
	uint64_t size = config->size ? config->size : room / 4 * 3 / MIB * MIB;
	if (size < SIZE_MIN)
		size = SIZE_MIN;
	if (size > room)
		return err_say(err, ERR_NO_SPACE,
			       "cannot make the pool %s: it needs %" PRIu64 " MiB, and %s has %" PRIu64 " MiB free",
			       config->image, size / MIB, place, room / MIB);
	*ret_size = size;
	return 0;
}

static int make_sparse(const char *path, uint64_t size, struct err *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, errno, "make %s", path);
	if (ftruncate(fd, (off_t)size) < 0)
		return err_set(err, errno, "make %s %" PRIu64 " MiB long", path, size / MIB);
	return 0;
}

static int format_image(const char *path, struct err *err)
{
	const char *const argv[] = {"mkfs.xfs", "-q", "-f", "-m", "reflink=1", path, NULL};
	int r = proc_run(AT_FDCWD, argv, err);
	if (r < 0)
		return r;

	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_set(err, errno, "write %s to disk", path);
	return 0;
}

static int publish_image(const char *temporary, const char *image, struct err *err)
{
	if (rename(temporary, image) < 0)
		return err_set(err, errno, "rename %s to %s", temporary, image);

	cleanup_free char *copy = mem_strdup(image);
	cleanup_fd int dir = open_dir(dirname(copy), err);
	if (dir < 0)
		return dir;
	int r = io_sync_dir(dir);
	return r < 0 ? err_set(err, -r, "write the directory of %s to disk", image) : 0;
}

static int make_image(const struct pool_config *config, const struct listener *listener, struct err *err)
{
	cleanup_free char *temporary = str_fmt("%s.new", config->image);
	uint64_t size = 0;

	int r = choose_size(config, &size, err);
	if (r < 0)
		return r;

	cleanup_free char *text = str_fmt("making the pool %s of %" PRIu64 " MiB", config->image, size / MIB);
	if (listener->say)
		listener->say(listener->ctx, text);
	r = make_sparse(temporary, size, err);
	if (r == 0)
		r = format_image(temporary, err);
	if (r == 0)
		r = publish_image(temporary, config->image, err);
	if (r < 0)
		unlink(temporary);
	return r;
}

/* The image's file, made first if there is none. */
static int open_image(const struct pool_config *config, const struct listener *listener, struct err *err)
{
	int fd = open(config->image, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_set(err, errno, "open the pool %s", config->image);

	int r = make_image(config, listener, err);
	if (r < 0)
		return r;
	fd = open(config->image, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open the pool %s", config->image);
	return fd;
}

/* What VEs delete is given back to the disk under the image: discard. */
static int make_mount(const char *device, const char *image, struct err *err)
{
	static const char *const flags[] = {"prjquota", "discard"};
	cleanup_fd int context = fsopen("xfs", FSOPEN_CLOEXEC);
	if (context < 0)
		return err_set(err, errno, "mount %s: the kernel has no XFS", image);

	if (fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) < 0)
		return err_set(err, errno, "mount %s: set its device", image);
	for (size_t i = 0; i < countof(flags); i++)
		if (fsconfig(context, FSCONFIG_SET_FLAG, flags[i], NULL, 0) < 0)
			return err_set(err, errno, "mount %s: set %s", image, flags[i]);
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(err, errno, "mount %s (the kernel's log says more)", image);

	int fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0)
		return err_set(err, errno, "mount %s", image);
	return fd;
}

static int mount_image(const struct pool_config *config, const struct listener *listener, int dir, struct err *err)
{
	cleanup_fd int image = open_image(config, listener, err);
	if (image < 0)
		return image;

	cleanup_free char *device = NULL;
	cleanup_fd int loop = loop_open(image, config->image, &device, err);
	if (loop < 0)
		return loop;
	cleanup_fd int mount = make_mount(device, config->image, err);
	if (mount < 0)
		return mount;
	if (move_mount(mount, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(err, errno, "mount %s on %s", config->image, config->dir);
	return 0;
}

static int refuse_to_hide(const char *path, int dir, struct err *err)
{
	cleanup_names struct names names = {0};

	int r = names_read(dir, ".", &names);
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	if (names.n > 0)
		return err_say(
			err, ERR_QUOTA,
			"cannot use %s as the pool: its file system keeps no project quota, and a pool mounted there "
			"would hide what it holds (%s …); mount it with project quota (XFS: prjquota), or empty it",
			path, names.name[0]);
	return 0;
}

static int make_folders(int pool, struct err *err)
{
	for (size_t i = 0; i < countof(folders); i++) {
		if (mkdirat(pool, folders[i], 0700) < 0 && errno != EEXIST)
			return err_set(err, errno, "make %s in the pool", folders[i]);
		cleanup_fd int fd = openat(pool, folders[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_set(err, errno, "open %s in the pool", folders[i]);
		if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0700) < 0)
			return err_set(err, errno, "close %s in the pool to others", folders[i]);
	}
	return 0;
}

/* Mount the image over `dir` and return the directory that is there now. */
static int cover(const struct pool_config *config, const struct listener *listener, int dir, struct err *err)
{
	int r = refuse_to_hide(config->dir, dir, err);
	if (r == 0)
		r = mount_image(config, listener, dir, err);
	if (r < 0)
		return r;

	cleanup_fd int pool = open_dir(config->dir, err);
	if (pool < 0)
		return pool;
	if (!keeps_project_quota(pool))
		return err_say(err, ERR_QUOTA,
			       "cannot use %s as the pool: %s is mounted there and keeps no project quota", config->dir,
			       config->image);
	return steal_fd(&pool);
}

/* Who held the lock before us may have mounted the pool: the directory is looked up again once we have it. */
int pool_open(const struct pool_config *config, void (*say)(void *ctx, const char *text), void *ctx, struct err *err)
{
	const struct listener listener = {.say = say, .ctx = ctx};

	int r = io_mkdir_all(AT_FDCWD, config->dir, 0755);
	if (r < 0)
		return err_set(err, -r, "make %s", config->dir);
	cleanup_fd int lock = open_dir(config->dir, err);
	if (lock < 0)
		return lock;
	if (flock(lock, LOCK_EX) < 0)
		return err_set(err, errno, "lock %s", config->dir);

	cleanup_fd int pool = open_dir(config->dir, err);
	if (pool >= 0 && !keeps_project_quota(pool)) {
		int covered = cover(config, &listener, pool, err);
		fd_close(pool);
		pool = covered;
	}
	if (pool < 0)
		return pool;

	r = make_folders(pool, err);
	return r < 0 ? r : steal_fd(&pool);
}
