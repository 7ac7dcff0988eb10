#include "runtime/suspend.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "checkpoint/criu.h"
#include "checkpoint/image.h"
#include "netns/netns.h"
#include "netns/unlock.h"
#include "quota/cgroup.h"
#include "quota/subtree.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/checkable.h"
#include "runtime/dumper.h"
#include "runtime/dumps.h"
#include "runtime/guest.h"
#include "runtime/handover.h"
#include "runtime/host.h"
#include "runtime/network.h"
#include "runtime/op.h"
#include "runtime/precopy.h"
#include "runtime/rebirth.h"
#include "runtime/running.h"

#define FREEZE_TIMEOUT_MS 30000

/* ---- the steps of a dump ---- */

struct suspending {
	struct ve *ve;
	struct state state;
	const char *name; /* of the image */
	int store, image; /* directories */
	bool was_frozen;
	bool published;
	const struct suspend_still *still; /* what to do instead of publishing; NULL: publish */
	struct kvfile *facts;		   /* of the image that is being written */
	bool given; /* what there is of it is another's to decide on: it neither goes on nor loses its image */
	const struct suspend_options *options;
};

static void suspending_done(struct suspending *suspending)
{
	state_done(&suspending->state);
	fd_close(suspending->store);
	fd_close(suspending->image);
	kvfile_free(suspending->facts);
}

#define cleanup_suspending __attribute__((cleanup(suspending_done)))

/* From here on, whoever dies, the VE does nothing that an image would not know of. */
static int freeze_apply(struct op *op, void *ctx)
{
	struct suspending *suspending = ctx;

	suspending->was_frozen = cgroup_is_frozen(suspending->state.cgroup);
	op_say(op, "\tsuspend...");
	return cgroup_freeze(suspending->state.cgroup, true, FREEZE_TIMEOUT_MS, op->err);
}

static int freeze_undo(struct op *op, void *ctx)
{
	struct suspending *suspending = ctx;

	if (suspending->was_frozen || suspending->given)
		return 0;
	return cgroup_freeze(suspending->state.cgroup, false, FREEZE_TIMEOUT_MS, op->err);
}

static int image_apply(struct op *op, void *ctx)
{
	struct suspending *suspending = ctx;
	const struct precopy *begun = suspending->options ? suspending->options->begun : NULL;

	int r = suspending->store = dumps_open(op->host, op->err);
	if (r >= 0 && begun && begun->image >= 0) {
		suspending->image = fcntl(begun->image, F_DUPFD_CLOEXEC, 0);
		return suspending->image < 0 ? err_set(op->err, errno, "open the image") : 0;
	}
	return r < 0 ? r : image_begin(suspending->store, suspending->name, &suspending->image, op->err);
}

/* Half an image is nobody's: the next one that is begun takes its place. One that was published is of a VE that goes
 * on. */
static int image_undo(struct op *op, void *ctx)
{
	struct suspending *suspending = ctx;

	suspending->image = fd_close(suspending->image);
	if (suspending->store < 0 || suspending->given)
		return 0;
	if (suspending->published)
		return image_drop(suspending->store, suspending->name, op->err);
	return image_clean(suspending->store, op->err);
}

static char *links_of(int fd, const struct net_guest *guest, struct err *err)
{
	cleanup_netns struct netns node = {0}, netns = {0};
	struct text links = {0};

	if (netns_open(NETNS_OWN, &node, err) < 0 || netns_open(fd, &netns, err) < 0)
		return NULL;

	text_add(&links, "%s", "");
	for (size_t i = 0; i < guest->n_interfaces; i++) {
		const struct net_interface *interface = &guest->interfaces[i];
		char name[NET_NAME];
		if (net_name_inside(&node, &netns, interface, name, err) < 0) {
			text_done(&links);
			return NULL;
		}
		text_add(&links, "%s%s=%s", i ? " " : "", interface->host_name, name);
	}
	return links.s;
}

