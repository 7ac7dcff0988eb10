/* The verbs of snapshots. */
#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/snapshot.h"
#include "runtime/snapshot_mount.h"
#include "runtime/snapshots.h"

/* One that is needed; NULL, with the reason, if it is not given. */
static const char *need(const struct invocation *invocation, const char *name)
{
	const char *text = verb_text(invocation, name);

	if (!text)
		err_say(invocation->work->op.err, ERR_MISSING_PARAM, "vzctl: --%s is missing", name);
	return text;
}

int verb_snapshot(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const struct snapshot_options options = {
		.id = verb_text(invocation, "id"),
		.name = verb_text(invocation, "name"),
		.description = verb_text(invocation, "description"),
		.skip_suspend = verb_flag(invocation, "skipSuspend"),
		.skip_config = verb_flag(invocation, "skipConfig"),
	};
	char id[UUID_SIZE];

	int r = lifecycle_snapshot(&invocation->work->op, invocation->ctid, &options, id);
	if (r < 0)
		return r;
	r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_STRING("id", id));
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}

static int to_json(const struct snapshot *snapshot, sd_json_variant **ret)
{
	const char *parent = snapshot->parent[0] ? snapshot->parent : NULL;

	return sd_json_buildo(
		ret, SD_JSON_BUILD_PAIR_STRING("id", snapshot->id), SD_JSON_BUILD_PAIR_STRING("parent", parent),
		SD_JSON_BUILD_PAIR_BOOLEAN("current", snapshot->current),
		SD_JSON_BUILD_PAIR_UNSIGNED("date", snapshot->date), SD_JSON_BUILD_PAIR_STRING("name", snapshot->name),
		SD_JSON_BUILD_PAIR_STRING("description", snapshot->description),
		SD_JSON_BUILD_PAIR_BOOLEAN("memory", snapshot->memory),
		SD_JSON_BUILD_PAIR_STRING("target", snapshot->target));
}

int verb_snapshot_list(struct invocation *invocation, sd_json_variant **ret_answer)
{
	cleanup_variant sd_json_variant *array = NULL;
	struct snapshot *list = NULL;
	size_t n = 0;

	int r = lifecycle_snapshot_list(&invocation->work->op, invocation->ctid, verb_text(invocation, "id"), &list,
					&n);
	if (r < 0)
		return r;
	r = sd_json_variant_new_array(&array, NULL, 0);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		cleanup_variant sd_json_variant *json = NULL;
		r = to_json(&list[i], &json);
		if (r >= 0)
			r = sd_json_variant_append_array(&array, json);
	}
	snapshots_free(list, n);
	if (r >= 0)
		r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_VARIANT("snapshots", array));
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}

int verb_snapshot_switch(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const struct switch_options options = {
		.skip_resume = verb_flag(invocation, "skipResume"),
		.must_resume = verb_flag(invocation, "mustResume"),
		.skip_config = verb_flag(invocation, "skipConfig"),
		.skip_arpdetect = verb_flag(invocation, "skipArpdetect"),
	};
	const char *id = need(invocation, "id");
	(void)ret_answer;

	if (id && options.skip_resume && options.must_resume)
		return err_say(invocation->work->op.err, ERR_BAD_OPTION,
			       "vzctl: --skip-resume and --must-resume exclude one another");
	return !id ? -EINVAL : lifecycle_snapshot_switch(&invocation->work->op, invocation->ctid, id, &options);
}

int verb_snapshot_delete(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const char *id = need(invocation, "id");
	(void)ret_answer;
	return !id ? -EINVAL : lifecycle_snapshot_delete(&invocation->work->op, invocation->ctid, id);
}

int verb_snapshot_mount(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const char *id = need(invocation, "id"), *target = id ? need(invocation, "target") : NULL;
	(void)ret_answer;
	return !target ? -EINVAL : lifecycle_snapshot_mount(&invocation->work->op, invocation->ctid, id, target);
}

int verb_snapshot_umount(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const char *id = need(invocation, "id");
	(void)ret_answer;
	return !id ? -EINVAL : lifecycle_snapshot_umount(&invocation->work->op, invocation->ctid, id);
}
