#include "runtime/ve.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint/image.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/lock.h"
#include "runtime/names.h"
#include "runtime/op.h"

const char *ve_state_name(enum ve_state state)
{
	static const char *const names[] = {
		[VE_ABSENT] = "absent",	  [VE_STOPPED] = "stopped",	[VE_MOUNTED] = "mounted",
		[VE_RUNNING] = "running", [VE_SUSPENDED] = "suspended", [VE_BROKEN] = "broken",
	};
	return names[state];
}

int ve_find(const char *id, uint32_t *ret_ctid, struct err *err)
{
	uint32_t ctid;

	if (str_u32(id, &ctid) < 0)
		return names_find(id, ret_ctid, err);
	if (ctid == 0)
		return err_say(err, ERR_BAD_CTID, "Only set actions are allowed for CT0");
	if (ctid > VE_CTID_MAX)
		return err_say(err, ERR_BAD_CTID, "Bad CT ID %s: CTIDs go up to %u", id, VE_CTID_MAX);
	*ret_ctid = ctid;
	return 0;
}

int ve_load(const struct host *host, uint32_t ctid, struct ve *ret, struct err *err)
{
	struct ve ve = {.ctid = ctid};

	int r = config_load(ctid, &host->node.ve, &ve.config, err);
	if (r < 0)
		return r;
	ve_expand(&ve);
	*ret = ve;
	return 0;
}

int ve_open(struct op *op, uint32_t ctid, struct ve *ret, int *ret_lock)
{
	cleanup_fd int lock = lock_ve(op, ctid, op->err);
	if (lock < 0)
		return lock;
	int r = ve_load(op->host, ctid, ret, op->err);
	if (r < 0)
		return r;
	*ret_lock = steal_fd(&lock);
	return 0;
}

void ve_expand(struct ve *ve)
{
	free(ve->private_area);
	free(ve->root_area);
	ve->private_area = config_path(ve->config.private_area, ve->ctid);
	ve->root_area = config_path(ve->config.root_area, ve->ctid);
}

void ve_done(struct ve *ve)
{
	config_done(&ve->config);
	free(ve->private_area);
	free(ve->root_area);
	*ve = (struct ve){0};
}

char *ve_hostname(const struct ve *ve)
{
	return ve->config.hostname ? mem_strdup(ve->config.hostname) : str_fmt("ve%u", ve->ctid);
}

static bool is_mounted(const char *path)
{
	struct statx st;
	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static bool is_suspended(const struct ve *ve)
{
	cleanup_free char *name = str_fmt("%u", ve->ctid);
	cleanup_fd int store = open(PATH_DUMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store >= 0 && image_present(store, name);
}

enum ve_state ve_state(const struct ve *ve)
{
	struct err ignored = {0};
	cleanup_state struct state state = {0};

	int r = state_load(ve->ctid, &state, &ignored);
	if (r == 0) {
		cleanup_fd int pidfd = state_pidfd(&state);
		return pidfd >= 0 ? VE_RUNNING : VE_BROKEN;
	}
	if (r != -ENOENT)
		return VE_BROKEN;
	if (is_mounted(ve->root_area))
		return VE_MOUNTED;
	return is_suspended(ve) ? VE_SUSPENDED : VE_STOPPED;
}

bool ve_configured(uint32_t ctid)
{
	cleanup_free char *path = str_fmt(PATH_VE_CONFIG_DIR "/%u.conf", ctid);
	return access(path, F_OK) == 0;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

int ve_all(uint32_t **ret, size_t *ret_n, struct err *err)
{
	DIR *dir = opendir(PATH_VE_CONFIG_DIR);
	if (!dir)
		return err_set(err, errno, "read %s", PATH_VE_CONFIG_DIR);

	uint32_t *ctids = mem_zero(0, sizeof(*ctids));
	size_t n = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		cleanup_free char *name = mem_strdup(entry->d_name);
		uint32_t ctid;
		if (!str_ends(name, ".conf"))
			continue;
		name[strlen(name) - strlen(".conf")] = '\0';
		if (str_u32(name, &ctid) < 0 || ctid == 0 || ctid > VE_CTID_MAX)
			continue;
		ctids = mem_grow(ctids, n + 1, sizeof(*ctids));
		ctids[n++] = ctid;
	}
	closedir(dir);

	qsort(ctids, n, sizeof(*ctids), by_number);
	*ret = ctids;
	*ret_n = n;
	return 0;
}
