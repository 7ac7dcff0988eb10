#include "checkpoint/mounts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/lines.h"
#include "checkpoint/task.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define MOUNTS_MAX 10000

struct mount_space {
	ino_t ns;
	pid_t pid; /* who was found in it first, as the guest sees it */
	char comm[32];
};

struct mount {
	uint64_t id;
	uint32_t device;   /* major << 20 | minor, as the kernel keeps it */
	char *root;	   /* what of the file system is mounted: "/" is all of it */
	char *point;	   /* as its processes see it */
	char *type;	   /* without subtype: fuse, not fuse.sshfs */
	size_t space;	   /* in mounts->spaces */
	bool lost_handles; /* an overlay without nfs_export */
};

/* What CRIU saves, makes anew, or leaves to who restores. All else has to be external, or enabled. */
static const char *const known_types[] = {
	"aufs",	  "autofs",  "binfmt_misc", "cgroup", "cgroup2", "debugfs",    "devpts", "devtmpfs", "fusectl",
	"mqueue", "overlay", "proc",	    "pstore", "simfs",	 "securityfs", "sysfs",	 "tmpfs",    "tracefs",
};

static bool is_listed(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (str_eq(*list, word))
			return true;
	return false;
}

static bool is_known(const char *type)
{
	for (size_t i = 0; i < countof(known_types); i++)
		if (str_eq(known_types[i], type))
			return true;
	return false;
}

