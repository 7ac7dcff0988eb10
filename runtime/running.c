#include "runtime/running.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "netns/link.h"
#include "netns/netns.h"
#include "quota/cgroup.h"
#include "quota/disk.h"
#include "quota/limits.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/bind.h"
#include "runtime/grant.h"
#include "runtime/host.h"
#include "runtime/naming.h"
#include "runtime/netdev.h"
#include "runtime/network.h"
#include "runtime/path.h"
#include "runtime/rebirth.h"
#include "templates/store.h"
#include "templates/template.h"

#define KILL_TIMEOUT_MS 30000

void running_done(struct running *running)
{
	fd_close(running->root);
	fd_close(running->launched.sync);
	fd_close(running->launched.pidfd);
	fd_close(running->launched.console);
	state_done(&running->state);
	fd_close(running->image);
	kvfile_free(running->facts);
}

int running_take_down(struct op *op, struct ve *ve, bool keep_mount)
{
	cleanup_running struct running running = RUNNING_NONE;
	running.ve = ve;
	running.keep_mount = keep_mount;

	int r = state_load(ve->ctid, &running.state, op->err);
	return r == 0 || r == -ENOENT ? op_unwind(op, running_steps, running_step_count, &running) : r;
}

/* Before anything exists: from here on, whatever happens, the VE can be found and taken down. */
static int record_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;

	running->state.cgroup = str_fmt("%s/ve-%u", op->host->cgroup_base, running->ve->ctid);
	running->state.started = (uint64_t)time(NULL);
	running->state.granted = grant_of(&running->ve->config);
	return state_save(running->ve->ctid, &running->state, op->err);
}

static int record_undo(struct op *op, void *ctx)
{
	struct running *running = ctx;
	struct err gone = {0};

	/* What could not be killed is still this VE: without its record nobody would know, and it could be started a
	 * second time. */
	cleanup_fd int group = running->state.cgroup ? cgroup_open(running->state.cgroup, &gone) : -1;
	if (group >= 0)
		return err_say(op->err, ERR_STOP_FAILED, "cgroup %s could not be taken down", running->state.cgroup);
	if (running->state.devices || param_any(&config_table, PARAM_NETWORK, &running->state.network))
		return err_say(op->err, ERR_STOP_FAILED, "the network could not be taken down");
	return state_remove(running->ve->ctid, op->err);
}

