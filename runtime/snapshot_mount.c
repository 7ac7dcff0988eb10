#include "runtime/snapshot_mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/op.h"
#include "runtime/snapshots.h"
#include "runtime/ve.h"
#include "templates/store.h"

/* ---- the records ---- */

static int open_records(struct err *err)
{
	int r = io_mkdir_all(AT_FDCWD, PATH_SNAPSHOT_MOUNTS, 0700);
	int fd = r < 0 ? r : open(PATH_SNAPSHOT_MOUNTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(err, r < 0 ? -r : errno, "open %s", PATH_SNAPSHOT_MOUNTS) : fd;
}

static char *record_name(uint32_t ctid, const char *id)
{
	return str_fmt("%u.%s", ctid, id);
}

/* Ids of mounts do not come again. */
static bool mount_id(int fd, const char *path, uint64_t *ret)
{
	struct statx st;

	if (statx(fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID_UNIQUE, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID_UNIQUE))
		return false;
	*ret = st.stx_mnt_id;
	return true;
}

static char *target_of(const char *name)
{
	cleanup_free char *path = str_fmt(PATH_SNAPSHOT_MOUNTS "/%s", name);
	cleanup_kvfile struct kvfile *record = NULL;
	struct err ignored = {0};
	uint64_t was, is;

	if (kvfile_load(AT_FDCWD, path, &record, &ignored) < 0)
		return NULL;
	const char *target = kvfile_get(record, "TARGET"), *mount = kvfile_get(record, "MOUNT");
	if (!target || !mount || str_u64(mount, &was) < 0 || !mount_id(AT_FDCWD, target, &is) || was != is)
		return NULL;
	return mem_strdup(target);
}

char *snapshot_target(uint32_t ctid, const char *id)
{
	cleanup_free char *name = record_name(ctid, id);
	return target_of(name);
}

static void forget(const char *name)
{
	cleanup_free char *path = str_fmt(PATH_SNAPSHOT_MOUNTS "/%s", name);

	unlink(path);
	rmdir(PATH_SNAPSHOT_MOUNTS);
}

void snapshot_forget_targets(uint32_t ctid)
{
	cleanup_free char *prefix = record_name(ctid, "");
	DIR *dir = opendir(PATH_SNAPSHOT_MOUNTS);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		cleanup_free char *target = target_of(entry->d_name);
		if (!target && str_after(entry->d_name, prefix))
			forget(entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* ---- mounting ---- */

struct showing {
	const struct ve *ve;
	char id[UUID_SIZE];
	int store, directory, mount;
	char *target; /* as it is without symbolic links */
};

static void showing_done(struct showing *showing)
{
	fd_close(showing->store);
	fd_close(showing->directory);
	fd_close(showing->mount);
	free(showing->target);
}

#define cleanup_showing __attribute__((cleanup(showing_done)))

/* From here on it is known to be mounted as soon as it is. */
static int record_apply(struct op *op, void *ctx)
{
	struct showing *showing = ctx;
	cleanup_free char *name = record_name(showing->ve->ctid, showing->id);
	cleanup_kvfile struct kvfile *record = kvfile_new();
	uint64_t id;

	if (!mount_id(showing->mount, "", &id))
		return err_say(op->err, ERR_SNAPSHOT_MOUNT, "the kernel does not tell which mount it has made");
	cleanup_free char *mount = str_fmt("%ju", id);
	kvfile_set(record, "TARGET", showing->target);
	kvfile_set(record, "MOUNT", mount);
	cleanup_fd int records = open_records(op->err);
	return records < 0 ? records : kvfile_save(record, records, name, op->err);
}

static int record_undo(struct op *op, void *ctx)
{
	struct showing *showing = ctx;
	cleanup_free char *name = record_name(showing->ve->ctid, showing->id);
	(void)op;

	forget(name);
	return 0;
}

static int mount_apply(struct op *op, void *ctx)
{
	struct showing *showing = ctx;

	if (move_mount(showing->mount, "", showing->directory, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	    0)
		return err_set(op->err, errno, "mount on %s", showing->target);
	return 0;
}

static int take_off(const char *target, struct err *err)
{
	if (umount2(target, UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno == EBUSY)
		return err_say(err, ERR_SNAPSHOT_UMOUNT, "%s is in use", target);
	return err_set(err, errno, "unmount %s", target);
}

static int mount_undo(struct op *op, void *ctx)
{
	struct showing *showing = ctx;
	cleanup_free char *target = snapshot_target(showing->ve->ctid, showing->id);
	return target ? take_off(target, op->err) : 0;
}

static const struct step mount_steps[] = {
	{"record", record_apply, record_undo},
	{"mount", mount_apply, mount_undo},
};

static bool is_empty(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool empty = dir;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		empty = empty && (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."));
	if (dir)
		closedir(dir);
	else
		fd_close(fd);
	return empty;
}

static char *path_of(int fd)
{
	cleanup_free char *link = str_fmt("/proc/self/fd/%d", fd);
	return realpath(link, NULL);
}

static int open_target(struct showing *showing, const char *target, struct err *err)
{
	if (target[0] != '/')
		return err_say(err, ERR_BAD_VALUE, "%s is not an absolute path", target);
	showing->directory = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (showing->directory < 0)
		return err_is(err, ERR_SNAPSHOT_MOUNT, err_set(err, errno, "open %s", target));
	showing->target = path_of(showing->directory);
	if (!showing->target || str_after(showing->target, PATH_POOL "/"))
		return err_say(err, ERR_BAD_VALUE, "%s is no place for it: there are the files of containers", target);
	if (!is_empty(showing->directory))
		return err_say(err, ERR_SNAPSHOT_MOUNT, "%s is not empty", target);
	return 0;
}

/* An overlay that is not there to be written to needs to be able to while it is mounted; the mount is what is
 * read-only. */
static int make_mount(struct op *op, struct showing *showing)
{
	struct mount_attr safe = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
	cleanup_fd int files = snapshots_open_files(showing->store, showing->id, op->err);
	if (files < 0)
		return files;

	const struct store_root root = {
		.layout = showing->ve->config.layout,
		.private = files,
		.layers = op->host->layers,
		.digest = showing->ve->config.layer,
	};
	showing->mount = store_mount(&root, op->err);
	if (showing->mount < 0)
		return showing->mount;
	if (mount_setattr(showing->mount, "", AT_EMPTY_PATH, &safe, sizeof(safe)) < 0)
		return err_set(op->err, errno, "make the mount read-only");
	return 0;
}

static int show(struct op *op, struct showing *showing, const char *id, const char *target)
{
	int r = uuid_parse(id, showing->id, op->err);
	if (r == 0)
		r = snapshots_open_one(op, showing->ve->ctid, showing->id, &showing->store, ERR_SNAPSHOT_MOUNT);
	if (r < 0)
		return r;
	cleanup_free char *already = snapshot_target(showing->ve->ctid, showing->id);
	if (already)
		return err_say(op->err, ERR_SNAPSHOT_MOUNT, "snapshot {%s} is mounted already, on %s", showing->id,
			       already);
	if ((r = open_target(showing, target, op->err)) < 0 || (r = make_mount(op, showing)) < 0 ||
	    (r = op_run(op, mount_steps, countof(mount_steps), showing)) < 0)
		return r;
	op_say(op, "Snapshot {%s} is mounted on %s", showing->id, showing->target);
	return 0;
}

static int as_kind(struct err *err, enum err_kind kind, int r)
{
	if (r < 0 && (err->kind == ERR_SYSTEM || err->kind == ERR_MOUNT))
		err->kind = kind;
	return r;
}

int lifecycle_snapshot_mount(struct op *op, uint32_t ctid, const char *id, const char *target)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;
	cleanup_showing struct showing showing = {.ve = &ve, .store = -1, .directory = -1, .mount = -1};

	int r = ve_open(op, ctid, &ve, &lock);
	if (r == 0)
		r = show(op, &showing, id, target);
	return as_kind(op->err, ERR_SNAPSHOT_MOUNT, r);
}

static int hide(struct op *op, uint32_t ctid, const char *id)
{
	char bare[UUID_SIZE];
	cleanup_fd int store = -1;

	int r = uuid_parse(id, bare, op->err);
	if (r == 0)
		r = snapshots_open_one(op, ctid, bare, &store, ERR_SNAPSHOT_UMOUNT);
	if (r < 0)
		return r;
	cleanup_free char *target = snapshot_target(ctid, bare);
	if (!target)
		return err_say(op->err, ERR_SNAPSHOT_UMOUNT, "snapshot {%s} is not mounted", bare);
	r = take_off(target, op->err);
	if (r < 0)
		return r;
	cleanup_free char *name = record_name(ctid, bare);
	forget(name);
	op_say(op, "Snapshot {%s} is unmounted", bare);
	return 0;
}

int lifecycle_snapshot_umount(struct op *op, uint32_t ctid, const char *id)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	return r < 0 ? r : as_kind(op->err, ERR_SNAPSHOT_UMOUNT, hide(op, ctid, id));
}