/* Blanks, tabs, newlines and backslashes are octal in mountinfo. */
static char *unescape(char *s)
{
	char *to = s;
	for (const char *from = s; *from; to++) {
		unsigned code;
		if (from[0] == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return s;
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE OPTIONS (proc_pid_mountinfo(5)) */
static bool parse(char *line, struct mount *mount)
{
	unsigned major, minor;
	char *super = strstr(line, " - ");
	if (!super || sscanf(line, "%" SCNu64 " %*u %u:%u ", &mount->id, &major, &minor) != 3)
		return false;
	*super = '\0';
	super += strlen(" - ");
	mount->device = major << 20 | minor;

	for (int skipped = 0; skipped < 3; skipped++)
		strsep(&line, " ");
	char *root = strsep(&line, " "), *point = strsep(&line, " "), *type = strsep(&super, " ");
	if (!root || !point || !type)
		return false;
	type[strcspn(type, ".")] = '\0';
	mount->lost_handles = str_eq(type, "overlay") && !(super && strstr(super, "nfs_export=on"));

	mount->root = mem_strdup(unescape(root));
	mount->point = mem_strdup(unescape(point));
	mount->type = mem_strdup(type);
	return true;
}

static int read_all(struct mounts *mounts, int fd, struct err *err)
{
	struct lines lines;

	lines_start(&lines, fd);
	for (char *line = lines_next(&lines); line; line = lines_next(&lines)) {
		struct mount mount = {.space = mounts->n_spaces - 1};
		if (!parse(line, &mount))
			continue;
		mounts->items = mem_grow(mounts->items, mounts->n + 1, sizeof(mount));
		mounts->items[mounts->n++] = mount;
		if (mounts->n > MOUNTS_MAX)
			return err_say(err, ERR_NO_RESOURCE, "more than %d mounts; unmount what is not needed",
				       MOUNTS_MAX);
	}
	return 0;
}

static bool has_space(const struct mounts *mounts, ino_t ns)
{
	for (size_t i = 0; i < mounts->n_spaces; i++)
		if (mounts->spaces[i].ns == ns)
			return true;
	return false;
}

int mounts_add(struct mounts *mounts, const struct task *task, struct err *err)
{
	ino_t ns = task->ns[TASK_NS_MNT];
	if (ns == 0 || has_space(mounts, ns))
		return 0;

	cleanup_fd int fd = openat(task->fd, "mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	struct mount_space space = {.ns = ns, .pid = task->guest_pid};
	memcpy(space.comm, task->comm, sizeof(space.comm));
	mounts->spaces = mem_grow(mounts->spaces, mounts->n_spaces + 1, sizeof(space));
	mounts->spaces[mounts->n_spaces++] = space;
	return read_all(mounts, fd, err);
}

static int compare_ids(const void *a, const void *b)
{
	const struct mount *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

void mounts_sort(struct mounts *mounts)
{
	if (mounts->n > 0)
		qsort(mounts->items, mounts->n, sizeof(*mounts->items), compare_ids);
}

void mounts_done(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->items[i].root);
		free(mounts->items[i].point);
		free(mounts->items[i].type);
	}
	free(mounts->items);
	free(mounts->spaces);
	*mounts = (struct mounts){0};
}

static const struct mount *find(const struct mounts *mounts, uint64_t id)
{
	const struct mount key = {.id = id};
	return mounts->n ? bsearch(&key, mounts->items, mounts->n, sizeof(key), compare_ids) : NULL;
}

bool mounts_have(const struct mounts *mounts, uint64_t id)
{
	return find(mounts, id) != NULL;
}

const char *mounts_type(const struct mounts *mounts, uint64_t id)
{
	const struct mount *mount = find(mounts, id);
	return mount ? mount->type : "";
}

bool mounts_lose_handles(const struct mounts *mounts, uint32_t device)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (mounts->items[i].device == device && mounts->items[i].lost_handles)
			return true;
	return false;
}

static bool is_below(const char *path, const char *top)
{
	const char *rest = str_eq(top, "/") ? path : str_after(path, top);
	return rest && (*rest == '\0' || *rest == '/');
}

/* What the caller mounts, and what is a part of it, is no matter of CRIU's. It is told by its mount point, which means
 * nothing in another mount namespace. */
static bool is_external(const struct mount *mount, const char *const *external)
{
	return mount->space == 0 && (str_eq(mount->point, "/") || is_listed(external, mount->point));
}

static bool is_root_of(const struct mount *mount, const struct mount *part)
{
	return str_eq(mount->root, "/") || (str_eq(mount->point, "/") && is_below(part->root, mount->root));
}

/* A cgroup file system shows its root as seen from the reader's own cgroup namespace, which is not the guest's. */
static bool is_cgroup(const struct mount *mount)
{
	return str_eq(mount->type, "cgroup2") || str_eq(mount->type, "cgroup");
}

/* Whether CRIU has what this mount is a part of, and knows how to make it: the same questions, in the same order. */
static bool find_obstacle(const struct mounts *mounts, const struct mount *mount, const char *const *external,
			  const char *const *enabled, enum obstacle_kind *ret_kind)
{
	bool whole = str_eq(mount->root, "/"), has_root = is_cgroup(mount);

	/* The kernel's word for an entry that is gone (d_path()); of a terminal, CRIU cannot make it so again. */
	if (str_eq(mount->type, "devpts") && str_ends(mount->root, "//deleted")) {
		*ret_kind = OBSTACLE_TERMINAL_BIND;
		return true;
	}
	for (size_t i = 0; i < mounts->n; i++) {
		const struct mount *other = &mounts->items[i];
		if (other->device != mount->device)
			continue;
		if (is_below(mount->root, other->root) && is_external(other, external))
			return false;
		has_root |= is_root_of(other, mount);
	}
	if (is_cgroup(mount) && str_ends(mount->root, ".pressure"))
		*ret_kind = OBSTACLE_PRESSURE_BIND;
	else if (whole && !is_known(mount->type) && !is_listed(enabled, mount->type))
		*ret_kind = OBSTACLE_FS;
	else if (!whole && !has_root)
		*ret_kind = OBSTACLE_BIND;
	else
		return false;
	return true;
}

/* A mount namespace starts as a copy of another: what is in several is said of the first. */
static bool is_said(const struct obstacles *obstacles, enum obstacle_kind kind, const char *object)
{
	for (size_t i = 0; i < obstacles->n; i++)
		if (obstacles->items[i].kind == kind && str_eq(obstacles->items[i].object, object))
			return true;
	return false;
}

void mounts_judge(const struct mounts *mounts, const char *const *external, const char *const *enabled,
		  struct obstacles *obstacles)
{
	for (size_t i = 0; i < mounts->n; i++) {
		const struct mount *mount = &mounts->items[i];
		const struct mount_space *space = &mounts->spaces[mount->space];
		enum obstacle_kind kind;
		if (!find_obstacle(mounts, mount, external, enabled, &kind))
			continue;
		cleanup_free char *object = str_fmt("%s on %s", mount->type, mount->point);
		if (!is_said(obstacles, kind, object))
			obstacle_add(obstacles, kind, space->pid, space->comm, object);
	}
}
