/* The verbs of a VE's life: what the caller asks for, handed to the lifecycle. */
#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/dumps.h"
#include "runtime/lifecycle.h"
#include "runtime/suspend.h"

/* What the runtime keeps for itself in a configuration has no option, and is not for callers to set. */
static int parse_setting(const char *key, const char *value, struct ve_config *config, struct err *err)
{
	const struct param *row = param_by_key(&config_table, key);

	if (row && row->option)
		return param_parse(&config_table, row, config, value, PARAM_FROM_FILE, err);
	if (!row && config_unsupported(key))
		return err_say(err, ERR_NOT_SUPPORTED, "%s is not supported yet", key);
	return err_say(err, ERR_BAD_OPTION, "%s is not a setting", key);
}

static int parse_settings(const struct invocation *invocation, struct ve_config *config)
{
	sd_json_variant *settings = sd_json_variant_by_key(invocation->parameters, "settings");

	for (size_t i = 0; i + 1 < sd_json_variant_elements(settings); i += 2) {
		const char *key = sd_json_variant_string(sd_json_variant_by_index(settings, i));
		const char *value = sd_json_variant_string(sd_json_variant_by_index(settings, i + 1));
		int r = parse_setting(key, value, config, invocation->work->op.err);
		if (r < 0)
			return r;
	}
	return 0;
}

int verb_create(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct op *op = &invocation->work->op;
	cleanup_config struct ve_config config = {0};
	uint32_t ctid;

	int r = parse_settings(invocation, &config);
	if (r == 0)
		r = lifecycle_create(op, verb_text(invocation, "ve"), &config, verb_text(invocation, "sample"), &ctid);
	if (r < 0)
		return r;

	work_about(invocation->work, ctid);
	r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_UNSIGNED("ctid", ctid));
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}

#define CLONES_MAX 100

/* Names of VEs; NULL if there are none. */
static const char **names_in(const struct invocation *invocation, const char *field, size_t *ret_n)
{
	sd_json_variant *list = sd_json_variant_by_key(invocation->parameters, field);
	size_t n = list ? sd_json_variant_elements(list) : 0;
	const char **names = n ? mem_zero(n, sizeof(*names)) : NULL;

	for (size_t i = 0; i < n; i++)
		names[i] = sd_json_variant_string(sd_json_variant_by_index(list, i));
	*ret_n = n;
	return names;
}

static int answer_ctids(struct invocation *invocation, const uint32_t *ctids, size_t n, sd_json_variant **ret_answer)
{
	cleanup_variant sd_json_variant *list = NULL;

	int r = sd_json_variant_new_array(&list, NULL, 0);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_json_variant_append_arrayb(&list, SD_JSON_BUILD_UNSIGNED(ctids[i]));
	if (r >= 0)
		r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_VARIANT("ctids", list));
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}

int verb_clone(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct op *op = &invocation->work->op;
	cleanup_config struct ve_config config = {0};
	uint32_t ctids[CLONES_MAX];
	size_t n;
	cleanup_free const char **names = names_in(invocation, "clones", &n);
	unsigned count = verb_number(invocation, "count");
	const struct clone_options options = {
		.ids = names,
		.count = names	 ? n
			 : count ? count
				 : 1,
		.snapshot = verb_text(invocation, "snapshot"),
		.cold = verb_flag(invocation, "cold"),
		.new_machine_id = verb_flag(invocation, "newMachineId"),
	};

	if (options.count > CLONES_MAX)
		return err_say(op->err, ERR_BAD_VALUE, "%zu clones are too many at once: %d at most", options.count,
			       CLONES_MAX);
	if (names && count && count != n)
		return err_say(op->err, ERR_BAD_VALUE, "%zu clones are named, not %u", n, count);
	int r = parse_settings(invocation, &config);
	if (r == 0)
		r = lifecycle_clone(op, invocation->ctid, &options, &config, ctids);
	return r < 0 ? r : answer_ctids(invocation, ctids, options.count, ret_answer);
}

int verb_destroy(struct invocation *invocation, sd_json_variant **ret_answer)
{
	(void)ret_answer;
	return lifecycle_destroy(&invocation->work->op, invocation->ctid);
}

static struct start_options start_options(const struct invocation *invocation)
{
	return (struct start_options){
		.wait = verb_flag(invocation, "wait"),
		.force = verb_flag(invocation, "force"),
	};
}

static struct stop_options stop_options(const struct invocation *invocation)
{
	return (struct stop_options){
		.fast = verb_flag(invocation, "fast"),
		.skip_umount = verb_flag(invocation, "skipUmount"),
	};
}

int verb_start(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const struct start_options options = start_options(invocation);
	(void)ret_answer;
	return lifecycle_start(&invocation->work->op, invocation->ctid, &options);
}

int verb_stop(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const struct stop_options options = stop_options(invocation);
	(void)ret_answer;

	if (invocation->state == VE_BROKEN)
		return lifecycle_reap(&invocation->work->op, invocation->ctid, false);
	return lifecycle_stop(&invocation->work->op, invocation->ctid, &options);
}

int verb_restart(struct invocation *invocation, sd_json_variant **ret_answer)
{
	const struct start_options start = start_options(invocation);
	const struct stop_options stop = stop_options(invocation);
	(void)ret_answer;
	return lifecycle_restart(&invocation->work->op, invocation->ctid, &start, &stop);
}

/* The flags of the interface that are set, a bit each. */
static unsigned stages(const struct invocation *invocation, const char *const names[], size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		if (verb_flag(invocation, names[i]))
			bits |= 1u << i;
	return bits;
}

static int image_name(const struct invocation *invocation, const char **ret)
{
	const char *path = verb_text(invocation, "image");
	return path ? dumps_name(path, invocation->ctid, ret, invocation->work->op.err) : 0;
}

int verb_suspend(struct invocation *invocation, sd_json_variant **ret_answer)
{
	static const char *const names[] = {"freeze", "dump", "kill", "thaw"}; /* as enum suspend_stage */
	struct suspend_options options = {
		.stages = stages(invocation, names, countof(names)),
		.check = verb_flag(invocation, "check"),
		.force = verb_flag(invocation, "force"),
	};
	(void)ret_answer;

	int r = image_name(invocation, &options.image);
	return r < 0 ? r : lifecycle_suspend(&invocation->work->op, invocation->ctid, &options);
}

int verb_resume(struct invocation *invocation, sd_json_variant **ret_answer)
{
	static const char *const names[] = {"undump", "thaw", "kill"}; /* as enum resume_stage */
	struct resume_options options = {
		.stages = stages(invocation, names, countof(names)),
		.skip_arpdetect = verb_flag(invocation, "skipArpdetect"),
	};
	(void)ret_answer;

	int r = image_name(invocation, &options.image);
	return r < 0 ? r : lifecycle_resume(&invocation->work->op, invocation->ctid, &options);
}

int verb_mount(struct invocation *invocation, sd_json_variant **ret_answer)
{
	(void)ret_answer;
	return lifecycle_mount(&invocation->work->op, invocation->ctid);
}

int verb_umount(struct invocation *invocation, sd_json_variant **ret_answer)
{
	(void)ret_answer;
	return lifecycle_umount(&invocation->work->op, invocation->ctid);
}

int verb_set(struct invocation *invocation, sd_json_variant **ret_answer)
{
	cleanup_config struct ve_config change = {0};
	(void)ret_answer;

	int r = parse_settings(invocation, &change);
	return r < 0 ? r
		     : lifecycle_set(&invocation->work->op, invocation->ctid, &change, verb_text(invocation, "sample"),
				     verb_flag(invocation, "save"));
}
