#include "cmd/request.h"

#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/report.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static int add_word(const struct request *request, sd_json_variant **parameters)
{
	const char *field = request->command->word;

	if (!field)
		return 0;
	return sd_json_variant_set_field_string(parameters, field,
						request->options.n_words ? request->options.words[0] : "");
}

static int add_options(const struct options *options, sd_json_variant **parameters)
{
	for (size_t i = 0; options->rows && options->rows[i].name; i++) {
		const struct option_row *row = &options->rows[i];
		if (!options->values[i] || !row->field)
			continue;
		int r = row->argument ? sd_json_variant_set_field_string(parameters, row->field, options->values[i])
				      : sd_json_variant_set_field_boolean(parameters, row->field, true);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The wire carries the text of the config file. */
static int add_settings(const struct ve_config *config, sd_json_variant **parameters)
{
	cleanup_json sd_json_variant *settings = NULL;

	int r = sd_json_variant_new_object(&settings, NULL, 0);
	for (size_t i = 0; r >= 0 && i < config_table.n; i++) {
		cleanup_free char *text = param_print(&config_table, &config_table.rows[i], config);
		if (text)
			r = sd_json_variant_set_field_string(&settings, config_table.rows[i].key, text);
	}
	return r < 0 ? r : sd_json_variant_set_field(parameters, "settings", settings);
}

int request_parameters(const struct request *request, sd_json_variant **ret)
{
	cleanup_json sd_json_variant *parameters = NULL;

	int r = add_word(request, &parameters);
	if (r >= 0)
		r = add_options(&request->options, &parameters);
	if (r >= 0 && request->command->settings)
		r = add_settings(&request->options.settings, &parameters);
	if (r < 0)
		return client_bad_json(request->err, r);
	*ret = steal_ptr(parameters);
	return 0;
}

struct call {
	struct report *report;
	sd_json_variant **last;
};

static int on_answer(void *ctx, sd_json_variant *answer)
{
	struct call *call = ctx;
	sd_json_variant *message = sd_json_variant_by_key(answer, "message");
	sd_json_variant *percent = sd_json_variant_by_key(answer, "percent");
	const char *text = sd_json_variant_string(sd_json_variant_by_key(message, "text"));

	if (text && sd_json_variant_boolean(sd_json_variant_by_key(message, "warning")))
		report_warn(call->report, text);
	else if (text)
		report_say(call->report, text);
	if (percent && sd_json_variant_is_integer(percent))
		report_progress(call->report, (int)sd_json_variant_integer(percent));

	sd_json_variant_unref(*call->last);
	*call->last = sd_json_variant_ref(answer);
	return 0;
}

int request_call(struct request *request, sd_json_variant **ret_last)
{
	cleanup_json sd_json_variant *parameters = NULL;

	int r = request_parameters(request, &parameters);
	return r < 0 ? r : request_send(request, parameters, ret_last);
}

int request_send(struct request *request, sd_json_variant *parameters, sd_json_variant **ret_last)
{
	cleanup_json sd_json_variant *last = NULL;
	struct call call = {.report = request->report, .last = &last};

	int r = client_call(request->client, request->command->method, parameters, on_answer, &call, request->err);
	report_end(request->report);
	if (r < 0)
		return r;
	if (ret_last)
		*ret_last = steal_ptr(last);
	return 0;
}
