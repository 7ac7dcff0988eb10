#include "cmd/snapshots.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/client.h"
#include "cmd/print.h"
#include "cmd/request.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define BLANK " " /* of vzctl's, where other listings have a dash */

struct row {
	char *id, *parent, *date; /* as they are printed */
	bool current;
	const char *name, *description, *target; /* the answer's */
};

enum what { TEXT, CURRENT, NOTHING };

/* Names, order and widths are vzctl's. A copy has no device. */
static const struct field table[] = {
	{.name = "parent_uuid",
	 .header = "PARENT_UUID",
	 .width = -38,
	 .what = TEXT,
	 .at = offsetof(struct row, parent)},
	{.name = "parent_id", .header = "PARENT_UUID", .width = -38, .what = TEXT, .at = offsetof(struct row, parent)},
	{.name = "current", .header = "C", .width = -1, .what = CURRENT},
	{.name = "uuid", .header = "UUID", .width = -38, .what = TEXT, .at = offsetof(struct row, id)},
	{.name = "id", .header = "UUID", .width = -38, .what = TEXT, .at = offsetof(struct row, id)},
	{.name = "date", .header = "DATE", .width = -19, .what = TEXT, .at = offsetof(struct row, date)},
	{.name = "name", .header = "NAME", .width = -32, .what = TEXT, .at = offsetof(struct row, name)},
	{.name = "desc", .header = "DESC", .width = -32, .what = TEXT, .at = offsetof(struct row, description)},
	{.name = "device", .header = "DEVICE", .width = -16, .what = NOTHING},
	{.name = "target", .header = "TARGET", .width = -32, .what = TEXT, .at = offsetof(struct row, target)},
};

static struct cell get_json(const void *record, const struct field *field)
{
	const struct row *row = record;

	if (field->what == CURRENT)
		return cell_bool(row->current);
	if (field->what == NOTHING)
		return cell_text(NULL);
	return cell_text(*(const char *const *)((const char *)record + field->at));
}

static struct cell get_column(const void *record, const struct field *field)
{
	struct cell cell = get_json(record, field);

	if (cell.kind == CELL_BOOL)
		return cell_text(cell.flag ? "*" : BLANK);
	return cell.kind == CELL_NONE || !*cell.text ? cell_text(BLANK) : cell;
}

static const char *text_of(sd_json_variant *snapshot, const char *name)
{
	return sd_json_variant_string(sd_json_variant_by_key(snapshot, name));
}

static char *braced(const char *id)
{
	return id ? str_fmt("{%s}", id) : NULL;
}

static char *date_of(sd_json_variant *snapshot)
{
	time_t t = (time_t)sd_json_variant_unsigned(sd_json_variant_by_key(snapshot, "date"));
	struct tm tm;
	char s[32];

	strftime(s, sizeof(s), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
	return mem_strdup(s);
}

static struct row row_of(sd_json_variant *snapshot)
{
	return (struct row){
		.id = braced(text_of(snapshot, "id")),
		.parent = braced(text_of(snapshot, "parent")),
		.date = date_of(snapshot),
		.current = sd_json_variant_boolean(sd_json_variant_by_key(snapshot, "current")),
		.name = text_of(snapshot, "name"),
		.description = text_of(snapshot, "description"),
		.target = text_of(snapshot, "target"),
	};
}

static void row_done(struct row *row)
{
	free(row->id);
	free(row->parent);
	free(row->date);
}

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < countof(table); i++)
		if (str_eq(table[i].name, name))
			return &table[i];
	return NULL;
}

static int choose(const char *names, const struct field ***ret, size_t *ret_n, struct err *err)
{
	cleanup_free char *copy = mem_strdup(names);
	cleanup_free const struct field **fields = mem_zero(strlen(names) + 1, sizeof(*fields));
	size_t n = 0;

	for (char *rest = copy, *name; (name = strsep(&rest, ","));) {
		fields[n] = find_field(name);
		if (!fields[n++])
			return err_say(err, ERR_BAD_VALUE, "Unknown field: %s; -L lists them", name);
	}
	*ret = steal_ptr(fields);
	*ret_n = n;
	return 0;
}

int snapshots_print(FILE *out, sd_json_variant *array, const char *names, bool header, bool json, struct err *err)
{
	size_t n = array ? sd_json_variant_elements(array) : 0;
	cleanup_free struct row *rows = mem_zero(n + 1, sizeof(*rows));
	cleanup_free const void **records = mem_zero(n + 1, sizeof(*records));
	cleanup_free const struct field **fields = NULL;
	struct listing listing = {.get = json ? get_json : get_column, .records = records, .n_records = n};

	int r = choose(names ? names : "parent_uuid,current,uuid,date,name", &fields, &listing.n_fields, err);
	if (r < 0)
		return r;
	listing.fields = fields;
	for (size_t i = 0; i < n; i++) {
		rows[i] = row_of(sd_json_variant_by_index(array, i));
		records[i] = &rows[i];
	}
	if (json)
		print_json(out, &listing);
	else
		print_columns(out, &listing, header ? 0 : PRINT_NO_HEADER);
	for (size_t i = 0; i < n; i++)
		row_done(&rows[i]);
	return 0;
}

static int list_fields(void)
{
	for (size_t i = 0; i < countof(table); i++)
		printf("%-15s %s\n", table[i].name, table[i].header);
	return 0;
}

int snapshots_list(struct request *request)
{
	cleanup_json sd_json_variant *answer = NULL;
	const struct options *options = &request->options;

	if (options_value(options, "L"))
		return list_fields();
	if (options->n_words == 0)
		return err_say(request->err, ERR_BAD_CTID, "CT ID missing");
	int r = request_call(request, &answer);
	if (r < 0)
		return r;
	return snapshots_print(stdout, sd_json_variant_by_key(answer, "snapshots"), options_value(options, "o"),
			       !options_value(options, "H"), options_value(options, "j"), request->err);
}
