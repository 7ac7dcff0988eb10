#include "runtime/dumps.h"

#include <fcntl.h>
#include <string.h>

#include "checkpoint/image.h"
#include "checkpoint/key.h"
#include "quota/cgroup.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/op.h"

int dumps_open(const struct host *host, struct err *err)
{
	int fd = openat(host->pool, "dump", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open %s", PATH_DUMP) : fd;
}

int dumps_publish(int store, int dir, const char *name, const struct kvfile *facts, struct err *err)
{
	cleanup_image_key struct image_key key;

	int r = image_key_load(PATH_NODE_KEY, &key, err);
	if (r == 0)
		r = image_seal(dir, facts, &key, err);
	return r < 0 ? r : image_publish(store, name, err);
}

int dumps_load(const struct host *host, const char *name, struct kvfile **ret_facts, int *ret_dir, struct err *err)
{
	cleanup_image_key struct image_key key;
	cleanup_fd int store = dumps_open(host, err);
	if (store < 0)
		return store;
	int r = image_key_load(PATH_NODE_KEY, &key, err);
	return r < 0 ? r : image_open(store, name, &key, ret_facts, ret_dir, err);
}

int dumps_name(const char *path, uint32_t ctid, const char **ret_name, struct err *err)
{
	const char *name = str_after(path, PATH_DUMP "/");
	uint32_t owner;

	name = name ? name : path;
	if (strchr(name, '/'))
		return err_say(err, ERR_BAD_VALUE, "%s is not in %s, where images lie", path, PATH_DUMP);
	if (str_u32(name, &owner) == 0 && owner != ctid)
		return err_say(err, ERR_BAD_VALUE, "%s is the name of the image of CT %u", name, owner);
	*ret_name = name;
	return 0;
}

int dumps_drop(const struct host *host, uint32_t ctid, struct err *err)
{
	cleanup_free char *name = str_fmt("%u", ctid);
	cleanup_fd int store = dumps_open(host, err);
	int r = store < 0 ? store : image_forget(store, name, err);
	return r < 0 ? r : image_drop(store, name, err);
}

void dumps_clean(struct op *op)
{
	struct err err = {0};
	cleanup_fd int store = dumps_open(op->host, &err);

	if (store < 0 || image_clean(store, &err) < 0)
		op_warn(op, "half an image is left over: %s", err.text);
}

void dumps_after(const struct op *op)
{
	struct err err = {0};

	if (cgroup_renew_options(&err) < 0)
		op_warn(op, "%s", err.text);
}

int dumps_logs(struct err *err)
{
	int r = io_mkdir_all(AT_FDCWD, PATH_CRIU_LOGS, 0700);
	int fd = r < 0 ? r : open(PATH_CRIU_LOGS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(err, r < 0 ? -r : errno, "make %s", PATH_CRIU_LOGS) : fd;
}