static int open_private(const struct ve *ve, struct err *err)
{
	int fd = open(ve->private_area, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_say(err, ERR_NO_PRIVATE, "Container private area %s does not exist", ve->private_area);
	return fd < 0 ? err_set(err, errno, "open the private area %s", ve->private_area) : fd;
}

static int make_root(struct op *op, const struct ve *ve, uint32_t base)
{
	cleanup_fd int private = open_private(ve, op->err);
	if (private < 0)
		return private;

	const struct store_root root = {
		.layout = ve->config.layout,
		.private = private,
		.layers = op->host->layers,
		.digest = ve->config.layer,
		.base = base,
	};
	return store_mount(&root, op->err);
}

/* On the node's side no program of a VE gains anything by its setuid bit; in the VE it must (sudo). */
static int attach_root(const struct ve *ve, int root, struct err *err)
{
	struct mount_attr nosuid = {.attr_set = MOUNT_ATTR_NOSUID};

	if (mkdir(ve->root_area, 0755) < 0 && errno != EEXIST)
		return err_set(err, errno, "make the root area %s", ve->root_area);
	if (mount_setattr(root, "", AT_EMPTY_PATH, &nosuid, sizeof(nosuid)) < 0)
		return err_set(err, errno, "make the root nosuid");
	if (move_mount(root, "", AT_FDCWD, ve->root_area, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "mount on %s", ve->root_area);
	return 0;
}

/* A copy for the VE's own namespace, where setuid programs count. Private, or what the VE mounts would show on the
 * node. Only an attached mount can be cloned (6.12). */
static int copy_root(int root, struct err *err)
{
	struct mount_attr own = {.attr_clr = MOUNT_ATTR_NOSUID, .propagation = MS_PRIVATE};

	cleanup_fd int copy = open_tree(root, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (copy < 0 || mount_setattr(copy, "", AT_EMPTY_PATH, &own, sizeof(own)) < 0)
		return err_set(err, errno, "clone the root");
	return steal_fd(&copy);
}

static int mount_for_ve(struct op *op, const struct ve *ve, int *ret_root)
{
	cleanup_fd int root = make_root(op, ve, ve_base(ve));
	if (root < 0)
		return root;

	int r = attach_root(ve, root, op->err);
	if (r == 0)
		r = *ret_root = copy_root(root, op->err);
	return r < 0 ? err_is(op->err, ERR_MOUNT, r) : 0;
}

int running_mount_for_node(struct op *op, const struct ve *ve)
{
	cleanup_fd int root = make_root(op, ve, 0);
	return root < 0 ? root : err_is(op->err, ERR_MOUNT, attach_root(ve, root, op->err));
}

/* Somebody of the node who stands in it does not keep a VE from stopping: the mount goes when he leaves. */
int running_umount(struct op *op, const struct ve *ve)
{
	while (umount2(ve->root_area, UMOUNT_NOFOLLOW) == 0)
		;
	if (errno == EBUSY && umount2(ve->root_area, UMOUNT_NOFOLLOW | MNT_DETACH) == 0) {
		op_warn(op, "%s is in use by a process of the node and goes away with it", ve->root_area);
		return running_umount(op, ve);
	}
	/* EINVAL: not a mount point. */
	if (errno != EINVAL && errno != ENOENT)
		return err_is(op->err, ERR_UMOUNT, err_set(op->err, errno, "unmount %s", ve->root_area));
	return 0;
}

static int mount_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;

	/* A root mounted before (vzctl mount, a failed umount) is taken for stale. */
	int r = running_umount(op, running->ve);
	if (r == 0)
		r = mount_for_ve(op, running->ve, &running->root);
	if (r == 0)
		op_say(op, "Container is mounted");
	return r;
}

static int mount_undo(struct op *op, void *ctx)
{
	struct running *running = ctx;

	running->root = fd_close(running->root);
	if (running->keep_mount)
		return 0;
	int r = running_umount(op, running->ve);
	if (r == 0)
		op_say(op, "Container is unmounted");
	return r;
}

struct disk_limits running_disk_limits(const struct ve *ve)
{
	const struct ve_config *config = &ve->config;
	return (struct disk_limits){
		.space_soft = config->diskspace.limit ? config->diskspace.barrier : DISK_NO_LIMIT,
		.space_hard = config->diskspace.limit ? config->diskspace.limit : DISK_NO_LIMIT,
		.inodes_soft = config->diskinodes.limit ? config->diskinodes.barrier : DISK_NO_LIMIT,
		.inodes_hard = config->diskinodes.limit ? config->diskinodes.limit : DISK_NO_LIMIT,
	};
}

int running_limit_disk(struct op *op, const struct ve *ve)
{
	struct disk_limits limits = running_disk_limits(ve);
	bool none = limits.space_hard == DISK_NO_LIMIT && limits.inodes_hard == DISK_NO_LIMIT;
	struct err unsupported = {0};

	cleanup_fd int private = open_private(ve, op->err);
	if (private < 0)
		return private;
	int r = disk_check(private, &unsupported);
	if (r < 0 && none)
		return 0;
	if (r < 0) {
		*op->err = unsupported;
		return err_is(op->err, ERR_QUOTA, r);
	}
	return err_is(op->err, ERR_QUOTA, disk_limit(private, ve->ctid, &limits, op->err));
}

static int quota_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return running_limit_disk(op, running->ve);
}

struct limits running_limits(const struct ve *ve)
{
	const struct ve_config *config = &ve->config;
	return (struct limits){
		.ram = config->ram ? config->ram : LIMIT_NONE,
		.swap = config->ram ? config->swap : LIMIT_NONE,
		.cpulimit = config->cpulimit ? config->cpulimit : LIMIT_NONE,
		.cpuunits = config->cpuunits ? config->cpuunits : LIMIT_NONE,
		.cpus = config->cpus ? config->cpus : LIMIT_NONE,
		.cpu_first = ve->ctid,
		.numproc = config->numproc.limit ? config->numproc.limit : LIMIT_NONE,
	};
}

/* ve-CTID holds the limits and is the node's; init below it is the VE's own root of cgroups. */
static int cgroup_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	const char *group = running->state.cgroup;
	struct limits limits = running_limits(running->ve);
	uint32_t base = ve_base(running->ve);
	cleanup_free char *init = str_fmt("%s/init", group);
	int r;

	if ((r = cgroup_create(group, true, op->err)) < 0 || (r = limits_apply(group, &limits, NULL, op->err)) < 0 ||
	    (r = cgroup_create(init, false, op->err)) < 0 || (r = cgroup_delegate(init, base, base, op->err)) < 0)
		return r;

	cleanup_fd int fd = cgroup_open(group, op->err);
	return fd < 0 ? fd : guard_attach(&op->host->guard, fd, running->state.granted, op->err);
}

