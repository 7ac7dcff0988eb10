#include "checkpoint/image.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "checkpoint/contents.h"
#include "checkpoint/proof.h"
#include "checkpoint/seal.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"

#define FILES "files"
#define FRESH ".new-"
#define TRASH ".trash-"
#define NAME_LEN_MAX 200 /* with what is put around it, below NAME_MAX */

static int check_name(const char *name, struct err *err)
{
	if (contents_name_ok(name) && name[0] != '.' && strlen(name) <= NAME_LEN_MAX)
		return 0;
	return err_say(err, ERR_BAD_VALUE,
		       "a checkpoint image cannot be called so: letters, digits, \"-\", \"_\", \"+\" and \".\" are "
		       "allowed, no \".\" at the beginning, %d characters at most",
		       NAME_LEN_MAX);
}

static char *fresh_name(const char *name)
{
	return str_fmt(FRESH "%s", name);
}

static int open_directory(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The lock of who makes an image goes with the last copy of its descriptor: a crash gives it back. */
static bool is_held(int store, const char *fresh)
{
	cleanup_fd int dir = open_directory(store, fresh);
	return dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int make_fresh(int store, const char *fresh, int *ret_dir, struct err *err)
{
	if (mkdirat(store, fresh, 0700) < 0)
		return err_set(err, errno, "make the directory of a checkpoint image");
	cleanup_fd int dir = open_directory(store, fresh);
	if (dir < 0)
		return err_set(err, -dir, "open the directory of a checkpoint image");
	if (flock(dir, LOCK_EX) < 0)
		return err_set(err, errno, "lock the directory of a checkpoint image");
	if (mkdirat(dir, FILES, 0700) < 0)
		return err_set(err, errno, "make the directory " FILES " of a checkpoint image");
	*ret_dir = steal_fd(&dir);
	return 0;
}

int image_begin(int store, const char *name, int *ret_dir, struct err *err)
{
	int r = check_name(name, err);
	if (r < 0)
		return r;

	cleanup_free char *fresh = fresh_name(name);
	if (is_held(store, fresh))
		return err_say(err, ERR_LOCKED, "checkpoint image %s is being made by somebody else", name);
	r = proc_remove_tree(store, fresh, err);
	if (r == 0)
		r = make_fresh(store, fresh, ret_dir, err);
	return err_is(err, ERR_CHECKPOINT, r);
}

int image_seal(int dir, const struct kvfile *facts, const struct image_key *key, struct err *err)
{
	return err_is(err, ERR_CHECKPOINT, proof_write(dir, facts, key, err));
}

static bool exists(int store, const char *name, const char *file)
{
	cleanup_free char *path = str_fmt("%s/%s", name, file);
	struct stat st;
	return fstatat(store, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool image_present(int store, const char *name)
{
	struct err ignored = {0};
	return check_name(name, &ignored) == 0 && exists(store, name, PROOF_FILE);
}

/* Out of the way in one step, by a name that no other leftover has. */
static int discard(int store, const char *name, const char *as, struct err *err)
{
	uint64_t n;
	int r = seal_random(&n, sizeof(n));
	if (r < 0)
		return err_set(err, -r, "get random bytes");

	cleanup_free char *trash = str_fmt(TRASH "%s.%016" PRIx64, as, n);
	bool gone = renameat2(store, name, store, trash, RENAME_NOREPLACE) < 0;
	if (gone && errno != ENOENT)
		return err_set(err, errno, "set checkpoint image %s aside for removal", as);
	/* One that is gone may be so in memory only, for who was killed between these two. */
	r = io_sync_dir(store);
	if (r < 0)
		return err_set(err, -r, "write the removal of checkpoint image %s to disk", as);
	return gone ? 0 : proc_remove_tree(store, trash, err);
}

int image_drop(int store, const char *name, struct err *err)
{
	int r = check_name(name, err);
	return r < 0 ? r : err_is(err, ERR_DELETE, discard(store, name, name, err));
}

/* How the image got its name, to be taken back. */
static int swap(int store, const char *fresh, const char *name, unsigned *ret_how)
{
	*ret_how = RENAME_NOREPLACE;
	if (renameat2(store, fresh, store, name, *ret_how) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	*ret_how = RENAME_EXCHANGE;
	return renameat2(store, fresh, store, name, *ret_how) < 0 ? -errno : 0;
}

/* Who hears of a failure goes on as if there were no image, so there must be none. */
static void swap_back(int store, const char *fresh, const char *name, unsigned how)
{
	if (renameat2(store, name, store, fresh, how) == 0)
		io_sync_dir(store);
}

static int publish(int store, const char *fresh, const char *name, struct err *err)
{
	unsigned how;

	if (!exists(store, fresh, PROOF_FILE))
		return err_say(err, ERR_SYSTEM, "there is no complete checkpoint image to be called %s", name);
	if (syncfs(store) < 0)
		return err_set(err, errno, "write checkpoint image %s to disk", name);

	int r = swap(store, fresh, name, &how);
	if (r < 0)
		return err_set(err, -r, "publish checkpoint image %s", name);
	r = io_sync_dir(store);
	if (r < 0) {
		swap_back(store, fresh, name, how);
		return err_set(err, -r, "publish checkpoint image %s", name);
	}
	return how == RENAME_EXCHANGE;
}

int image_publish(int store, const char *name, struct err *err)
{
	int r = check_name(name, err);
	if (r < 0)
		return r;

	cleanup_free char *fresh = fresh_name(name);
	r = publish(store, fresh, name, err);
	if (r < 0)
		return err_is(err, ERR_CHECKPOINT, r);

	/* The new one is there; an old one that cannot be removed is image_clean()'s. */
	struct err ignored = {0};
	if (r > 0)
		discard(store, fresh, name, &ignored);
	return 0;
}

int image_hold(int store, const char *name, int *ret_dir, struct err *err)
{
	int r = check_name(name, err);
	if (r < 0)
		return r;

	cleanup_fd int dir = open_directory(store, name);
	if (dir == -ENOENT)
		return err_say(err, ERR_RESTORE, "there is no checkpoint image %s", name);
	if (dir < 0)
		return err_is(err, ERR_RESTORE, err_set(err, -dir, "open checkpoint image %s", name));
	flock(dir, LOCK_SH | LOCK_NB);
	*ret_dir = steal_fd(&dir);
	return 0;
}

int image_open(int store, const char *name, const struct image_key *key, struct kvfile **ret_facts, int *ret_dir,
	       struct err *err)
{
	cleanup_fd int dir = -1;

	/* It may be set aside while it is in hand, and is no leftover then. */
	int r = image_hold(store, name, &dir, err);
	if (r < 0)
		return r;
	r = proof_check(dir, key, ret_facts, err);
	if (r < 0)
		return err_is(err, ERR_RESTORE, r);
	*ret_dir = steal_fd(&dir);
	return 0;
}

int image_facts(int store, const char *name, const struct image_key *key, struct kvfile **ret_facts, struct err *err)
{
	int r = check_name(name, err);
	if (r < 0)
		return r;

	cleanup_fd int dir = open_directory(store, name);
	if (dir < 0)
		return err_is(err, ERR_RESTORE, err_set(err, -dir, "open checkpoint image %s", name));
	return err_is(err, ERR_RESTORE, proof_facts(dir, key, ret_facts, err));
}

int image_size(int dir, uint64_t *ret_bytes, struct err *err)
{
	cleanup_contents struct contents contents = {0};
	uint64_t bytes = 0;

	int r = contents_read(dir, NULL, &contents, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < contents.n; i++)
		bytes += contents.list[i].size;
	*ret_bytes = bytes;
	return 0;
}

static int is_leftover(const struct dirent *entry)
{
	static const char *const marks[] = {FRESH, TRASH, IMAGE_SPENT};

	for (size_t i = 0; i < countof(marks); i++)
		if (str_after(entry->d_name, marks[i]))
			return true;
	return false;
}

int image_clean(int store, struct err *err)
{
	struct dirent **entries;
	int n = scandirat(store, ".", &entries, is_leftover, alphasort), r = 0;
	if (n < 0)
		return err_is(err, ERR_DELETE, err_set(err, errno, "read a directory of checkpoint images"));

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		int removed = is_held(store, name) ? 0 : proc_remove_tree(store, name, err);
		if (r == 0)
			r = removed;
		free(entries[i]);
	}
	free(entries);
	return r;
}
