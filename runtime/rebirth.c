#include "runtime/rebirth.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/criu.h"
#include "checkpoint/image.h"
#include "netns/link.h"
#include "netns/netns.h"
#include "quota/cgroup.h"
#include "quota/limits.h"
#include "quota/subtree.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/caps.h"
#include "runtime/criu_group.h"
#include "runtime/dumps.h"
#include "runtime/external.h"
#include "runtime/grant.h"
#include "runtime/guest.h"
#include "runtime/host.h"
#include "runtime/network.h"
#include "runtime/running.h"
#include "runtime/verify.h"

#define KILL_TIMEOUT_MS 30000

/* ---- facts ---- */

static const char *layout_of(const struct ve *ve)
{
	return ve->config.layout == LAYOUT_OVERLAY ? "overlay" : "private";
}

struct kvfile *rebirth_disk_facts(const struct ve *ve)
{
	struct kvfile *facts = kvfile_new();

	kvfile_set_number(facts, "CTID", ve->ctid);
	kvfile_set(facts, "VE_LAYOUT", layout_of(ve));
	if (ve->config.layer)
		kvfile_set(facts, "VE_LAYER", ve->config.layer);
	return facts;
}

struct kvfile *rebirth_facts(const struct ve *ve, const struct state *state, const char *links)
{
	struct kvfile *facts = rebirth_disk_facts(ve);
	struct utsname node = {0};

	uname(&node);
	kvfile_set_number(facts, "LOCAL_UID", ve->config.local_uid);
	kvfile_set_number(facts, "GRANTED", state->granted);
	kvfile_set(facts, "KERNEL", node.release);
	kvfile_set(facts, "MACHINE", node.machine);
	kvfile_set(facts, "LINKS", links);
	param_store(&config_table, &state->network, facts);
	return facts;
}

static int other(const char *key, const char *has, const char *wants, struct err *err)
{
	return err_say(err, ERR_RESTORE, "the image is of a container with %s \"%s\", not \"%s\"", key, has ? has : "",
		       wants);
}

static int same(const struct kvfile *facts, const char *key, const char *wanted, struct err *err)
{
	const char *has = kvfile_get(facts, key);
	return has && str_eq(has, wanted) ? 0 : other(key, has, wanted, err);
}

static int same_number(const struct kvfile *facts, const char *key, uint64_t wanted, struct err *err)
{
	cleanup_free char *text = str_fmt("%ju", wanted);
	return same(facts, key, text, err);
}

int rebirth_check_disk(const struct ve *ve, const struct kvfile *facts, struct err *err)
{
	int r;

	if ((r = same_number(facts, "CTID", ve->ctid, err)) < 0 ||
	    (r = same(facts, "VE_LAYOUT", layout_of(ve), err)) < 0)
		return r;
	return ve->config.layer ? same(facts, "VE_LAYER", ve->config.layer, err) : 0;
}

int rebirth_check(const struct ve *ve, const struct kvfile *facts, struct err *err)
{
	struct utsname node = {0};
	int r;

	uname(&node);
	if ((r = rebirth_check_disk(ve, facts, err)) < 0 ||
	    (r = same_number(facts, "LOCAL_UID", ve->config.local_uid, err)) < 0)
		return r;
	return same(facts, "MACHINE", node.machine, err);
}

static bool is_clone(const struct running *running)
{
	const char *clone = kvfile_get(running->facts, REBIRTH_CLONE);
	return clone && str_eq(clone, "yes");
}

/* ---- links ---- */

/* A clone's come when there is a namespace for them. */
int rebirth_links(struct op *op, struct running *running)
{
	cleanup_config struct ve_config network = {0};

	if (is_clone(running))
		return 0;
	int r = param_load_some(&config_table, PARAM_NETWORK, 0, &network, running->facts, "the image", op->err);
	return r < 0 ? r : network_park(op, running->ve->ctid, &running->state, &network, running->network);
}

/* ---- processes ---- */

static int note_process(struct op *op, struct running *running, pid_t pid)
{
	struct launched *launched = &running->launched;

	launched->pid = pid;
	launched->pidfd = pidfd_open(pid, 0);
	if (launched->pidfd < 0)
		return err_set(op->err, errno, "open a pidfd of the first process");
	running->state.pid = pid;
	running->state.starttime = state_starttime(pid);
	int r = state_save(running->ve->ctid, &running->state, op->err);
	cleanup_fd int netns = r < 0 ? r : launch_netns(launched, op->err);
	return netns < 0 ? netns : running_guard_home(op, running, netns);
}

static int restore_groups(struct op *op, const struct running *running)
{
	cleanup_free char *group = str_fmt("%s/init", running->state.cgroup), *text = NULL;

	int r = io_read_file(running->image, REBIRTH_GROUPS, &text, NULL);
	return r < 0 ? err_set(op->err, -r, "read the image")
		     : subtree_write(group, text, ve_base(running->ve), op->err);
}