static int cgroup_undo(struct op *op, void *ctx)
{
	struct running *running = ctx;
	if (!running->state.cgroup)
		return 0;
	return cgroup_remove(running->state.cgroup, op->err);
}

static const char *find_init(int root)
{
	for (const char *const *init = template_inits; *init; init++)
		if (path_is_program(root, *init))
			return *init;
	return NULL;
}

static int launch_init(struct op *op, struct running *running, const char *init, const struct dist_names *names)
{
	int binds[BIND_MAX];

	int r = grant_modules(running->state.granted, op->err);
	if (r == 0)
		r = bind_open(op->host->node.lxcfs, running->state.granted, binds, op->err);
	if (r < 0)
		return r;

	const struct seccomp seccomp = {&op->host->seccomp, running->state.granted};
	cleanup_free char *hostname = ve_hostname(running->ve);
	cleanup_free char *group = str_fmt("%s/init", running->state.cgroup);
	const struct launch how = {
		.base = ve_base(running->ve),
		.root = running->root,
		.cgroup = group,
		.binds = binds,
		.hostname = hostname,
		.names = names,
		.init = init,
		.dumpable = !running->ve->config.uncheckpointable,
		.seccomp = &seccomp,
	};
	r = launch(&how, &running->launched, op->err);
	bind_close(binds);
	return r;
}

static int launch_apply(struct op *op, void *ctx)
{
	cleanup_dist_names struct dist_names names = {0};
	struct running *running = ctx;
	const struct ve *ve = running->ve;

	const char *init = find_init(running->root);
	if (!init)
		return err_say(op->err, ERR_BAD_TEMPLATE, "there is no init (%s, …) in the private area of CT %u",
			       template_inits[0], ve->ctid);
	int r = naming_of(op, ve, &names, op->err);
	if (r < 0 || (r = launch_init(op, running, init, &names)) < 0)
		return r;
	naming_warn(op, &running->launched.unwritten);

	running->root = fd_close(running->root);
	running->state.pid = running->launched.pid;
	running->state.starttime = state_starttime(running->state.pid);
	return state_save(ve->ctid, &running->state, op->err);
}

static int launch_undo(struct op *op, void *ctx)
{
	struct running *running = ctx;

	launch_abort(&running->launched);
	if (!running->state.cgroup)
		return 0;
	return err_is(op->err, ERR_STOP_FAILED, cgroup_kill(running->state.cgroup, KILL_TIMEOUT_MS, op->err));
}

static int devices_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return netdev_check(running->ve->config.netdev, op->err);
}

/* Here, because it comes after the VE's processes, who could hide a device, are gone. */
static int devices_undo(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return netdev_return(op, running->ve->ctid, &running->state);
}

/* Some of what is granted counts in this namespace only. */
int running_guard_home(struct op *op, const struct running *running, int netns)
{
	cleanup_fd int group = cgroup_open(running->state.cgroup, op->err);
	return group < 0 ? group : guard_at_home(&op->host->guard, group, running->state.granted, netns, op->err);
}

static int network_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	cleanup_netns struct netns guest = {0};
	int r;

	cleanup_fd int fd = launch_netns(&running->launched, op->err);
	if (fd < 0)
		return fd;
	if ((r = netns_open(fd, &guest, op->err)) < 0 || (r = link_up(&guest, "lo", op->err)) < 0 ||
	    (r = running_guard_home(op, running, fd)) < 0)
		return r;
	return network_up(op, running->ve, &running->state, &guest);
}

static int network_undo(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return network_down(op, running->ve->ctid, &running->state);
}

static int go_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return launch_go(&running->launched, op->err);
}

static int links_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return rebirth_links(op, running);
}

static int restore_apply(struct op *op, void *ctx)
{
	struct running *running = ctx;
	return rebirth_restore(op, running);
}

const struct step running_steps[] = {
	{"record", record_apply, record_undo},
	{"mount", mount_apply, mount_undo},
	{"quota", quota_apply, NULL},
	{"cgroup", cgroup_apply, cgroup_undo},
	{"devices", devices_apply, devices_undo},
	{"launch", launch_apply, launch_undo},
	{"network", network_apply, network_undo},
	{"go", go_apply, NULL},
};
const size_t running_step_count = countof(running_steps);

const struct step reborn_steps[] = {
	{"record", record_apply, record_undo},
	{"mount", mount_apply, mount_undo},
	{"quota", quota_apply, NULL},
	{"cgroup", cgroup_apply, cgroup_undo},
	{"devices", NULL, devices_undo},
	{"links", links_apply, network_undo},
	{"restore", restore_apply, launch_undo},
};
const size_t reborn_step_count = countof(reborn_steps);
