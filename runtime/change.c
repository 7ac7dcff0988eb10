/* vzctl set: a change of a VE's configuration, applied to the running VE and saved, both or neither. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quota/limits.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/claims.h"
#include "runtime/edit.h"
#include "runtime/guest.h"
#include "runtime/lifecycle.h"
#include "runtime/lock.h"
#include "runtime/names.h"
#include "runtime/naming.h"
#include "runtime/network.h"
#include "runtime/places.h"
#include "runtime/running.h"
#include "runtime/ve.h"

struct changing {
	struct ve before, after;
	struct ve_config *change;
	struct state record; /* of the running VE; its cgroup is NULL when it does not run */
	int pidfd;
};

static int limits_change(struct op *op, const struct changing *changing, const struct ve *from, const struct ve *to)
{
	if (!changing->record.cgroup)
		return 0;
	struct limits before = running_limits(from), after = running_limits(to);
	return limits_apply(changing->record.cgroup, &after, &before, op->err);
}

static int limits_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return limits_change(op, changing, &changing->before, &changing->after);
}

static int limits_back(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return limits_change(op, changing, &changing->after, &changing->before);
}

static bool changes_disk(const struct changing *changing)
{
	const struct ve_config *a = &changing->before.config, *b = &changing->after.config;
	return memcmp(&a->diskspace, &b->diskspace, sizeof(a->diskspace)) != 0 ||
	       memcmp(&a->diskinodes, &b->diskinodes, sizeof(a->diskinodes)) != 0;
}

static int disk_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return changes_disk(changing) ? running_limit_disk(op, &changing->after) : 0;
}

static int disk_back(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return changes_disk(changing) ? running_limit_disk(op, &changing->before) : 0;
}

/* From the VE's UTS namespace and back into ours. */
static int set_hostname(int pidfd, const char *hostname, struct err *err)
{
	cleanup_fd int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return err_set(err, errno, "open our UTS namespace");
	if (setns(pidfd, CLONE_NEWUTS) < 0)
		return err_set(err, errno, "enter the VE's UTS namespace");

	int r = sethostname(hostname, strlen(hostname)) < 0 ? -errno : 0;
	if (setns(own, CLONE_NEWUTS) < 0)
		return err_set(err, errno, "leave the VE's UTS namespace");
	return r < 0 ? err_is(err, ERR_BAD_HOSTNAME, err_set(err, -r, "set the host name \"%s\"", hostname)) : 0;
}

static int hostname_change(struct op *op, const struct changing *changing, const struct ve *to)
{
	cleanup_free char *hostname = ve_hostname(to);

	if (changing->pidfd < 0 ||
	    !param_given(&config_table, param_by_key(&config_table, "HOSTNAME"), changing->change))
		return 0;
	return set_hostname(changing->pidfd, hostname, op->err);
}

static int hostname_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return hostname_change(op, changing, &changing->after);
}

static int hostname_back(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return hostname_change(op, changing, &changing->before);
}

static bool changes_network(const struct changing *changing)
{
	return param_any(&config_table, PARAM_NETWORK, changing->change);
}

/* The kernel refuses what another VE that runs has; one that does not run is asked for here. */
static int claims_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	const struct ve *before = &changing->before, *after = &changing->after;
	return changes_network(changing)
		       ? claims_check(op->host, before->ctid, &before->config, &after->config, op->err)
		       : 0;
}

static int network_to(struct op *op, struct changing *changing, const struct ve *to)
{
	const struct network_options options = {
		.skip_arpdetect = changing->change->edit.skip_arpdetect,
		.back = to == &changing->before,
	};

	if (changing->pidfd < 0 || !changes_network(changing))
		return 0;
	return network_change(op, to->ctid, &changing->record, &to->config, &options);
}

static int network_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return network_to(op, changing, &changing->after);
}

static int network_back(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return network_to(op, changing, &changing->before);
}

static bool changes_name(const struct changing *changing)
{
	const char *before = changing->before.config.name, *after = changing->after.config.name;
	return before && after ? !str_eq(before, after) : before != after;
}

static int name_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	const char *name = changing->after.config.name;
	return changes_name(changing) && name ? names_assign(name, changing->before.ctid, op->err) : 0;
}

static int name_back(struct op *op, void *ctx)
{
	struct changing *changing = ctx;
	return changes_name(changing) ? names_release(changing->after.config.name, changing->before.ctid, op->err) : 0;
}

