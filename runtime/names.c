#include "runtime/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/ve.h"

static int sync_names(struct err *err)
{
	cleanup_fd int dir = open(PATH_NAMES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return err_set(err, errno, "sync %s", PATH_NAMES_DIR);
	return 0;
}

int names_assign(const char *name, uint32_t ctid, struct err *err)
{
	struct err unknown = {0};
	uint32_t owner;
	cleanup_free char *link = str_fmt(PATH_NAMES_DIR "/%s", name);
	cleanup_free char *target = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ctid);

	if (symlink(target, link) == 0)
		return sync_names(err);
	if (errno != EEXIST)
		return err_set(err, errno, "link the name \"%s\"", name);
	if (ve_find(name, &owner, &unknown) == 0 && owner == ctid)
		return 0;
	return err_say(err, ERR_NAME, "Unable to set name: \"%s\" is in use by another container", name);
}

int names_release(const char *name, uint32_t ctid, struct err *err)
{
	struct err unknown = {0};
	uint32_t owner;

	if (!name || ve_find(name, &owner, &unknown) < 0 || owner != ctid)
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
