#include "runtime/private.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quota/disk.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/running.h"
#include "templates/store.h"

bool private_exists(const struct ve *ve)
{
	struct stat st;
	return lstat(ve->private_area, &st) == 0;
}

int private_open(const struct ve *ve, struct err *err)
{
	int fd = open(ve->private_area, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_say(err, ERR_NO_PRIVATE, "Container private area %s does not exist", ve->private_area);
	return fd < 0 ? err_set(err, errno, "open the private area %s", ve->private_area) : fd;
}

/* The directory that the private area stands in. */
static int open_parent(const struct ve *ve, struct err *err)
{
	cleanup_free char *copy = mem_strdup(ve->private_area);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open the directory of %s", ve->private_area) : fd;
}

static char *base_name(const struct ve *ve)
{
	cleanup_free char *copy = mem_strdup(ve->private_area);
	return mem_strdup(basename(copy));
}

static int limit(struct op *op, const struct ve *ve, int private)
{
	struct disk_limits limits = running_disk_limits(ve);
	struct err unsupported = {0};

	if (disk_check(private, &unsupported) < 0) {
		if (limits.space_hard == DISK_NO_LIMIT && limits.inodes_hard == DISK_NO_LIMIT)
			return 0;
		*op->err = unsupported;
		return err_is(op->err, ERR_QUOTA, -ENOTSUP);
	}
	int r = disk_join(private, ve->ctid, op->err);
	if (r == 0)
		r = disk_limit(private, ve->ctid, &limits, op->err);
	return err_is(op->err, ERR_QUOTA, r);
}

/* .new-CTID with its quota, empty or, `again`, as it was left; its name goes to `fresh`, and what it stands in to
 * *ret_parent. */
static int make_fresh(struct op *op, const struct ve *ve, const char *fresh, bool again, int *ret_parent)
{
	cleanup_fd int parent = open_parent(ve, op->err);
	if (parent < 0)
		return parent;

	int r = again ? 0 : proc_remove_tree(parent, fresh, op->err);
	if (r < 0)
		return r;
	/* The root of a VE with layout private is this directory itself: others must be able to pass. */
	if (mkdirat(parent, fresh, ve->config.layout == LAYOUT_PRIVATE ? 0755 : 0700) < 0 &&
	    !(again && errno == EEXIST))
		return err_set(op->err, errno, "make the private area %s", ve->private_area);
	cleanup_fd int private = openat(parent, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (private < 0)
		return err_set(op->err, errno, "open the private area %s", ve->private_area);

	r = limit(op, ve, private);
	if (r < 0)
		return r;
	*ret_parent = steal_fd(&parent);
	return steal_fd(&private);
}

int private_make(struct op *op, const struct ve *ve)
{
	cleanup_free char *fresh = str_fmt(".new-%u", ve->ctid);
	cleanup_fd int parent = -1;
	cleanup_fd int private = make_fresh(op, ve, fresh, false, &parent);
	if (private < 0)
		return private;
	return store_fill(private, ve->config.layout, op->host->layers, ve->config.layer, op->err);
}

/* What cp(1) says of a full disk is text. */
static int copy_tree(int from, int parent, const char *to, struct err *err)
{
	cleanup_free char *source = str_fmt("/proc/%d/fd/%d/.", getpid(), from);
	const char *const argv[] = {"cp", "-a", "--reflink=auto", "--one-file-system", "-T", "--", source, to, NULL};

	int r = proc_run(parent, argv, err);
	if (r < 0 && (strstr(err->text, strerror(ENOSPC)) || strstr(err->text, strerror(EDQUOT))))
		err->kind = ERR_NO_SPACE;
	return r;
}

/* What is made in the directory is born into its quota. */
int private_clone(struct op *op, const struct ve *ve, int from)
{
	cleanup_free char *fresh = str_fmt(".new-%u", ve->ctid);
	cleanup_fd int parent = -1;
	cleanup_fd int private = make_fresh(op, ve, fresh, false, &parent);
	if (private < 0)
		return private;
	int r = copy_tree(from, parent, fresh, op->err);
	if (r == 0)
		r = store_adopt(private, ve->config.layout, op->err);
	return r < 0 ? r : steal_fd(&private);
}

int private_set_aside(struct op *op, const struct ve *ve)
{
	cleanup_free char *aside = str_fmt(".aside-%u", ve->ctid);
	cleanup_fd int private = private_open(ve, op->err);
	cleanup_fd int parent = private < 0 ? private : open_parent(ve, op->err);
	int r = parent < 0 ? parent : private_copy(private, parent, aside, op->err);
	if (r < 0)
		return r;
	int fd = openat(parent, aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(op->err, errno, "open a copy of %s", ve->private_area) : fd;
}

int private_drop_aside(struct op *op, const struct ve *ve)
{
	cleanup_free char *aside = str_fmt(".aside-%u", ve->ctid);
	cleanup_fd int parent = open_parent(ve, op->err);
	return parent < 0 ? parent : proc_remove_tree(parent, aside, op->err);
}

int private_receive(struct op *op, const struct ve *ve, bool again)
{
	cleanup_free char *fresh = str_fmt(".new-%u", ve->ctid);
	cleanup_fd int parent = -1;
	cleanup_fd int private = make_fresh(op, ve, fresh, again, &parent);
	return private < 0 ? private : 0;
}

char *private_hidden(const struct ve *ve)
{
	cleanup_free char *copy = mem_strdup(ve->private_area);
	return str_fmt("%s/.new-%u", dirname(copy), ve->ctid);
}

/* xfs_quota(8) walks the tree and sets the project of each file; the VE does not run, so nothing moves under it. */
static int join_tree(struct op *op, const struct ve *ve, int private)
{
	cleanup_free char *command = str_fmt("project -s -p . %u", ve->ctid);
	const char *const argv[] = {"xfs_quota", "-x", "-c", command, NULL};

	int r = limit(op, ve, private);
	return r < 0 ? r : err_is(op->err, ERR_QUOTA, proc_run(private, argv, op->err));
}

int private_adopt(struct op *op, const struct ve *ve)
{
	cleanup_fd int private = private_open(ve, op->err);
	return private < 0 ? private : join_tree(op, ve, private);
}

int private_copy(int from, int parent, const char *name, struct err *err)
{
	int r = proc_remove_tree(parent, name, err);
	return r < 0 ? r : copy_tree(from, parent, name, err);
}

/* What root moves to a project is not held against the limit, so that for a moment there may be two of a VE that nearly
 * fills its own. */
int private_make_from(struct op *op, const struct ve *ve, int from)
{
	cleanup_free char *fresh = str_fmt(".new-%u", ve->ctid);
	struct err unsupported = {0};
	cleanup_fd int parent = open_parent(ve, op->err);
	int r = parent < 0 ? parent : private_copy(from, parent, fresh, op->err);
	if (r < 0)
		return r;
	cleanup_fd int private = openat(parent, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (private < 0)
		return err_set(op->err, errno, "open the private area %s", ve->private_area);

	r = store_adopt(private, ve->config.layout, op->err);
	if (r == 0)
		r = disk_check(private, &unsupported) < 0 ? limit(op, ve, private) : join_tree(op, ve, private);
	if (r == 0 && syncfs(private) < 0)
		r = err_set(op->err, errno, "write the private area %s to disk", ve->private_area);
	return r;
}

int private_exchange(struct op *op, const struct ve *ve)
{
	cleanup_free char *fresh = str_fmt(".new-%u", ve->ctid), *name = base_name(ve);
	cleanup_fd int parent = open_parent(ve, op->err);
	if (parent < 0)
		return parent;

	if (renameat2(parent, fresh, parent, name, RENAME_EXCHANGE) < 0)
		return err_set(op->err, errno, "put another private area in the place of %s", ve->private_area);
	int r = io_sync_dir(parent);
	return r < 0 ? err_set(op->err, -r, "write the directory of %s to disk", ve->private_area) : 0;
}

int private_drop_spare(struct op *op, const struct ve *ve)
{
	cleanup_free char *fresh = str_fmt(".new-%u", ve->ctid);
	cleanup_fd int parent = open_parent(ve, op->err);
	return parent < 0 ? parent : proc_remove_tree(parent, fresh, op->err);
}

/* A project without files and limits takes nothing; its id may be used again. */
static int unlimit(struct op *op, const struct ve *ve, int dir)
{
	const struct disk_limits none = {DISK_NO_LIMIT, DISK_NO_LIMIT, DISK_NO_LIMIT, DISK_NO_LIMIT};
	struct err unsupported = {0};

	if (disk_check(dir, &unsupported) < 0)
		return 0;
	return err_is(op->err, ERR_QUOTA, disk_limit(dir, ve->ctid, &none, op->err));
}

static int remove_beside(struct op *op, const struct ve *ve, const char *prefix)
{
	cleanup_free char *name = str_fmt("%s-%u", prefix, ve->ctid);
	cleanup_fd int parent = open_parent(ve, op->err);
	if (parent < 0)
		return parent;
	int r = proc_remove_tree(parent, name, op->err);
	return r < 0 ? r : unlimit(op, ve, parent);
}

int private_unmake(struct op *op, const struct ve *ve)
{
	return remove_beside(op, ve, ".new");
}

int private_empty_trash(struct op *op, const struct ve *ve)
{
	return remove_beside(op, ve, ".trash");
}

static int move(const struct ve *ve, const char *prefix, bool to_name, struct err *err)
{
	cleanup_free char *hidden = str_fmt("%s-%u", prefix, ve->ctid);
	cleanup_free char *name = base_name(ve);
	cleanup_fd int parent = open_parent(ve, err);
	if (parent < 0)
		return parent;

	if (renameat2(parent, to_name ? hidden : name, parent, to_name ? name : hidden, RENAME_NOREPLACE) < 0)
		return -errno;
	int r = io_sync_dir(parent);
	return r < 0 ? err_set(err, -r, "write the directory of %s to disk", ve->private_area) : 0;
}

int private_publish(struct op *op, const struct ve *ve)
{
	int r = move(ve, ".new", true, op->err);
	if (r == -EEXIST)
		return err_say(op->err, ERR_PRIVATE_EXISTS, "Private area already exists in %s", ve->private_area);
	return r < 0 ? err_set(op->err, -r, "publish the private area %s", ve->private_area) : 0;
}

int private_retract(struct op *op, const struct ve *ve)
{
	int r = move(ve, ".new", false, op->err);
	return r == -ENOENT || r == -EEXIST ? 0 : r < 0 ? err_set(op->err, -r, "take back %s", ve->private_area) : 0;
}

static bool exists_beside(const struct ve *ve, const char *prefix)
{
	struct err ignored = {0};
	struct stat st;
	cleanup_free char *name = str_fmt("%s-%u", prefix, ve->ctid);
	cleanup_fd int parent = open_parent(ve, &ignored);
	return parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool private_unpublished(const struct ve *ve)
{
	return exists_beside(ve, ".new");
}

bool private_discarded(const struct ve *ve)
{
	return exists_beside(ve, ".trash");
}

int private_discard(struct op *op, const struct ve *ve)
{
	int r = private_empty_trash(op, ve);
	if (r < 0)
		return r;
	r = move(ve, ".trash", false, op->err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? err_is(op->err, ERR_DELETE, err_set(op->err, -r, "set %s aside for removal", ve->private_area))
		     : 0;
}
