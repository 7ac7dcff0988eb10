#include "templates/treefile.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define LINKS_MAX 40 /* as path_resolution(7) has it */

static int resolve(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

bool treefile_exists(int root, const char *path)
{
	cleanup_fd int fd = resolve(root, path, O_PATH);
	return fd >= 0;
}

/* Make what is missing of a directory, one component in the other, so that none is made through a link that leads
 * nowhere. */
static int make_dirs(int root, const char *path)
{
	cleanup_free char *rest_of = mem_strdup(path);
	cleanup_text struct text done = {0};
	cleanup_fd int dir = resolve(root, ".", O_PATH | O_DIRECTORY);

	char *rest = rest_of, *name;
	while (dir >= 0 && (name = strsep(&rest, "/"))) {
		text_add(&done, "%s/", name);
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		int next = resolve(root, done.s, O_PATH | O_DIRECTORY);
		fd_close(dir);
		dir = next;
	}
	return steal_fd(&dir);
}

/* The directory that the last component of a path lies in, and that component. */
static int open_parent(int root, const char *path, bool make, struct treefile *file)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = slash ? str_fmt("%.*s", (int)(slash - path), path) : mem_strdup(".");

	fd_close(file->dir);
	free(file->name);
	file->name = mem_strdup(slash ? slash + 1 : path);
	file->dir = resolve(root, *parent ? parent : "/", O_PATH | O_DIRECTORY);
	if (file->dir == -ENOENT && make)
		file->dir = make_dirs(root, parent);
	return file->dir < 0 ? file->dir : 0;
}

static char *read_link(const struct treefile *file)
{
	char target[4096];
	ssize_t n = readlinkat(file->dir, file->name, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	return mem_strdup(target);
}

/* Where the path leads, when its last component is a link; NULL with errno set. */
static char *follow(const struct treefile *file, const char *path)
{
	cleanup_free char *target = read_link(file);
	const char *slash = strrchr(path, '/');

	if (!target || target[0] == '/' || !slash)
		return steal_ptr(target);
	return str_fmt("%.*s/%s", (int)(slash - path), path, target);
}

/* A name that is one of a directory ("..", or none after a slash) is none of a file's. */
static int look(struct treefile *file)
{
	if (str_eq(file->name, "") || str_eq(file->name, ".") || str_eq(file->name, ".."))
		return -EISDIR;
	file->found = (struct stat){0};
	return fstatat(file->dir, file->name, &file->found, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT ? -errno : 0;
}

static int find(int root, unsigned how, struct treefile *file)
{
	cleanup_free char *path = mem_strdup(file->path);

	for (int links = 0; links < LINKS_MAX; links++) {
		int r = open_parent(root, path, links == 0 && (how & TREEFILE_MAKE), file);
		if (r < 0 || (r = look(file)) < 0)
			return r;
		if (!S_ISLNK(file->found.st_mode) || (how & TREEFILE_UNLINK))
			return 0;
		char *target = follow(file, path);
		if (!target)
			return -errno;
		free(path);
		path = target;
	}
	return -ELOOP;
}

/* What st_size says need not be so: files of FUSE or proc go on and on. */
static int read_all(int fd, struct text *text)
{
	char chunk[4096];
	ssize_t n;

	text_add_bytes(text, "", 0);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		text_add_bytes(text, chunk, (size_t)n);
		if (text->len > TREEFILE_MAX)
			return -EFBIG;
	}
	return n < 0 ? -errno : 0;
}

static int irregular(const struct treefile *file, struct err *err)
{
	return err_say(err, ERR_SYSTEM, "/%s is not a regular file", file->path);
}

/* O_NONBLOCK for what has taken the file's place since we looked, and for a lease on it. */
static int read_file(struct treefile *file, struct err *err)
{
	cleanup_text struct text text = {0};
	cleanup_fd int fd = openat(file->dir, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file->found) < 0)
		return err_set(err, errno, "open /%s", file->path);
	if (!S_ISREG(file->found.st_mode))
		return irregular(file, err);

	int r = read_all(fd, &text);
	if (r < 0)
		return err_set(err, -r, "read /%s", file->path);
	if (strlen(text.s) != text.len)
		return err_say(err, ERR_SYSTEM, "/%s is not a text file", file->path);
	file->text = steal_ptr(text.s);
	return 0;
}

static int open_found(struct treefile *file, unsigned how, struct err *err)
{
	bool make = how & TREEFILE_MAKE;

	if (S_ISREG(file->found.st_mode))
		return read_file(file, err);
	if (!make && (!file->found.st_mode || S_ISDIR(file->found.st_mode)))
		return -ENOENT;
	if (file->found.st_mode && !S_ISLNK(file->found.st_mode))
		return irregular(file, err);
	file->text = mem_strdup("");
	return 0;
}

int treefile_open(int root, const char *path, unsigned how, struct treefile *ret, struct err *err)
{
	cleanup_treefile struct treefile file = {.path = path, .dir = -1};

	int r = find(root, how, &file);
	if ((r == -ENOENT || r == -ENOTDIR) && !(how & TREEFILE_MAKE))
		return -ENOENT;
	if (r < 0)
		return err_set(err, -r, "find /%s", path);
	r = open_found(&file, how, err);
	if (r < 0)
		return r;
	*ret = file;
	file = (struct treefile){.dir = -1};
	return 0;
}

/* The new file is who the old one was. */
static int dress(const struct treefile *file, int fd)
{
	const struct stat *old = &file->found;
	bool was_file = S_ISREG(old->st_mode);
	struct stat made;

	if (fchmod(fd, was_file ? old->st_mode & 0777 : 0644) < 0 || fstat(fd, &made) < 0)
		return -errno;
	if (!was_file || (made.st_uid == old->st_uid && made.st_gid == old->st_gid))
		return 0;
	return fchown(fd, old->st_uid, old->st_gid) < 0 ? -errno : 0;
}

static int write_new(const struct treefile *file, const char *name, const char *text)
{
	cleanup_fd int fd = openat(file->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;

	int r = io_write_all(fd, text, strlen(text));
	if (r == 0)
		r = dress(file, fd);
	if (r < 0)
		return r;
	return close(steal_fd(&fd)) < 0 ? -errno : 0;
}

int treefile_write(const struct treefile *file, const char *text, struct err *err)
{
	if (S_ISREG(file->found.st_mode) && str_eq(file->text, text))
		return 0;

	/* One that a killed process left. */
	cleanup_free char *temporary = str_fmt(".%s.openve", file->name);
	unlinkat(file->dir, temporary, 0);

	int r = write_new(file, temporary, text);
	if (r == 0 && renameat(file->dir, temporary, file->dir, file->name) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	unlinkat(file->dir, temporary, 0);
	return err_set(err, -r, "write /%s", file->path);
}

void treefile_done(struct treefile *file)
{
	fd_close(file->dir);
	free(file->name);
	free(file->text);
	*file = (struct treefile){.dir = -1};
}
