/* The state is looked at here to refuse in vzctl's words what makes no sense; it may change until the operation has the
 * VE's lock, and the lifecycle looks again then. */
#include "cmd/verbs.h"

#include <assert.h>
#include <limits.h>

#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"

#define IN(state) (1u << (state))
#define DOWN (IN(VE_STOPPED) | IN(VE_MOUNTED) | IN(VE_SUSPENDED))
#define ANY (DOWN | IN(VE_RUNNING))
#define CHANGES (VERB_RECORDED | VERB_SPAWNS)

/* clang-format off */
const struct verb verb_table[] = {
	{"Clone", "clone", verb_clone, ANY, CHANGES, "cloned"},
	{"Create", "create", verb_create, 0, VERB_RECORDED, "created"},
	{"Destroy", "destroy", verb_destroy, IN(VE_STOPPED) | IN(VE_SUSPENDED), VERB_RECORDED, "destroyed"},
	{"Exec", "exec", verb_exec, IN(VE_RUNNING), CHANGES | VERB_ASKS, "command ended"},
	{"List", "list", verb_list, 0, 0, NULL},
	{"MigrateIn", "migrate-in", verb_migrate_in, 0, CHANGES, "migrated to this node"},
	{"MigrateOut", "migrate-out", verb_migrate_out, ANY, CHANGES, "migrated away"},
	{"Mount", "mount", verb_mount, IN(VE_STOPPED), VERB_RECORDED, "mounted"},
	{"Restart", "restart", verb_restart, ANY, CHANGES, "restarted"},
	{"Resume", "resume", verb_resume, ANY, CHANGES, "resumed"},
	{"Set", "set", verb_set, ANY, VERB_RECORDED, "settings changed"},
	{"Snapshot", "snapshot", verb_snapshot, IN(VE_STOPPED) | IN(VE_RUNNING), VERB_RECORDED, "snapshot made"},
	{"SnapshotDelete", "snapshot-delete", verb_snapshot_delete, ANY, VERB_RECORDED, "snapshot deleted"},
	{"SnapshotList", "snapshot-list", verb_snapshot_list, ANY | IN(VE_BROKEN), 0, NULL},
	{"SnapshotMount", "snapshot-mount", verb_snapshot_mount, ANY, VERB_RECORDED, "snapshot mounted"},
	{"SnapshotSwitch", "snapshot-switch", verb_snapshot_switch, ANY & ~IN(VE_MOUNTED), CHANGES,
	 "switched to a snapshot"},
	{"SnapshotUmount", "snapshot-umount", verb_snapshot_umount, ANY, VERB_RECORDED, "snapshot unmounted"},
	{"Start", "start", verb_start, DOWN, CHANGES, "started"},
	{"Status", "status", verb_status, 0, 0, NULL},
	{"Stop", "stop", verb_stop, IN(VE_RUNNING) | IN(VE_BROKEN), VERB_RECORDED, "stopped"},
	{"Suspend", "suspend", verb_suspend, IN(VE_RUNNING), VERB_RECORDED, "suspended"},
	{"TemplateBuild", "template build", verb_template_build, 0, VERB_RECORDED, "template built"},
	{"TemplateDelete", "template delete", verb_template_delete, 0, VERB_RECORDED, "template deleted"},
	{"TemplateImport", "template import", verb_template_import, 0, VERB_RECORDED, "template imported"},
	{"TemplateInfo", "template info", verb_template_info, 0, 0, NULL},
	{"TemplateList", "template list", verb_template_list, 0, 0, NULL},
	{"Umount", "umount", verb_umount, IN(VE_MOUNTED), VERB_RECORDED, "unmounted"},
};

