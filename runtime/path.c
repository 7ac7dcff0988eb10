#include "runtime/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static int resolve(int root, const char *path, int flags, uint64_t how)
{
	struct open_how open_how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | how,
	};
	long fd = syscall(SYS_openat2, root, path, &open_how, sizeof(open_how));
	return fd < 0 ? -errno : (int)fd;
}

static int refused(int r, const char *path, struct err *err)
{
	if (r == -ELOOP)
		return err_say(err, ERR_MOUNT,
			       "/%s in the VE is or passes through a symbolic link, which is refused here", path);
	return err_set(err, -r, "open /%s in the VE", path);
}

/* One component at a time, so that what is made is made in the very directory that was resolved. */
static int make_dirs(int root, const char *path, struct err *err)
{
	cleanup_free char *rest_of = mem_strdup(path);
	cleanup_fd int dir = resolve(root, ".", O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return refused(dir, path, err);

	char *rest = rest_of, *name;
	while ((name = strsep(&rest, "/"))) {
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return err_set(err, errno, "make /%s in the VE", path);
		int next = resolve(dir, name, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
		if (next < 0)
			return refused(next, path, err);
		fd_close(dir);
		dir = next;
	}
	return steal_fd(&dir);
}

int path_dir(int root, const char *path, bool make, struct err *err)
{
	int fd = resolve(root, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (fd == -ENOENT && make)
		return make_dirs(root, path, err);
	return fd < 0 ? refused(fd, path, err) : fd;
}

int path_node(int root, const char *path, struct err *err)
{
	int fd = resolve(root, path, O_PATH, RESOLVE_NO_SYMLINKS);
	return fd < 0 ? refused(fd, path, err) : fd;
}

int path_node_make(int root, const char *path, struct err *err)
{
	cleanup_fd int made = openat(root, path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0 && errno != EEXIST)
		return err_set(err, errno, "make /%s in the VE", path);
	return path_node(root, path, err);
}

bool path_is_program(int root, const char *path)
{
	struct stat st;
	cleanup_fd int fd = resolve(root, path, O_PATH, 0);
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

int path_device(int root, const char *path, dev_t device, struct err *err)
{
	struct stat st;
	cleanup_fd int fd = resolve(root, path, O_RDWR | O_NOCTTY | O_NONBLOCK, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return refused(fd, path, err);
	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "look at /%s in the VE", path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != device)
		return err_say(err, ERR_MOUNT, "/%s in the VE is not the device it should be", path);
	return steal_fd(&fd);
}
