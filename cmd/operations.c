#include "cmd/operations.h"

#include <stdio.h>

#include "cmd/client.h"
#include "cmd/detail.h"
#include "cmd/report.h"
#include "cmd/request.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

int operation_run(struct request *request)
{
	return request_call(request, NULL);
}

int operation_stop(struct request *request)
{
	int r = request_call(request, NULL);
	if (r >= 0 || request->err->kind != ERR_NOT_RUNNING)
		return r;
	report_warn(request->report, request->err->text);
	return 0;
}

static bool chose_ctid(const struct request *request)
{
	uint32_t ctid;
	return request->options.n_words > 0 && str_u32(request->options.words[0], &ctid) == 0;
}

int operation_create(struct request *request)
{
	cleanup_json sd_json_variant *last = NULL;

	int r = request_call(request, &last);
	if (r < 0)
		return r;
	sd_json_variant *ctid = sd_json_variant_by_key(last, "ctid");
	if (ctid && sd_json_variant_is_unsigned(ctid) && !chose_ctid(request))
		printf("%lu\n", sd_json_variant_unsigned(ctid));
	return 0;
}

static int add_count(const struct request *request, sd_json_variant **parameters)
{
	const char *text = options_value(&request->options, "count");
	uint32_t count;

	if (!text)
		return 0;
	if (str_u32(text, &count) < 0 || count == 0)
		return err_say(request->err, ERR_BAD_VALUE, "Bad parameter for --count: %s: a number from 1 on", text);
	return sd_json_variant_set_field_unsigned(parameters, "count", count);
}

static int add_clones(const struct request *request, sd_json_variant **parameters)
{
	char **words = request->options.words;

	return request->options.n_words < 2 ? 0 : sd_json_variant_set_field_strv(parameters, "clones", words + 1);
}

int operation_clone(struct request *request)
{
	cleanup_json sd_json_variant *parameters = NULL, *last = NULL;

	int r = request_parameters(request, &parameters);
	if (r < 0 || (r = add_count(request, &parameters)) < 0 || (r = add_clones(request, &parameters)) < 0)
		return r;
	r = request_send(request, parameters, &last);
	if (r < 0 || request->options.n_words > 1)
		return r;
	sd_json_variant *ctids = sd_json_variant_by_key(last, "ctids");
	for (size_t i = 0; ctids && i < sd_json_variant_elements(ctids); i++)
		printf("%lu\n", sd_json_variant_unsigned(sd_json_variant_by_index(ctids, i)));
	return 0;
}

static bool is(sd_json_variant *answer, const char *field)
{
	return sd_json_variant_boolean(sd_json_variant_by_key(answer, field));
}

char *operation_status_line(const char *ve, sd_json_variant *answer)
{
	sd_json_variant *ctid = sd_json_variant_by_key(answer, "ctid");
	cleanup_free char *number = NULL;
	if (ctid && sd_json_variant_is_unsigned(ctid))
		number = str_fmt("%lu", sd_json_variant_unsigned(ctid));
	return str_fmt("CTID %s %s %s %s%s", number ? number : ve, is(answer, "exists") ? "exist" : "deleted",
		       is(answer, "mounted") ? "mounted" : "unmounted", is(answer, "running") ? "running" : "down",
		       is(answer, "suspended") ? " suspended" : "");
}

int operation_status(struct request *request)
{
	cleanup_json sd_json_variant *answer = NULL;

	int r = request_call(request, &answer);
	if (r < 0)
		return r;
	cleanup_free char *line = operation_status_line(request->options.words[0], answer);
	puts(line);
	if (!options_value(&request->options, "detail") || !is(answer, "exists"))
		return 0;
	fflush(stdout);
	return detail_show(request->client, request->options.words[0], stdout, request->err);
}