/* The words for a verb that is not allowed in a state: the first row that fits. */
static const struct refusal {
	unsigned states;
	const char *verb; /* NULL: any */
	enum err_kind kind;
	const char *text;
} refusals[] = {
	{IN(VE_BROKEN), NULL, ERR_WRONG_STATE,
	 "the container has ended by itself and is still being taken down; try again in a moment"},
	{DOWN, "stop", ERR_NOT_RUNNING, "Unable to stop: container is not running"},
	{DOWN, "suspend", ERR_NOT_RUNNING, "Unable to setup checkpointing: container is not running"},
	{DOWN, "exec", ERR_NOT_RUNNING, "Container is not running"},
	{IN(VE_STOPPED) | IN(VE_SUSPENDED), "umount", ERR_NOT_MOUNTED, "Container is not mounted"},
	{IN(VE_MOUNTED) | IN(VE_RUNNING), "mount", ERR_MOUNTED, "Container is already mounted"},
	{IN(VE_RUNNING), "start", ERR_RUNNING, "Container is already running"},
	{IN(VE_RUNNING), NULL, ERR_RUNNING, "Container is currently running. Stop it first."},
	{IN(VE_MOUNTED), NULL, ERR_MOUNTED, "Container is currently mounted. Unmount it first."},
	{IN(VE_SUSPENDED), NULL, ERR_WRONG_STATE, "Container is suspended. Resume it first."},
};
/* clang-format on */

const size_t verb_count = countof(verb_table);
static_assert(countof(verb_table) <= VERBS_MAX, "VERBS_MAX is too small");

const char *verb_text(const struct invocation *invocation, const char *name)
{
	sd_json_variant *value = sd_json_variant_by_key(invocation->parameters, name);
	return sd_json_variant_is_string(value) ? sd_json_variant_string(value) : NULL;
}

bool verb_flag(const struct invocation *invocation, const char *name)
{
	sd_json_variant *value = sd_json_variant_by_key(invocation->parameters, name);
	return sd_json_variant_is_boolean(value) && sd_json_variant_boolean(value);
}

unsigned verb_number(const struct invocation *invocation, const char *name)
{
	sd_json_variant *value = sd_json_variant_by_key(invocation->parameters, name);
	if (!sd_json_variant_is_unsigned(value) || sd_json_variant_unsigned(value) > UINT_MAX)
		return 0;
	return (unsigned)sd_json_variant_unsigned(value);
}

int verb_bad_answer(struct invocation *invocation, int r)
{
	return err_set(invocation->work->op.err, -r, "put the answer together");
}

int verb_check(const struct verb *verb, enum ve_state state, struct err *err)
{
	if (verb->states & IN(state))
		return 0;
	for (size_t i = 0; i < countof(refusals); i++) {
		const struct refusal *row = &refusals[i];
		if ((row->states & IN(state)) && (!row->verb || str_eq(row->verb, verb->name)))
			return err_say(err, row->kind, "%s", row->text);
	}
	return err_say(err, ERR_WRONG_STATE, "%s is not possible: the container is %s", verb->name,
		       ve_state_name(state));
}

static int find_ve(const struct verb *verb, struct invocation *invocation)
{
	struct op *op = &invocation->work->op;
	cleanup_ve struct ve ve = {0};

	int r = ve_find(verb_text(invocation, "ve"), &invocation->ctid, op->err);
	if (r < 0)
		return r;
	work_about(invocation->work, invocation->ctid);
	if (verb->flags & VERB_ASKS)
		return 0;
	r = ve_load(op->host, invocation->ctid, &ve, op->err);
	if (r < 0)
		return r;
	invocation->state = ve_state(&ve);
	return verb_check(verb, invocation->state, op->err);
}

static int tell(struct invocation *invocation, sd_json_variant *answer)
{
	cleanup_free char *json = NULL;

	int r = sd_json_variant_format(answer, 0, &json);
	return r < 0 ? verb_bad_answer(invocation, r) : work_done(invocation->work, json);
}

int verb_run(const struct verb *verb, struct invocation *invocation)
{
	cleanup_variant sd_json_variant *answer = NULL;

	int r = verb->states ? find_ve(verb, invocation) : 0;
	if (r == 0)
		r = verb->run(invocation, &answer);
	return r == 0 && answer ? tell(invocation, answer) : r;
}