static int save_step(struct op *op, void *ctx)
{
	struct changing *changing = ctx;

	int r = config_save(changing->before.ctid, changing->change, op->err);
	if (r < 0)
		return err_is(op->err, ERR_CONFIG_SAVE, r);
	op_say(op, "CT configuration saved to " PATH_VE_CONFIG_DIR "/%u.conf", changing->before.ctid);
	return 0;
}

/* Saving is the last of what can fail; the old name goes when all is well. */
static const struct step change_steps[] = {
	{"claims", claims_step, NULL},
	{"limits", limits_step, limits_back},
	{"disk", disk_step, disk_back},
	{"network", network_step, network_back},
	{"hostname", hostname_step, hostname_back},
	{"name", name_step, name_back},
	{"save", save_step, NULL},
};

/* What the change has a word on that a VE in this state cannot take. */
static int check_allowed(struct op *op, const struct changing *changing, enum ve_state state, bool save)
{
	for (size_t i = 0; i < config_table.n; i++) {
		const struct param *row = &config_table.rows[i];
		if (!param_given(&config_table, row, changing->change))
			continue;
		if ((row->flags & PARAM_CREATE) || !row->option)
			return err_say(op->err, ERR_BAD_OPTION, "%s cannot be changed after create", row->key);
		if ((row->flags & PARAM_STOPPED) && state != VE_STOPPED)
			return err_say(op->err, ERR_RUNNING, "--%s cannot be changed while the container is %s",
				       row->option, ve_state_name(state));
		if (state == VE_RUNNING && !(row->flags & (PARAM_LIVE | PARAM_OWN)))
			op_warn(op, "--%s applies from the next start of the container", row->option);
	}
	if (!save && param_given(&config_table, param_by_key(&config_table, "NAME"), changing->change))
		return err_say(op->err, ERR_NAME, "--name needs --save");
	return 0;
}

/* What a running VE has of the network is what a change is over, saved or not. */
static int find_running(struct op *op, struct changing *changing)
{
	struct ve *before = &changing->before;

	if (state_load(before->ctid, &changing->record, op->err) < 0)
		return -EIO;
	changing->pidfd = state_pidfd(&changing->record);
	guest_copy(&before->config, &changing->record.network);
	return 0;
}

static int prepare(struct op *op, struct changing *changing, enum ve_state state)
{
	struct ve *after = &changing->after;
	uint32_t ctid = changing->before.ctid;
	int r;

	if (state == VE_RUNNING && (r = find_running(op, changing)) < 0)
		return r;
	if ((r = config_resolve(ctid, &changing->before.config, changing->change, op->err)) < 0 ||
	    (r = ve_load(op->host, ctid, after, op->err)) < 0)
		return r;
	guest_copy(&after->config, &changing->before.config);
	param_merge(&config_table, &after->config, changing->change);
	ve_expand(after);
	r = config_check(&after->config, op->err);
	return r < 0 ? r : places_check(op->host, after, op->err);
}

static int change(struct op *op, struct changing *changing, bool save)
{
	enum ve_state state = ve_state(&changing->before);
	size_t n = countof(change_steps) - (save ? 0 : 1);

	int r = check_allowed(op, changing, state, save);
	if (r < 0 || (r = prepare(op, changing, state)) < 0 || (r = op_run(op, change_steps, n, changing)) < 0)
		return r;
	/* What cannot fail for the VE's sake comes when nothing else can. */
	naming_change(op, &changing->before, &changing->after, changing->change, &changing->record, changing->pidfd);
	if (changes_name(changing)) {
		if (changing->after.config.name)
			op_say(op, "Name %s assigned", changing->after.config.name);
		r = names_release(changing->before.config.name, changing->before.ctid, op->err);
	}
	if (!save)
		op_warn(op, "WARNING: Settings were not saved to config and will be lost after container restart (use "
			    "--save flag)");
	return r;
}

int lifecycle_set(struct op *op, uint32_t ctid, const struct ve_config *config, const char *sample, bool save)
{
	struct changing changing = {.pidfd = -1};
	struct ve_config whole = {0};
	cleanup_fd int lock = lock_ve(op, ctid, op->err);
	if (lock < 0)
		return lock;

	int r = ve_load(op->host, ctid, &changing.before, op->err);
	if (r == 0 && sample)
		r = config_sample(sample, ERR_APPLY_CONFIG, &whole, op->err);
	if (r == 0) {
		param_merge(&config_table, &whole, config);
		changing.change = &whole;
		r = change(op, &changing, save);
	}
	fd_close(changing.pidfd);
	state_done(&changing.record);
	ve_done(&changing.before);
	ve_done(&changing.after);
	config_done(&whole);
	return r;
}
