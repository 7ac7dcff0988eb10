#include "runtime/handover.h"

#include <fcntl.h>
#include <stdlib.h>

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

static int load_config(uint32_t ctid, struct kvfile **ret, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ctid);

	int r = kvfile_load(AT_FDCWD, path, ret, err);
	return r == -ENOENT ? err_say(err, ERR_NO_SUCH_VE, "Container config file does not exist") : r;
}

int handover_generation(uint32_t ctid, uint64_t *ret, struct err *err)
{
	cleanup_kvfile struct kvfile *file = NULL;

	int r = load_config(ctid, &file, err);
	if (r == 0)
		*ret = generation_of(file);
	return r;
}

void handover_done(struct handover *handover)
{
	free(handover->receiver);
	free(handover->move);
	*handover = (struct handover){0};
}

static char *copy_of(const struct kvfile *mark, const char *key, const char *otherwise)
{
	const char *value = kvfile_get(mark, key);
	return mem_strdup(value ? value : otherwise);
}

int handover_load(uint32_t ctid, struct handover *ret, struct err *err)
{
	cleanup_free char *path = mark_name(ctid);
	cleanup_kvfile struct kvfile *mark = NULL;
	uint64_t generation;

	*ret = (struct handover){0};
	int r = kvfile_load(AT_FDCWD, path, &mark, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = handover_generation(ctid, &generation, err);
	if (r < 0 || generation >= generation_of(mark))
		return r;
	const char *there = kvfile_get(mark, "CTID");
	if (!there || str_u32(there, &ret->ctid) < 0)
		ret->ctid = ctid;
	ret->receiver = copy_of(mark, "RECEIVER", "another node");
	ret->move = copy_of(mark, "MOVE", "");
	return 0;
}

void handover_note(struct kvfile *config, uint64_t generation, const char *move)
{
	kvfile_set_number(config, "GENERATION", generation);
	kvfile_set(config, "MOVE", move);
}

int handover_mark(uint32_t ctid, uint64_t generation, const struct handover *handover, struct err *err)
{
	cleanup_free char *path = mark_name(ctid);
	cleanup_kvfile struct kvfile *mark = kvfile_new();

	handover_note(mark, generation, handover->move);
	kvfile_set(mark, "RECEIVER", handover->receiver);
	kvfile_set_number(mark, "CTID", handover->ctid);
	return kvfile_save(mark, AT_FDCWD, path, err);
}

bool handover_came(uint32_t ctid, uint64_t generation, const char *move)
{
	cleanup_kvfile struct kvfile *file = NULL;
	struct err ignored = {0};

	if (load_config(ctid, &file, &ignored) < 0)
		return false;
	const char *came = kvfile_get(file, "MOVE");
	return generation_of(file) == generation && str_eq(came ? came : "", move);
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

char *handover_command(uint32_t ctid, const struct handover *handover)
{
	if (handover->ctid == ctid)
		return str_fmt("vzmigrate %s %u", handover->receiver, ctid);
	return str_fmt("vzmigrate --new-id %u %s %u", handover->ctid, handover->receiver, ctid);
}

int handover_check(uint32_t ctid, struct err *err)
{
	cleanup_handover struct handover handover = {0};

	int r = handover_load(ctid, &handover, err);
	if (r < 0 || !handover.receiver)
		return r;
	cleanup_free char *command = handover_command(ctid, &handover);
	return err_say(err, ERR_WRONG_STATE,
		       "CT %u was handed over to %s and may run there; repeat %s, or, if that node is lost for good, "
		       "remove " PATH_VE_CONFIG_DIR "/%u.handed",
		       ctid, handover.receiver, command, ctid);
}
