/* An overlay's layers must be attached in the mount namespace of who mounts it, and what the overlay makes for itself
 * belongs to the mounter, who must be somebody on the idmapped layers: host root is nobody there, the VE's root is not.
 * So the mount is made by a process with both of its own. It shares our memory and our descriptors and we sleep until
 * it is gone (vfork): it is a call under another identity, and costs little more than one. */
#include "templates/store.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "runtime/base/creds.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "templates/idmount.h"
#include "templates/names.h"

#define STACK_SIZE (64u << 10)

static int open_layer(int layers, const char *digest, struct err *err)
{
	cleanup_free char *path = str_fmt("%s/root", digest);
	int fd = openat(layers, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open the template layer %s", digest);
	return fd;
}

/* The upper directory's owner and mode are those of the VE's root directory. */
static int fill_overlay(int private, int layers, const char *digest, struct err *err)
{
	cleanup_fd int layer = open_layer(layers, digest, err);
	if (layer < 0)
		return layer;

	struct stat st;
	if (fstat(layer, &st) < 0)
		return err_set(err, errno, "look at the template layer %s", digest);
	if (mkdirat(private, "fs", 0700) < 0 || fchownat(private, "fs", st.st_uid, st.st_gid, 0) < 0 ||
	    fchmodat(private, "fs", st.st_mode & 07777, 0) < 0)
		return err_set(err, errno, "make the directory fs of a private area");
	if (mkdirat(private, "work", 0700) < 0)
		return err_set(err, errno, "make the directory work of a private area");
	/* What was made in it before is in the journal before. */
	return fsync(private) < 0 ? err_set(err, errno, "write a private area to disk") : 0;
}

static int fill_private(int private, int layers, const char *digest, struct err *err)
{
	cleanup_free char *from = str_fmt("/proc/%d/fd/%d/%s/root", getpid(), layers, digest);
	const char *const argv[] = {"cp", "-aT", "--reflink=auto", "--", from, ".", NULL};

	int r = proc_run(private, argv, err);
	if (r < 0)
		return r;
	return syncfs(private) < 0 ? err_set(err, errno, "write a private area to disk") : 0;
}

int store_fill(int private, enum layout layout, int layers, const char *digest, struct err *err)
{
	return layout == LAYOUT_OVERLAY ? fill_overlay(private, layers, digest, err)
					: fill_private(private, layers, digest, err);
}

static int forget(int dir, const char *path, const char *attribute, struct err *err)
{
	cleanup_fd int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(err, errno, "open %s of a private area", path);
	if (fremovexattr(fd, attribute) < 0 && errno != ENODATA)
		return err_set(err, errno, "remove %s from %s of a private area", attribute, path);
	return 0;
}

/* What stands in the index for a directory points to the directory that was copied. What stands there for a file is a
 * hard link to it, and the copy's is as good: it ties names that are one file in the template and was changed under one
 * of them. */
static int forget_directories(int private, struct err *err)
{
	cleanup_names struct names index = {0};

	int r = names_read(private, "work/index", &index);
	if (r < 0)
		return err_set(err, -r, "read the index of a private area");
	for (size_t i = 0; i < index.n; i++) {
		cleanup_free char *path = str_fmt("work/index/%s", index.name[i]);
		if (unlinkat(private, path, AT_REMOVEDIR) < 0 && errno != ENOTDIR)
			return err_set(err, errno, "remove %s of a private area", path);
	}
	return 0;
}

int store_adopt(int private, enum layout layout, struct err *err)
{
	if (layout != LAYOUT_OVERLAY)
		return 0;

	int r = forget_directories(private, err);
	if (r == 0)
		r = forget(private, "work/index", "trusted.overlay.upper", err);
	if (r == 0)
		r = forget(private, "fs", "trusted.overlay.origin", err);
	if (r == 0)
		r = forget(private, "fs", "trusted.overlay.uuid", err);
	return r;
}

/* What the process that mounts is given, and leaves. */
struct overlay {
	int layer, private; /* detached, idmapped mounts */
	uint32_t base;	    /* host id of the VE's 0 */
	int mount;	    /* the result: an fd or a negative errno */
	struct err *err;
};

/* Both go on top of this process's root directory, one over the other: it needs no directories of its own, paths below
 * the root are found as before, and a descriptor leads to its mount no matter what covers it. */
static int attach_layers(const struct overlay *overlay)
{
	const int mounts[] = {overlay->layer, overlay->private};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(overlay->err, errno, "make mounts private");
	for (size_t i = 0; i < countof(mounts); i++)
		if (move_mount(mounts[i], "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return err_set(overlay->err, errno, "attach a layer");
	return 0;
}

static int set_option(int context, const char *key, const char *value, struct err *err)
{
	if (fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return err_set(err, errno, "mount overlay: set %s=%s", key, value);
	return 0;
}

/* index and nfs_export give files the handles by which inotify watches are checkpointed; they exclude metacopy. With
 * redirect_dir a directory of the template can be renamed as on any other file system. */
static int set_options(int context, const struct overlay *overlay)
{
	cleanup_free char *lower = str_fmt("/proc/self/fd/%d", overlay->layer);
	cleanup_free char *upper = str_fmt("/proc/self/fd/%d/fs", overlay->private);
	cleanup_free char *work = str_fmt("/proc/self/fd/%d/work", overlay->private);
	const struct {
		const char *key, *value;
	} options[] = {
		{"source", "overlay"}, {"lowerdir+", lower},   {"upperdir", upper}, {"workdir", work}, {"index", "on"},
		{"nfs_export", "on"},  {"redirect_dir", "on"}, {"metacopy", "off"}, {"uuid", "on"},
	};

	for (size_t i = 0; i < countof(options); i++) {
		int r = set_option(context, options[i].key, options[i].value, overlay->err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int say_why(struct err *err, int no)
{
	switch (no) {
	case EBUSY:
		return err_set(err, no, "mount overlay: its private area is still mounted somewhere");
	case ESTALE:
		return err_set(err, no, "mount overlay: its private area belongs to another layer or copy");
	default:
		return err_set(err, no, "mount overlay");
	}
}

static int create_overlay(const struct overlay *overlay)
{
	cleanup_fd int context = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context < 0)
		return err_set(overlay->err, errno, "mount overlay: the kernel has no overlay file system");

	int r = set_options(context, overlay);
	if (r < 0)
		return r;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return say_why(overlay->err, errno);

	int fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
	if (fd < 0)
		return err_set(overlay->err, errno, "mount overlay");
	return fd;
}

static int mount_in_child(void *data)
{
	struct overlay *overlay = data;

	int r = attach_layers(overlay);
	if (r == 0)
		r = creds_borrow(overlay->base, overlay->err);
	if (r == 0)
		r = create_overlay(overlay);
	overlay->mount = r;
	return 0;
}

/* A handler of ours must not run in the child, with our memory and on its small stack: it gets no signal. */
static int run_child(struct overlay *overlay)
{
	cleanup_free char *stack = mem_zero(1, STACK_SIZE);
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid =
		clone(mount_in_child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNS, overlay);
	int no = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return err_set(overlay->err, no, "make a process to mount in");

	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return overlay->mount;
}

static int mount_overlay(const struct store_root *root, int userns, struct err *err)
{
	cleanup_fd int dir = open_layer(root->layers, root->digest, err);
	if (dir < 0)
		return dir;

	cleanup_fd int layer = idmount_open(dir, userns, MOUNT_ATTR_RDONLY, err);
	if (layer < 0)
		return layer;
	cleanup_fd int private = idmount_open(root->private, userns, 0, err);
	if (private < 0)
		return private;

	struct overlay overlay = {
		.layer = layer,
		.private = private,
		.base = root->base,
		.mount = -EINTR,
		.err = err,
	};
	return run_child(&overlay);
}

int store_mount(const struct store_root *root, struct err *err)
{
	cleanup_fd int userns = userns_open(root->base, err);
	if (userns < 0)
		return err_is(err, ERR_MOUNT, userns);

	int r = root->layout == LAYOUT_OVERLAY ? mount_overlay(root, userns, err)
					       : idmount_open(root->private, userns, MOUNT_ATTR_NODEV, err);
	return err_is(err, ERR_MOUNT, r);
}
