/* Images that were resumed: the part of image.h that is about them. */
#include <fcntl.h>
#include <stdio.h>

#include "checkpoint/image.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"

static char *spent_name(const char *name)
{
	return str_fmt(IMAGE_SPENT "%s", name);
}

static int rename_durably(int store, const char *from, const char *to, struct err *err)
{
	if (renameat2(store, from, store, to, RENAME_NOREPLACE) < 0)
		return err_set(err, errno, "rename checkpoint image %s to %s", from, to);
	int r = io_sync_dir(store);
	return r < 0 ? err_set(err, -r, "write a directory of checkpoint images to disk") : 0;
}

int image_retire(int store, const char *name, struct err *err)
{
	cleanup_free char *spent = spent_name(name);

	int r = image_forget(store, name, err);
	return r < 0 ? r : err_is(err, ERR_RESTORE, rename_durably(store, name, spent, err));
}

int image_reinstate(int store, const char *name, struct err *err)
{
	cleanup_free char *spent = spent_name(name);

	if (faccessat(store, spent, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return err_is(err, ERR_RESTORE, rename_durably(store, spent, name, err));
}

int image_forget(int store, const char *name, struct err *err)
{
	cleanup_free char *spent = spent_name(name);
	return proc_remove_tree(store, spent, err);
}
