#include "runtime/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

static int sync_names(struct err *err)
{
	cleanup_fd int dir = open(PATH_NAMES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return err_set(err, errno, "sync %s", PATH_NAMES_DIR);
	return 0;
}

int names_find(const char *name, uint32_t *ret_ctid, struct err *err)
{
	char target[256];
	cleanup_free char *link = str_fmt(PATH_NAMES_DIR "/%s", name);

	if (strchr(name, '/') || name[0] == '.' || name[0] == '\0')
		return err_say(err, ERR_BAD_CTID, "Bad CT ID %s", name);

	ssize_t n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return err_say(err, ERR_BAD_CTID, "Bad CT ID %s: it is neither a number nor the name of a VE", name);
	target[n] = '\0';

	const char *file = strrchr(target, '/');
	cleanup_free char *number = mem_strdup(file ? file + 1 : target);
	if (str_ends(number, ".conf"))
		number[strlen(number) - strlen(".conf")] = '\0';
	if (str_u32(number, ret_ctid) < 0)
		return err_say(err, ERR_BAD_CTID, "Bad CT ID %s: its link %s points to %s, not to a VE", name, link,
			       target);
	return 0;
}

static bool is_name_of(const char *name, uint32_t ctid)
{
	struct err unknown = {0};
	uint32_t owner;
	return names_find(name, &owner, &unknown) == 0 && owner == ctid;
}

int names_check(const char *name, uint32_t ctid, struct err *err)
{
	struct err unknown = {0};
	uint32_t number, owner;

	if (str_u32(name, &number) == 0 && number != ctid)
		return err_say(err, ERR_NAME, "Unable to set name: \"%s\" is a number, and not this container's", name);
	if (names_find(name, &owner, &unknown) == 0 && owner != ctid)
		return err_say(err, ERR_NAME, "Unable to set name: \"%s\" is in use by CT %u", name, owner);
	return 0;
}

int names_assign(const char *name, uint32_t ctid, struct err *err)
{
	cleanup_free char *link = str_fmt(PATH_NAMES_DIR "/%s", name);
	cleanup_free char *target = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ctid);

	int r = names_check(name, ctid, err);
	if (r < 0)
		return r;
	if (symlink(target, link) < 0 && (errno != EEXIST || !is_name_of(name, ctid)))
		return err_is(err, ERR_NAME, err_set(err, errno, "Unable to set name: link %s", link));
	return sync_names(err);
}

int names_release(const char *name, uint32_t ctid, struct err *err)
{
	if (!name || !is_name_of(name, ctid))
		return 0;

	cleanup_free char *link = str_fmt(PATH_NAMES_DIR "/%s", name);
	if (unlink(link) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove the name \"%s\"", name);
	return sync_names(err);
}

int names_release_all(uint32_t ctid, struct err *err)
{
	DIR *dir = opendir(PATH_NAMES_DIR);
	if (!dir)
		return err_set(err, errno, "read %s", PATH_NAMES_DIR);

	int r = 0;
	for (struct dirent *entry; r == 0 && (entry = readdir(dir));)
		if (entry->d_type == DT_LNK)
			r = names_release(entry->d_name, ctid, err);
	closedir(dir);
	return r;
}