static int facts_of(const struct suspending *suspending, struct kvfile **ret, struct err *err)
{
	cleanup_net_guest struct net_guest guest = {0};
	cleanup_fd int netns = state_netns(&suspending->state, err);
	if (netns < 0)
		return netns;

	int r = guest_of(suspending->ve->ctid, &suspending->state.network, &guest, err);
	if (r < 0)
		return r;
	cleanup_free char *links = links_of(netns, &guest, err);
	if (!links)
		return -ENODEV;
	*ret = rebirth_facts(suspending->ve, &suspending->state, links);
	return 0;
}

struct dumping {
	struct op *op;
	struct suspending *suspending;
};

/* Its processes die only after the image is safe. */
static int on_moment(void *ctx, enum criu_moment moment, pid_t pid, int fd, struct err *err)
{
	struct dumping *dumping = ctx;
	struct suspending *suspending = dumping->suspending;
	(void)pid;
	(void)fd;

	if (moment != CRIU_DUMPED)
		return 0;
	if (suspending->still)
		return suspending->still->act(dumping->op, suspending->still->ctx);
	int r = dumps_publish(suspending->store, suspending->image, suspending->name, suspending->facts, err);
	suspending->published = r == 0;
	if (r == 0 && suspending->options->still)
		r = suspending->options->still(suspending->options->ctx, suspending->facts, err);
	suspending->given = r == 0 && suspending->options->still;
	return r;
}

/* A CRIU that was killed has left it locked. */
static int unlock_network(const struct state *state, struct err *err)
{
	struct err ended = {0};
	cleanup_fd int netns = state_netns(state, &ended);
	return netns < 0 ? 0 : netns_unlock(netns, err);
}

/* Of one that was given away, connections may live elsewhere by now. */
static void unlock_after(struct op *op, const struct suspending *suspending)
{
	struct err err = {0};

	if (!suspending->given && unlock_network(&suspending->state, &err) < 0)
		op_warn(op, "%s", err.text);
}

static int dump(struct op *op, struct suspending *suspending, bool stay)
{
	struct dumping ctx = {op, suspending};
	cleanup_dumper struct dumper dumper = DUMPER_NONE;

	int r = dumper_open(op, suspending->ve->ctid, &suspending->state, suspending->image, &dumper);
	if (r < 0)
		return r;
	dumper.request.ask = on_moment;
	dumper.request.ctx = &ctx;
	r = criu_dump_tree(&dumper.request, suspending->state.pid, stay, op->err);
	dumps_after(op);
	if (r < 0)
		unlock_after(op, suspending);
	return r;
}

/* CRIU writes to groups what they were set to when all is restored, which is too late for watches on their files. */
static int save_groups(struct suspending *suspending, struct err *err)
{
	cleanup_free char *group = str_fmt("%s/init", suspending->state.cgroup), *text = NULL;

	int r = subtree_read(group, &text, err);
	if (r < 0)
		return r;
	r = io_replace_file(suspending->image, REBIRTH_GROUPS, text, strlen(text), 0600);
	return r < 0 ? err_set(err, -r, "write the image") : 0;
}

static int write_down(struct op *op, struct suspending *suspending, bool stay)
{
	int r = facts_of(suspending, &suspending->facts, op->err);
	if (r == 0)
		r = save_groups(suspending, op->err);
	return r < 0 ? r : dump(op, suspending, stay);
}

static int dump_with(struct op *op, struct suspending *suspending, bool stay)
{
	op_say(op, "\tdump...");
	return err_is(op->err, ERR_CHECKPOINT, write_down(op, suspending, stay));
}

int suspend_dump(struct op *op, struct ve *ve, int image, const struct suspend_still *still, struct kvfile **ret_facts)
{
	cleanup_suspending struct suspending suspending = {.ve = ve, .store = -1, .image = -1, .still = still};

	suspending.image = fcntl(image, F_DUPFD_CLOEXEC, 0);
	int r = state_load(ve->ctid, &suspending.state, op->err);
	if (r == 0)
		r = write_down(op, &suspending, true);
	if (r == 0)
		*ret_facts = steal_ptr(suspending.facts);
	return r;
}

static int dump_apply(struct op *op, void *ctx)
{
	return dump_with(op, ctx, false);
}

static int dump_frozen_apply(struct op *op, void *ctx)
{
	return dump_with(op, ctx, true);
}

