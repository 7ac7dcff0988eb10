#include "cmd/templates.h"

#include <unistd.h>

#include "cmd/client.h"
#include "cmd/print.h"
#include "cmd/report.h"
#include "cmd/request.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

enum what { TEXT, NUMBER, CREATED };

/* The record is vzd's Template; a field has the same name there. */
static const struct field fields[] = {
	{.name = "name", .header = "NAME", .width = -24, .what = TEXT},
	{.name = "size", .header = "BYTES", .width = 12, .what = NUMBER},
	{.name = "entries", .header = "ENTRIES", .width = 8, .what = NUMBER},
	{.name = "dropped", .header = "DROPPED", .width = 8, .what = NUMBER},
	{.name = "created", .header = "CREATED", .width = -16, .what = CREATED},
	{.name = "archive", .header = "ARCHIVE", .width = -32, .what = TEXT},
	{.name = "digest", .header = "SHA256", .width = -64, .what = TEXT},
};

static struct cell get(const void *record, const struct field *field)
{
	sd_json_variant *template = (sd_json_variant *)(uintptr_t)record;
	sd_json_variant *v = sd_json_variant_by_key(template, field->name);

	if (field->what == TEXT)
		return cell_text(sd_json_variant_string(v));
	if (!v || !sd_json_variant_is_unsigned(v) || (field->what == CREATED && sd_json_variant_unsigned(v) == 0))
		return cell_number(CELL_UNKNOWN);
	if (field->what == NUMBER)
		return cell_number(sd_json_variant_unsigned(v));
	return (struct cell){.kind = CELL_TIME, .number = sd_json_variant_unsigned(v)};
}

static void print(const struct request *request, const void **templates, size_t n)
{
	const struct field *all[countof(fields)];
	for (size_t i = 0; i < countof(fields); i++)
		all[i] = &fields[i];

	struct listing listing = {
		.get = get,
		.fields = all,
		.n_fields = countof(all),
		.records = templates,
		.n_records = n,
	};
	if (options_value(&request->options, "json"))
		print_json(stdout, &listing);
	else
		print_columns(stdout, &listing, options_value(&request->options, "no-header") ? PRINT_NO_HEADER : 0);
}

int templates_list(struct request *request)
{
	cleanup_json sd_json_variant *answer = NULL;

	int r = request_call(request, &answer);
	if (r < 0)
		return r;

	sd_json_variant *array = sd_json_variant_by_key(answer, "templates");
	size_t n = array ? sd_json_variant_elements(array) : 0;
	cleanup_free const void **templates = mem_zero(n, sizeof(void *));
	for (size_t i = 0; i < n; i++)
		templates[i] = sd_json_variant_by_index(array, i);
	print(request, templates, n);
	return 0;
}

static uint64_t number(sd_json_variant *template, const char *field)
{
	return sd_json_variant_unsigned(sd_json_variant_by_key(template, field));
}

int templates_make(struct request *request)
{
	cleanup_json sd_json_variant *answer = NULL;

	int r = request_call(request, &answer);
	if (r < 0)
		return r;

	sd_json_variant *template = sd_json_variant_by_key(answer, "template");
	const char *name = sd_json_variant_string(sd_json_variant_by_key(template, "name"));
	cleanup_free char *text =
		str_fmt("Template %s is ready: %lu files, %lu MiB", name ? name : request->options.words[0],
			number(template, "entries"), number(template, "size") >> 20);
	report_say(request->report, text);
	if (number(template, "dropped") > 0) {
		cleanup_free char *warning =
			str_fmt("WARNING: %lu of the archive's entries were not taken: device nodes and "
				"attributes that a container may not have",
				number(template, "dropped"));
		report_warn(request->report, warning);
	}
	return 0;
}

/* vzd has another working directory. */
int templates_import(struct request *request)
{
	char *given = request->options.words[0];
	cleanup_free char *directory = given[0] == '/' ? NULL : getcwd(NULL, 0);
	cleanup_free char *path = directory ? str_fmt("%s/%s", directory, given) : mem_strdup(given);

	request->options.words[0] = path;
	int r = templates_make(request);
	request->options.words[0] = given;
	return r;
}

int templates_info(struct request *request)
{
	cleanup_json sd_json_variant *answer = NULL;

	int r = request_call(request, &answer);
	if (r < 0)
		return r;

	sd_json_variant *template = sd_json_variant_by_key(answer, "template");
	for (size_t i = 0; i < countof(fields); i++) {
		struct cell cell = get(template, &fields[i]);
		cleanup_free char *shown = cell_show(&cell, true);
		printf("%s: %s\n", fields[i].name, shown);
	}
	return 0;
}
