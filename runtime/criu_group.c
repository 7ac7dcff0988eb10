#include "runtime/criu_group.h"

#include <poll.h>

#include "quota/cgroup.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"

#define AWAIT_MS 60000
#define AWAIT_PAUSE_MS 20
#define KILL_TIMEOUT_MS 10000

static char *group_of(const struct host *host, uint32_t ctid)
{
	return str_fmt("%s/criu-%u", host->cgroup_base, ctid);
}

int criu_group_begin(const struct host *host, uint32_t ctid, struct err *err)
{
	cleanup_free char *group = group_of(host, ctid);

	int r = cgroup_create(group, false, err);
	return r < 0 ? r : cgroup_open(group, err);
}

/* A group that is left over is taken by the next. */
static void clear(const char *group)
{
	struct err ignored = {0};

	if (cgroup_kill(group, KILL_TIMEOUT_MS, &ignored) == 0)
		cgroup_remove(group, &ignored);
}

void criu_group_end(const struct host *host, uint32_t ctid)
{
	cleanup_free char *group = group_of(host, ctid);
	clear(group);
}

void criu_group_await(const struct host *host, uint32_t ctid)
{
	cleanup_free char *group = group_of(host, ctid), *events = NULL;

	if (cgroup_read(group, "cgroup.events", &events) < 0)
		return;
	for (unsigned ms = 0; cgroup_populated(group) && ms < AWAIT_MS; ms += AWAIT_PAUSE_MS)
		poll(NULL, 0, AWAIT_PAUSE_MS);
	clear(group);
}