static const struct step suspend_steps[] = {
	{"freeze", freeze_apply, freeze_undo},
	{"image", image_apply, image_undo},
	{"dump", dump_apply, NULL},
};

/* The stage --dump by itself. */
static const struct step dump_steps[] = {
	{"freeze", freeze_apply, freeze_undo},
	{"image", image_apply, image_undo},
	{"dump", dump_frozen_apply, NULL},
};

/* ---- before it is frozen ---- */

static int look_first(struct op *op, const struct suspending *suspending, bool force)
{
	int r = force ? checkable_end_sessions(&suspending->state, op->err) : 0;
	return r < 0 ? r : checkable_must(op, &suspending->state);
}

static int check(struct op *op, const struct state *state)
{
	cleanup_obstacles struct obstacles obstacles = {0};

	int r = criu_usable(op->err);
	if (r == 0)
		r = checkable_look(state, &obstacles, op->err);
	if (r < 0)
		return r;
	if (!checkable_tell(op, &obstacles))
		return err_say(op->err, ERR_CHECKPOINT, "the container cannot be suspended as it is");
	op_say(op, "the container can be suspended");
	return 0;
}

/* ---- stages ---- */

static int set_frozen(struct op *op, struct suspending *suspending, bool frozen)
{
	int r = cgroup_freeze(suspending->state.cgroup, frozen, FREEZE_TIMEOUT_MS, op->err);
	if (r < 0) {
		struct err ignored = {0};
		if (frozen)
			cgroup_freeze(suspending->state.cgroup, false, FREEZE_TIMEOUT_MS, &ignored);
		return r;
	}
	suspending->state.frozen = frozen;
	return state_save(suspending->ve->ctid, &suspending->state, op->err);
}

static int must_be_frozen(const struct suspending *suspending, struct err *err)
{
	return suspending->state.frozen
		       ? 0
		       : err_say(err, ERR_WRONG_STATE, "the container is not frozen; freeze it by --suspend first");
}

static int thaw(struct op *op, struct suspending *suspending)
{
	cleanup_fd int store = dumps_open(op->host, op->err);
	int r = store < 0 ? store : must_be_frozen(suspending, op->err);
	if (r == 0)
		r = handover_check(suspending->ve->ctid, op->err);
	/* The image first: the VE is about to change what it knows. */
	if (r == 0)
		r = image_drop(store, suspending->name, op->err);
	if (r < 0)
		return r;
	op_say(op, "Resuming...");
	return set_frozen(op, suspending, false);
}

static int kill_frozen(struct op *op, struct suspending *suspending)
{
	int r = must_be_frozen(suspending, op->err);
	if (r < 0)
		return r;
	op_say(op, "Killing...");
	return running_take_down(op, suspending->ve, false);
}

static int run_stages(struct op *op, struct suspending *suspending, const struct suspend_options *options)
{
	unsigned stages = options->stages;
	int r = 0;

	if (stages & SUSPEND_FREEZE) {
		op_say(op, "\tsuspend...");
		r = set_frozen(op, suspending, true);
	}
	if (r == 0 && stages & SUSPEND_DUMP && (r = must_be_frozen(suspending, op->err)) == 0 &&
	    (r = look_first(op, suspending, options->force)) == 0)
		r = op_run(op, dump_steps, countof(dump_steps), suspending);
	if (r == 0 && stages & SUSPEND_KILL)
		r = kill_frozen(op, suspending);
	if (r == 0 && stages & SUSPEND_THAW)
		r = thaw(op, suspending);
	return r;
}

static int suspend_whole(struct op *op, struct suspending *suspending, bool force)
{
	op_say(op, "Setting up checkpoint...");
	int r = look_first(op, suspending, force);
	if (r == 0)
		r = op_run(op, suspend_steps, countof(suspend_steps), suspending);
	if (r < 0)
		return r;
	op_say(op, "\tkill...");
	r = running_take_down(op, suspending->ve, false);
	if (r == 0)
		op_say(op, "Checkpointing completed successfully");
	return r;
}

