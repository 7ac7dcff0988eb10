#include "checkpoint/contents.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define DEPTH_MAX 8 /* directories below one another */

bool contents_name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.";

	return name[0] && name[strspn(name, allowed)] == '\0' && !str_eq(name, ".") && !str_eq(name, "..");
}

struct content *contents_add(struct contents *contents, char *path, uint64_t size)
{
	contents->list = mem_grow(contents->list, contents->n + 1, sizeof(*contents->list));
	struct content *content = &contents->list[contents->n++];
	*content = (struct content){.path = path, .size = size};
	return content;
}

void contents_done(struct contents *contents)
{
	for (size_t i = 0; i < contents->n; i++)
		free(contents->list[i].path);
	free(contents->list);
	*contents = (struct contents){0};
}

/* How the tree is walked, and what was found. */
struct walk {
	const char *except;
	struct contents contents;
	struct err *err;
};

static int walk_directory(struct walk *walk, int parent, const char *name, const char *path, unsigned depth);

/* For the terminal: a name may hold anything. */
static int refuse_name(struct walk *walk, const char *path)
{
	cleanup_free char *shown = mem_strdup(path);

	for (char *c = shown; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return err_say(walk->err, ERR_SYSTEM, "%s of the checkpoint image has a name that no file of one has", shown);
}

static int walk_entry(struct walk *walk, int dir, const char *name, const char *below, unsigned depth)
{
	cleanup_free char *path = str_fmt("%s%s%s", below, below[0] ? "/" : "", name);
	struct stat st;

	if (walk->except && str_eq(path, walk->except))
		return 0;
	if (!contents_name_ok(name))
		return refuse_name(walk, path);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(walk->err, errno, "look at %s of the checkpoint image", path);
	if (S_ISDIR(st.st_mode))
		return walk_directory(walk, dir, name, path, depth + 1);
	if (!S_ISREG(st.st_mode))
		return err_say(walk->err, ERR_SYSTEM,
			       "%s of the checkpoint image is neither a regular file nor a directory", path);
	contents_add(&walk->contents, steal_ptr(path), (uint64_t)st.st_size);
	return 0;
}

static int is_entry(const struct dirent *entry)
{
	return !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
}

static int walk_directory(struct walk *walk, int parent, const char *name, const char *path, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return err_say(walk->err, ERR_SYSTEM, "%s of the checkpoint image lies too deep", path);
	cleanup_fd int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(walk->err, errno, "open %s of the checkpoint image", path);

	struct dirent **entries;
	int n = scandirat(dir, ".", &entries, is_entry, NULL), r = 0;
	if (n < 0)
		return err_set(walk->err, errno, "read %s of the checkpoint image", path);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = walk_entry(walk, dir, entries[i]->d_name, path, depth);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct content *)a)->path, ((const struct content *)b)->path);
}

int contents_read(int dir, const char *except, struct contents *ret, struct err *err)
{
	struct walk walk = {.except = except, .err = err};

	int r = walk_directory(&walk, dir, ".", "", 0);
	if (r < 0) {
		contents_done(&walk.contents);
		return r;
	}
	if (walk.contents.n > 0)
		qsort(walk.contents.list, walk.contents.n, sizeof(*walk.contents.list), by_path);
	*ret = walk.contents;
	return 0;
}

static int compare_size(const struct content *wanted, const struct content *found, struct err *err)
{
	if (wanted->size == found->size)
		return 0;
	return err_say(err, ERR_SYSTEM, "%s of the checkpoint image has %" PRIu64 " bytes instead of %" PRIu64,
		       found->path, found->size, wanted->size);
}

int contents_compare(const struct contents *wanted, const struct contents *found, struct err *err)
{
	for (size_t i = 0; i < wanted->n || i < found->n; i++) {
		const struct content *want = i < wanted->n ? &wanted->list[i] : NULL;
		const struct content *have = i < found->n ? &found->list[i] : NULL;
		int order = !want ? 1 : !have ? -1 : strcmp(want->path, have->path);

		if (order < 0)
			return err_say(err, ERR_SYSTEM, "%s of the checkpoint image is missing", want->path);
		if (order > 0)
			return err_say(err, ERR_SYSTEM, "%s does not belong to the checkpoint image", have->path);
		int r = compare_size(want, have, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int contents_open(int dir, const struct content *content, struct err *err)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct stat st;

	cleanup_fd int fd = (int)syscall(SYS_openat2, dir, content->path, &how, sizeof(how));
	if (fd < 0)
		return err_set(err, errno, "open %s of the checkpoint image", content->path);
	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "look at %s of the checkpoint image", content->path);
	if (!S_ISREG(st.st_mode))
		return err_say(err, ERR_SYSTEM, "%s of the checkpoint image is no regular file", content->path);
	return steal_fd(&fd);
}
