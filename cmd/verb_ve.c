/* The verbs of a VE's life: what the caller asks for, handed to the lifecycle. */
#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/lifecycle.h"

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