int suspend_locked(struct op *op, struct ve *ve, const struct suspend_options *options)
{
	cleanup_free char *own = str_fmt("%u", ve->ctid);
	cleanup_suspending struct suspending suspending = {
		.ve = ve, .name = options->image ? options->image : own, .store = -1, .image = -1, .options = options};

	if (ve_state(ve) != VE_RUNNING)
		return err_say(op->err, ERR_NOT_RUNNING, "Unable to setup checkpointing: container is not running");
	int r = state_load(ve->ctid, &suspending.state, op->err);
	if (r < 0)
		return r;
	if (options->check)
		return check(op, &suspending.state);
	return options->stages ? run_stages(op, &suspending, options) : suspend_whole(op, &suspending, options->force);
}

int lifecycle_suspend(struct op *op, uint32_t ctid, const struct suspend_options *options)
{
	cleanup_ve struct ve ve = {0};
	cleanup_fd int lock = -1;

	int r = ve_open(op, ctid, &ve, &lock);
	return r < 0 ? r : suspend_locked(op, &ve, options);
}

/* ---- to be looked at ---- */

static int still_apply(struct op *op, void *ctx)
{
	struct suspending *suspending = ctx;
	return suspending->still->act(op, suspending->still->ctx);
}

static const struct step still_steps[] = {
	{"freeze", freeze_apply, freeze_undo},
	{"still", still_apply, NULL},
};

static int stand_still(struct op *op, struct suspending *suspending, bool dumped)
{
	struct timespec begin, end;

	int r = dumped ? look_first(op, suspending, false) : 0;
	if (r < 0)
		return r;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	r = dumped ? op_run(op, dump_steps, countof(dump_steps), suspending)
		   : op_run(op, still_steps, countof(still_steps), suspending);
	if (r == 0 && (r = freeze_undo(op, suspending)) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		op_say(op, "CT %u stood still for %lld ms", suspending->ve->ctid,
		       (long long)(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
	}
	return r;
}

int suspend_meanwhile(struct op *op, struct ve *ve, const struct suspend_still *still, int *ret_image,
		      struct kvfile **ret_facts)
{
	cleanup_free char *name = str_fmt("aside-%u", ve->ctid);
	cleanup_suspending struct suspending suspending = {
		.ve = ve, .name = name, .store = -1, .image = -1, .still = still};

	int r = state_load(ve->ctid, &suspending.state, op->err);
	if (r == 0)
		r = stand_still(op, &suspending, ret_image != NULL);
	if (r < 0 || !ret_image)
		return r;
	*ret_image = steal_fd(&suspending.image);
	*ret_facts = steal_ptr(suspending.facts);
	return 0;
}

/* ---- after a crash ---- */

/* An image is published a moment before those who are in it are killed, and whoever is dying then has not outlived it.
 */
#define DYING_MS 10000

static bool lives_on(const struct state *state, int store, const char *name)
{
	cleanup_fd int pidfd = state_pidfd(state);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && (!image_present(store, name) || poll(&end, 1, DYING_MS) == 0);
}

static int recover_running(struct op *op, struct ve *ve, int store, const char *name)
{
	cleanup_suspending struct suspending suspending = {.ve = ve, .name = name, .store = -1, .image = -1};

	int r = state_load(ve->ctid, &suspending.state, op->err);
	if (r < 0)
		return r;
	bool frozen = cgroup_is_frozen(suspending.state.cgroup), wanted = suspending.state.frozen;
	if ((frozen && wanted) || !lives_on(&suspending.state, store, name))
		return 0;
	cleanup_handover struct handover handover = {0};
	r = handover_load(ve->ctid, &handover, op->err);
	if (r < 0)
		return r;
	/* It may run on the other node by now. */
	if (handover.receiver)
		return running_take_down(op, ve, false);
	r = image_drop(store, name, op->err);
	if (r == 0 && frozen)
		r = unlock_network(&suspending.state, op->err);
	return r < 0 || (!frozen && !wanted) ? r : set_frozen(op, &suspending, false);
}

int suspend_recover(struct op *op, struct ve *ve)
{
	cleanup_free char *name = str_fmt("%u", ve->ctid);
	cleanup_fd int store = dumps_open(op->host, op->err);

	int r = store < 0 ? store : image_forget(store, name, op->err);
	return r < 0 || ve_state(ve) != VE_RUNNING ? r : recover_running(op, ve, store, name);
}