static int join_network(struct op *op, struct running *running)
{
	if (is_clone(running))
		return 0;
	cleanup_fd int netns = launch_netns(&running->launched, op->err);
	return netns < 0 ? netns : network_join(op, running->ve->ctid, &running->state, netns);
}

/* Sockets come back bound to the addresses of the VE that it was cloned from, which the clone has not. */
static int let_bind(int netns, bool strangers)
{
	static const char *const files[] = {"/proc/sys/net/ipv4/ip_nonlocal_bind",
					    "/proc/sys/net/ipv6/ip_nonlocal_bind"};

	if (setns(netns, CLONE_NEWNET) < 0)
		return -errno;
	for (size_t i = 0; i < countof(files); i++) {
		int r = io_write_kernel(AT_FDCWD, files[i], strangers ? "1" : "0");
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int set_strangers(int netns, bool strangers, struct err *err)
{
	int status;

	pid_t pid = fork();
	if (pid == 0)
		_exit(let_bind(netns, strangers) < 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_set(err, errno, "make a process for the clone's network");
	return status == 0 ? 0 : err_say(err, ERR_RESTORE, "the network of the clone cannot be prepared");
}

/* As at a start: what its sockets stood for in the network stays with the VE that it was cloned from. */
static int raise_network(struct op *op, struct running *running)
{
	cleanup_netns struct netns guest = {0};
	int r;

	cleanup_fd int netns = launch_netns(&running->launched, op->err);
	if (netns < 0)
		return netns;
	if ((r = netns_open(netns, &guest, op->err)) < 0 || (r = link_up(&guest, "lo", op->err)) < 0 ||
	    (r = network_up(op, running->ve, &running->state, &guest)) < 0)
		return r;
	return set_strangers(netns, true, op->err);
}

static int furnished(struct op *op, struct running *running)
{
	int r = restore_groups(op, running);
	return r < 0 || !is_clone(running) ? r : raise_network(op, running);
}

/* In the VE's namespaces, as root there. What a mount has when it is copied to a namespace of others' is locked: the
 * root came without nodev, or no bind mount of the VE's could be made as it was. */
static int furnish_inside(int pidfd, const char *hostname)
{
	struct mount_attr nodev = {.attr_set = MOUNT_ATTR_NODEV};
	struct err why = {0};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0 || setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -errno;
	if (mount_setattr(AT_FDCWD, "/", 0, &nodev, sizeof(nodev)) < 0)
		return -errno;
	if (hostname && (setns(pidfd, CLONE_NEWUTS) < 0 || sethostname(hostname, strlen(hostname)) < 0))
		return -errno;
	return caps_limit_namespaces(proc, &why);
}

/* What no image has: flags of its root, and the ceilings of its user namespace; and the host name of a clone. */
static int furnish(const struct running *running, struct err *err)
{
	cleanup_free char *hostname = is_clone(running) ? ve_hostname(running->ve) : NULL;
	int status;

	pid_t pid = fork();
	if (pid == 0)
		_exit(furnish_inside(running->launched.pidfd, hostname) < 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_set(err, errno, "make a process that sets ceilings");
	return status == 0 ? 0 : err_say(err, ERR_RESTORE, "the ceilings of the container cannot be set");
}

struct rebirth {
	struct op *op;
	struct running *running;
	int refused; /* what came back is not what it should be, and was killed */
	bool let_go; /* it runs, or some of it */
};

static int restored(struct op *op, struct running *running)
{
	int r;

	if ((r = furnish(running, op->err)) < 0 ||
	    (r = verify_namespace(running->launched.pid, ve_base(running->ve), op->err)) < 0 ||
	    (r = join_network(op, running)) < 0)
		return r;
	if (is_clone(running)) {
		cleanup_fd int netns = launch_netns(&running->launched, op->err);
		r = netns < 0 ? netns : set_strangers(netns, false, op->err);
		if (r < 0)
			return r;
	}
	if (running->image_stays)
		return 0;
	/* From here on it may change its files: the image would bring back a memory that does not know. */
	cleanup_fd int store = dumps_open(op->host, op->err);
	return store < 0 ? store : image_retire(store, running->image_name, op->err);
}

static int stay_frozen(struct op *op, struct running *running)
{
	running->state.frozen = true;
	int r = cgroup_write(running->state.cgroup, "cgroup.freeze", "1", op->err);
	return r < 0 ? r : state_save(running->ve->ctid, &running->state, op->err);
}

/* CRIU's own work, in the VE's group, needs more than what was in it: a VE at its limits would not come back. Nothing
 * of the VE's runs meanwhile. */
static int lift_limits(struct op *op, const struct running *running, bool lift)
{
	const struct limits own = running_limits(running->ve);
	struct limits lifted = own;

	lifted.ram = lifted.swap = lifted.numproc = LIMIT_NONE;
	return limits_apply(running->state.cgroup, lift ? &lifted : &own, lift ? &own : &lifted, op->err);
}

/* CRIU does not ask any more whether it may let them run. */
static void ready(struct rebirth *rebirth)
{
	struct running *running = rebirth->running;
	const char *group = running->state.cgroup;
	struct op *op = rebirth->op;
	struct err err = {0};

	rebirth->refused = verify_processes(group, op->err);
	if (rebirth->refused == 0)
		rebirth->refused = lift_limits(op, running, false);
	if (rebirth->refused < 0)
		cgroup_kill(group, KILL_TIMEOUT_MS, &err);
	else if (running->stay_frozen)
		rebirth->refused = stay_frozen(op, running);
	else
		rebirth->let_go = true;
}

/* Its image is what there is of it again. */
static void keep_image(struct op *op, const char *name)
{
	struct err err = {0};
	cleanup_fd int store = dumps_open(op->host, &err);

	if (store < 0 || image_reinstate(store, name, &err) < 0)
		op_warn(op, "the image is in the dump directory and hidden: %s", err.text);
}

static int on_moment(void *ctx, enum criu_moment moment, pid_t pid, int fd, struct err *err)
{
	struct rebirth *rebirth = ctx;
	struct running *running = rebirth->running;
	(void)err;

	switch (moment) {
	case CRIU_NAMESPACES:
		return note_process(rebirth->op, running, pid);
	case CRIU_FURNISHED:
		return furnished(rebirth->op, running);
	case CRIU_CONSOLE:
		fd_close(running->launched.console);
		running->launched.console = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return 0;
	case CRIU_RESTORED:
		return restored(rebirth->op, running);
	case CRIU_READY:
		ready(rebirth);
		return 0;
	default:
		return 0;
	}
}

/* CRIU reads some of its files as root of the VE, who is let as far as the parents of the directory let him: not at
 * all. */
static int prepare_files(const struct running *running, struct err *err)
{
	uint32_t base = ve_base(running->ve);

	struct mount_attr unlocked = {.attr_clr = MOUNT_ATTR_NODEV};

	if (mount_setattr(running->root, "", AT_EMPTY_PATH, &unlocked, sizeof(unlocked)) < 0)
		return err_set(err, errno, "make the root ready for CRIU");
	cleanup_fd int files = openat(running->image, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (files < 0 || fchown(files, base, base) < 0)
		return err_set(err, errno, "open the image's files");
	return steal_fd(&files);
}

int rebirth_restore(struct op *op, struct running *running)
{
	cleanup_net_guest struct net_guest guest = {0};
	cleanup_externals struct externals externals = {0};
	struct rebirth ctx = {.op = op, .running = running};
	struct ve *ve = running->ve;
	int r;

	if ((r = grant_modules(running->state.granted, op->err)) < 0 || (r = lift_limits(op, running, true)) < 0 ||
	    (r = guest_of(ve->ctid, &running->state.network, &guest, op->err)) < 0 ||
	    (r = externals_restored(running->state.granted, op->host->node.lxcfs, &guest,
				    kvfile_get(running->facts, "LINKS"), &externals, op->err)) < 0)
		return r;

	cleanup_fd int files = prepare_files(running, op->err);
	cleanup_fd int logs = files < 0 ? files : dumps_logs(op->err);
	cleanup_fd int own_group = logs < 0 ? logs : criu_group_begin(op->host, ve->ctid, op->err);
	if (own_group < 0)
		return own_group;
	cleanup_free char *log = str_fmt("%u.restore.log", ve->ctid);
	cleanup_free char *group = str_fmt("/%s/init", running->state.cgroup);
	const struct criu_request request = {
		.files = files,
		.log_dir = logs,
		.log = log,
		.group = own_group,
		.externals = (const char *const *)externals.words,
		.ask = on_moment,
		.ctx = &ctx,
	};
	const struct criu_rebirth rebirth = {
		.root = running->root,
		.owner = ve_base(ve),
		.cgroup = group,
		.empty_network = is_clone(running),
	};
	r = criu_restore_tree(&request, &rebirth, op->err);
	criu_group_end(op->host, ve->ctid);
	dumps_after(op);
	if (ctx.refused < 0)
		r = ctx.refused;
	if (r < 0) {
		if (!running->image_stays && !ctx.let_go)
			keep_image(op, running->image_name);
		return err_is(op->err, ERR_RESTORE, r);
	}
	running->root = fd_close(running->root);
	return 0;
}
