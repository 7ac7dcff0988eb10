/* The verbs of OS templates. */
#include <stdlib.h>

#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/ostemplate.h"

static int to_json(const struct template *template, sd_json_variant **ret)
{
	return sd_json_buildo(ret, SD_JSON_BUILD_PAIR_STRING("name", template->name),
			      SD_JSON_BUILD_PAIR_STRING("digest", template->digest),
			      SD_JSON_BUILD_PAIR_STRING("archive", template->archive),
			      SD_JSON_BUILD_PAIR_UNSIGNED("size", template->size),
			      SD_JSON_BUILD_PAIR_UNSIGNED("entries", template->entries),
			      SD_JSON_BUILD_PAIR_UNSIGNED("dropped", template->dropped),
			      SD_JSON_BUILD_PAIR_INTEGER("created", template->created));
}

/* Takes the template. */
static int answer_one(struct invocation *invocation, struct template *template, sd_json_variant **ret_answer)
{
	cleanup_variant sd_json_variant *json = NULL;

	int r = to_json(template, &json);
	if (r >= 0)
		r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_VARIANT("template", json));
	template_done(template);
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}

int verb_template_list(struct invocation *invocation, sd_json_variant **ret_answer)
{
	cleanup_variant sd_json_variant *array = NULL;
	cleanup_free struct template *templates = NULL;
	size_t n = 0;

	int r = ostemplate_list(&invocation->work->op, &templates, &n);
	if (r < 0)
		return r;
	r = sd_json_variant_new_array(&array, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		cleanup_variant sd_json_variant *json = NULL;
		if (r >= 0)
			r = to_json(&templates[i], &json);
		if (r >= 0)
			r = sd_json_variant_append_array(&array, json);
		template_done(&templates[i]);
	}
	if (r >= 0)
		r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_VARIANT("templates", array));
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}

int verb_template_info(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct template template = {0};

	int r = ostemplate_find(&invocation->work->op, verb_text(invocation, "name"), &template);
	return r < 0 ? r : answer_one(invocation, &template, ret_answer);
}

int verb_template_import(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct template template = {0};

	int r = ostemplate_import(&invocation->work->op, verb_text(invocation, "path"), verb_text(invocation, "name"),
				  verb_text(invocation, "sha256"), &template);
	return r < 0 ? r : answer_one(invocation, &template, ret_answer);
}

int verb_template_build(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct template template = {0};

	int r = ostemplate_build(&invocation->work->op, verb_text(invocation, "name"), &template);
	return r < 0 ? r : answer_one(invocation, &template, ret_answer);
}

int verb_template_delete(struct invocation *invocation, sd_json_variant **ret_answer)
{
	(void)ret_answer;
	return ostemplate_delete(&invocation->work->op, verb_text(invocation, "name"));
}
