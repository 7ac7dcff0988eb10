#include "quota/subtree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "quota/cgroup.h"
#include "runtime/base/creds.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define FILE_NAME "cgroup.subtree_control"

static int add_group(int dir, const char *path, struct text *lines, struct err *err);

static int add_children(int dir, const char *path, struct text *lines, struct err *err)
{
	DIR *children = fdopendir(fcntl(dir, F_DUPFD_CLOEXEC, 0));
	int r = children ? 0 : err_set(err, errno, "list the groups of the VE");

	for (struct dirent *entry; r == 0 && (entry = readdir(children));) {
		if (entry->d_type != DT_DIR || str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		cleanup_free char *below = str_fmt("%s%s%s", path, *path ? "/" : "", entry->d_name);
		cleanup_fd int child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* Gone since it was listed. */
		r = child < 0 ? 0 : add_group(child, below, lines, err);
	}
	if (children)
		closedir(children);
	return r;
}

static int add_group(int dir, const char *path, struct text *lines, struct err *err)
{
	cleanup_free char *controllers = NULL;

	int r = io_read_file(dir, FILE_NAME, &controllers, NULL);
	if (r < 0)
		return r == -ENODEV ? 0 : err_set(err, -r, "read %s of the VE", FILE_NAME);
	text_add(lines, "%s\t%s\n", str_chomp(controllers), path);
	return add_children(dir, path, lines, err);
}

int subtree_read(const char *name, char **ret_text, struct err *err)
{
	struct text lines = {0};
	cleanup_fd int dir = cgroup_open(name, err);
	if (dir < 0)
		return dir;

	text_add(&lines, "%s", "");
	int r = add_group(dir, "", &lines, err);
	if (r < 0) {
		text_done(&lines);
		return r;
	}
	*ret_text = lines.s;
	return 0;
}

/* "memory pids" as the file wants it: "+memory +pids". */
static char *enabling(const char *controllers)
{
	struct text words = {0};

	for (const char *word = controllers + strspn(controllers, " "); *word; word += strspn(word, " ")) {
		size_t len = strcspn(word, " ");
		text_add(&words, "%s+%.*s", words.len ? " " : "", (int)len, word);
		word += len;
	}
	return words.s;
}

/* A group that somebody makes is his with all its files; one that was there may be whoever else's. */
static int give(int dir, uint32_t owner, struct err *err)
{
	DIR *files = fdopendir(fcntl(dir, F_DUPFD_CLOEXEC, 0));
	int r = files ? 0 : err_set(err, errno, "list the files of a group");

	for (struct dirent *entry; r == 0 && (entry = readdir(files));)
		if (entry->d_type == DT_REG && fchownat(dir, entry->d_name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
			r = err_set(err, errno, "give a group of the VE to it");
	if (files)
		closedir(files);
	return r < 0 || fchown(dir, owner, owner) == 0 ? r : err_set(err, errno, "give a group of the VE to it");
}

static int write_line(int root, char *line, uint32_t owner, struct err *err)
{
	char *path = strchr(line, '\t');
	if (!path)
		return err_say(err, ERR_BAD_CONFIG, "a line without a group in the list of the VE's groups");
	*path++ = '\0';

	if (*path && mkdirat(root, path, 0755) < 0 && errno != EEXIST)
		return err_set(err, errno, "make the group /%s of the VE", path);
	cleanup_free char *words = enabling(line);
	cleanup_fd int dir = openat(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, errno, "open the group /%s of the VE", path);
	int r = words ? io_write_kernel(dir, FILE_NAME, words) : 0;
	if (r < 0)
		return err_set(err, -r, "pass controllers on to the groups in /%s of the VE", path);
	/* The tree's own root has more than one owner, and has them already. */
	return *path ? give(dir, owner, err) : 0;
}

static int write_lines(int root, char *lines, uint32_t owner, struct err *err)
{
	char *rest = NULL;
	int r = 0;

	for (char *line = strtok_r(lines, "\n", &rest); r == 0 && line; line = strtok_r(NULL, "\n", &rest))
		r = write_line(root, line, owner, err);
	return r;
}

int subtree_write(const char *name, const char *text, uint32_t owner, struct err *err)
{
	cleanup_free char *lines = mem_strdup(text);
	cleanup_fd int root = cgroup_open(name, err);
	if (root < 0)
		return root;
	int r = creds_borrow(owner, err);
	if (r < 0)
		return r;
	r = write_lines(root, lines, owner, err);
	int back = creds_return(err);
	return r < 0 ? r : back;
}
