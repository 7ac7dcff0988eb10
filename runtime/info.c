#include "runtime/info.h"

#include <fcntl.h>

#include "checkpoint/obstacle.h"
#include "netns/filter.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/checkable.h"
#include "runtime/guest.h"
#include "runtime/host.h"
#include "runtime/traffic.h"
#include "runtime/uptime.h"

static void read_running(struct info *info)
{
	struct err ignored = {0};
	cleanup_state struct state state = {0};

	if (state_load(info->ve.ctid, &state, &ignored) < 0)
		return;
	usage_read(state.cgroup, &info->usage);
	guest_copy(&info->ve.config, &state.network);
	info->uptime = uptime_of(state.pid);
}

static void read_disk(struct info *info)
{
	struct err ignored = {0};
	const struct disk_limits none = {DISK_NO_LIMIT, DISK_NO_LIMIT, DISK_NO_LIMIT, DISK_NO_LIMIT};

	info->disk = (struct disk_usage){.space = DISK_NO_LIMIT, .inodes = DISK_NO_LIMIT, .limits = none};
	cleanup_fd int private = open(info->ve.private_area, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (private >= 0 && disk_check(private, &ignored) == 0)
		disk_usage(private, info->ve.ctid, &info->disk, &ignored);
}

int info_read(const struct host *host, uint32_t ctid, struct info *info, struct err *err)
{
	*info = (struct info){0};
	int r = ve_load(host, ctid, &info->ve, err);
	if (r < 0)
		return r;
	info->state = ve_state(&info->ve);
	read_disk(info);
	if (info->state == VE_RUNNING)
		read_running(info);
	return 0;
}

void info_read_traffic(const struct host *host, struct info *info)
{
	cleanup_net_guest struct net_guest guest = {0};
	struct err ignored = {0};
	bool running = info->state == VE_RUNNING;

	int r = running ? guest_of(info->ve.ctid, &info->ve.config, &guest, &ignored)
			: traffic_load(host, info->ve.ctid, &info->traffic, &ignored);
	if (r == 0 && running)
		r = filter_traffic(&guest, &info->traffic, &ignored);
	info->has_traffic = r == 0;
}

void info_read_checkable(struct info *info)
{
	cleanup_obstacles struct obstacles obstacles = {0};
	cleanup_state struct state state = {0};
	struct err ignored = {0};

	if (info->state != VE_RUNNING || state_load(info->ve.ctid, &state, &ignored) < 0)
		return;
	info->has_checkable = true;
	info->checkable = checkable_look(&state, &obstacles, &ignored) == 0 && !obstacles.fatal;
}

void info_done(struct info *info)
{
	ve_done(&info->ve);
}
