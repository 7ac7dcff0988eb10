#include "runtime/host.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "quota/cgroup.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/caps.h"
#include "templates/pool.h"

static const struct {
	const char *path;
	mode_t mode;
} folders[] = {
	{PATH_CONFIG_DIR, 0755}, {PATH_VE_CONFIG_DIR, 0755}, {PATH_NAMES_DIR, 0755},
	{PATH_RUN, 0750},	 {PATH_RECORDS, 0700},	     {PATH_LOCKS, 0700},
};

static int make_folders(struct err *err)
{
	for (size_t i = 0; i < countof(folders); i++) {
		int r = io_mkdir_all(AT_FDCWD, folders[i].path, folders[i].mode);
		if (r < 0)
			return err_set(err, -r, "make %s", folders[i].path);
	}
	return 0;
}

static int open_dir(int at, const char *path, struct err *err)
{
	int r = io_mkdir_all(at, path, 0700);
	if (r < 0)
		return err_set(err, -r, "make %s in the pool", path);
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open %s of the pool", path) : fd;
}

static int open_pool(struct host *host, void (*say)(void *ctx, const char *text), void *ctx, struct err *err)
{
	const struct pool_config config = {
		.dir = PATH_POOL,
		.image = PATH_POOL_IMAGE,
		.size = host->node.pool_size,
	};

	host->pool = pool_open(&config, say, ctx, err);
	if (host->pool < 0)
		return host->pool;
	host->template_dir = open_dir(host->pool, "template", err);
	if (host->template_dir < 0)
		return host->template_dir;
	host->layers = open_dir(host->template_dir, "layers", err);
	return host->layers < 0 ? host->layers : 0;
}

int host_open(struct host *ret, void (*say)(void *ctx, const char *text), void *ctx, struct err *err)
{
	int r;

	*ret = (struct host){.guard = GUARD_NONE, .pool = -1, .template_dir = -1, .layers = -1};
	if ((r = caps_limit_creator(err)) < 0 || (r = make_folders(err)) < 0 || (r = node_load(&ret->node, err)) < 0 ||
	    (r = cgroup_setup(err)) < 0 || (r = cgroup_base(&ret->cgroup_base, err)) < 0 ||
	    (r = open_pool(ret, say, ctx, err)) < 0 || (r = seccomp_compile(&ret->seccomp, err)) < 0)
		return r;
	return guard_load(ret->cgroup_base, &ret->guard, err);
}

int host_reload(struct host *host, struct err *err)
{
	struct node_config node = {0};

	int r = node_load(&node, err);
	if (r < 0)
		return r;
	node_done(&host->node);
	host->node = node;
	return 0;
}
