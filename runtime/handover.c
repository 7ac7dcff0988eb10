#include "runtime/handover.h"

#include <fcntl.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

static char *mark_name(uint32_t ctid)
{
	return str_fmt(PATH_VE_CONFIG_DIR "/%u.handed", ctid);
}

static uint64_t generation_of(const struct kvfile *file)
{
	const char *text = kvfile_get(file, "GENERATION");
	uint64_t n = 0;

	return text && str_u64(text, &n) == 0 ? n : 0;
}

int handover_generation(uint32_t ctid, uint64_t *ret, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ctid);
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(AT_FDCWD, path, &file, err);
	if (r == -ENOENT)
		return err_say(err, ERR_NO_SUCH_VE, "Container config file does not exist");
	if (r == 0)
		*ret = generation_of(file);
	return r;
}

/* A mark older than the VE is of a time when it was here before. */
int handover_receiver(uint32_t ctid, char **ret, struct err *err)
{
	cleanup_free char *path = mark_name(ctid);
	cleanup_kvfile struct kvfile *mark = NULL;
	uint64_t generation;

	*ret = NULL;
	int r = kvfile_load(AT_FDCWD, path, &mark, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = handover_generation(ctid, &generation, err);
	if (r < 0 || generation >= generation_of(mark))
		return r;
	const char *receiver = kvfile_get(mark, "RECEIVER");
	*ret = mem_strdup(receiver ? receiver : "another node");
	return 0;
}

int handover_mark(uint32_t ctid, uint64_t generation, const char *receiver, struct err *err)
{
	cleanup_free char *path = mark_name(ctid), *number = str_fmt("%ju", (uintmax_t)generation);
	cleanup_kvfile struct kvfile *mark = kvfile_new();

	kvfile_set(mark, "GENERATION", number);
	kvfile_set(mark, "RECEIVER", receiver);
	return kvfile_save(mark, AT_FDCWD, path, err);
}

int handover_forget(uint32_t ctid, struct err *err)
{
	cleanup_free char *path = mark_name(ctid);

	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : err_set(err, errno, "remove %s", path);
	cleanup_fd int dir = open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : io_sync_dir(dir);
	return r < 0 ? err_set(err, -r, "remove %s", path) : 0;
}

int handover_check(uint32_t ctid, struct err *err)
{
	cleanup_free char *receiver = NULL;

	int r = handover_receiver(ctid, &receiver, err);
	if (r < 0 || !receiver)
		return r;
	return err_say(
		err, ERR_WRONG_STATE,
		"CT %u was handed over to %s and may run there; repeat vzmigrate %s %u, or, if that node is lost "
		"for good, remove " PATH_VE_CONFIG_DIR "/%u.handed",
		ctid, receiver, receiver, ctid, ctid);
}
