/* vzlist: the containers of this node, as columns or as JSON. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>

#include "cmd/client.h"
#include "cmd/fields.h"
#include "cmd/record.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define DEFAULT_FIELDS "ctid,numproc,status,ip,hostname"
#define DEFAULT_FIELDS_BY_NAME "smart_name,numproc,status,ip,hostname"

struct wish {
	bool all, stopped, by_name, json, list, help;
	unsigned print;				   /* flags of print_columns() */
	const char *output;			   /* fields, NULL: the usual ones */
	const char *sort;			   /* field, with `-` before it for the reverse; NULL: by CTID */
	const char *hostname, *name, *description; /* patterns, NULL: any */
	char **ves;				   /* NULL-terminated; none: all */
};

struct list {
	const struct wish *wish;
	struct record *records;
	size_t n;
	unsigned needs; /* of enum field_need: what is shown, or sorted by */
	struct err *err;
};

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{"stopped", no_argument, NULL, 'S'},
	{"name", no_argument, NULL, 'n'},
	{"no-header", no_argument, NULL, 'H'},
	{"no-trim", no_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},
	{"output", required_argument, NULL, 'o'},
	{"sort", required_argument, NULL, 's'},
	{"hostname", required_argument, NULL, 'h'},
	{"name_filter", required_argument, NULL, 'N'},
	{"description", required_argument, NULL, 'd'},
	{"list", no_argument, NULL, 'L'},
	{"help", no_argument, NULL, '?' + 256},
	{0},
};

static void print_help(FILE *out)
{
	fputs("Usage: vzlist [-a | -S] [-n] [-H] [-t] [-j] [-o FIELD[,FIELD...] | -1] [-s [-]FIELD]\n"
	      "              [-h PATTERN] [-N PATTERN] [-d PATTERN] [CTID|NAME...]\n"
	      "       vzlist -L\n"
	      "\n"
	      "  -a, --all                  all containers, not only those that run\n"
	      "  -S, --stopped              only those that do not run\n"
	      "  -n, --name                 names in place of CTIDs\n"
	      "  -H, --no-header            no header\n"
	      "  -t, --no-trim              do not cut long values\n"
	      "  -j, --json                 JSON\n"
	      "  -o, --output FIELD,...     these fields\n"
	      "  -1                         the same as -H -o ctid\n"
	      "  -s, --sort [-]FIELD        sorted by a field, -: in reverse\n"
	      "  -h, --hostname PATTERN     only those with such a host name\n"
	      "  -N, --name_filter PATTERN  only those with such a name\n"
	      "  -d, --description PATTERN  only those with such a description\n"
	      "  -L, --list                 list the fields\n",
	      out);
}

static int take_option(int c, struct wish *wish)
{
	switch (c) {
	case 'a':
		wish->all = true;
		return 0;
	case 'S':
		wish->stopped = true;
		return 0;
	case 'n':
		wish->by_name = true;
		return 0;
	case 'H':
		wish->print |= PRINT_NO_HEADER;
		return 0;
	case 't':
		wish->print |= PRINT_NO_TRIM;
		return 0;
	case 'j':
		wish->json = true;
		return 0;
	case 'o':
		wish->output = optarg;
		return 0;
	case '1':
		wish->print |= PRINT_NO_HEADER;
		wish->output = "ctid";
		return 0;
	case 's':
		wish->sort = optarg;
		return 0;
	case 'h':
		wish->hostname = optarg;
		return 0;
	case 'N':
		wish->name = optarg;
		return 0;
	case 'd':
		wish->description = optarg;
		return 0;
	case 'L':
		wish->list = true;
		return 0;
	case '?' + 256:
		wish->help = true;
		return 0;
	}
	return -EINVAL; /* getopt has said why */
}

static int parse(int argc, char **argv, struct wish *ret)
{
	struct wish wish = {0};
	int c;

	while ((c = getopt_long(argc, argv, "aSnHtjo:1s:h:N:d:L", options, NULL)) >= 0)
		if (take_option(c, &wish) < 0)
			return -EINVAL;
	wish.ves = argv + optind;
	*ret = wish;
	return 0;
}

static bool matches(const char *pattern, const char *value)
{
	return !pattern || (value && fnmatch(pattern, value, 0) == 0);
}

/* One without a private area is what a destroyed one leaves behind. */
static bool is_wanted(const struct wish *wish, const struct record *record)
{
	bool running = record_running(record);

	if (!record->private_exists || (wish->stopped && running))
		return false;
	if (!wish->all && !wish->stopped && !wish->ves[0] && !running)
		return false;
	return matches(wish->hostname, record->config.hostname) && matches(wish->name, record->config.name) &&
	       matches(wish->description, record->config.description);
}

static void warn(sd_json_variant *message)
{
	const char *text = sd_json_variant_string(sd_json_variant_by_key(message, "text"));
	if (text)
		fprintf(stderr, "%s\n", text);
}

static int on_answer(void *ctx, sd_json_variant *answer)
{
	struct list *list = ctx;
	sd_json_variant *ve = sd_json_variant_by_key(answer, "ve");
	struct record record;

	warn(sd_json_variant_by_key(answer, "message"));
	if (!ve || sd_json_variant_is_null(ve))
		return 0;
	int r = record_parse(ve, &record, list->err);
	if (r < 0)
		return r;
	if (!is_wanted(list->wish, &record)) {
		record_done(&record);
		return 0;
	}
	list->records = mem_grow(list->records, list->n + 1, sizeof(*list->records));
	list->records[list->n++] = record;
	return 0;
}

static int fetch(struct list *list)
{
	cleanup_client struct client *client = NULL;
	cleanup_json sd_json_variant *parameters = NULL;

	int r = sd_json_variant_new_object(&parameters, NULL, 0);
	if (r >= 0 && list->wish->ves[0])
		r = sd_json_variant_set_field_strv(&parameters, "ves", list->wish->ves);
	if (r >= 0 && list->needs & FIELD_TRAFFIC)
		r = sd_json_variant_set_field_boolean(&parameters, "traffic", true);
	if (r >= 0 && list->needs & FIELD_CHECKPOINTABLE)
		r = sd_json_variant_set_field_boolean(&parameters, "checkpointable", true);
	if (r < 0)
		return client_bad_json(list->err, r);
	r = client_connect(&client, list->err);
	return r < 0 ? r : client_call(client, "List", parameters, on_answer, list, list->err);
}

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		record_done(&list->records[i]);
	free(list->records);
}

static int choose_fields(const struct wish *wish, const struct field ***ret, size_t *ret_n, struct err *err)
{
	if (wish->json && !wish->output) {
		field_json(ret, ret_n);
		return 0;
	}
	const char *usual = wish->by_name ? DEFAULT_FIELDS_BY_NAME : DEFAULT_FIELDS;
	return field_parse(wish->output ? wish->output : usual, wish->json, ret, ret_n, err);
}

static int choose_order(const struct wish *wish, const struct field **ret, bool *ret_reverse, struct err *err)
{
	const char *name = wish->sort ? wish->sort : "ctid";

	*ret_reverse = name[0] == '-';
	return field_find(name + *ret_reverse, "Invalid sort field name", ret, err);
}

static unsigned all_needs(const struct field *const *fields, size_t n)
{
	unsigned needs = 0;

	for (size_t i = 0; i < n; i++)
		needs |= field_needs(fields[i]);
	return needs;
}

static void show(const struct wish *wish, const struct listing *listing)
{
	if (wish->json)
		print_json(stdout, listing);
	else if (listing->n_records > 0)
		print_columns(stdout, listing, wish->print);
	else
		fputs("Container(s) not found\n", stderr);
}

/* What was told before an error is shown: one name that is wrong does not hide the others. */
static int list_and_show(const struct wish *wish, struct err *err)
{
	struct listing listing = {.get = field_get};
	struct list list = {.wish = wish, .err = err};
	cleanup_free const struct field **fields = NULL;
	const struct field *by;
	bool reverse;

	int r = choose_fields(wish, &fields, &listing.n_fields, err);
	if (r >= 0)
		r = choose_order(wish, &by, &reverse, err);
	if (r < 0)
		return r;

	list.needs = all_needs(fields, listing.n_fields) | field_needs(by);
	r = fetch(&list);
	cleanup_free const void **records = mem_zero(list.n, sizeof(void *));
	for (size_t i = 0; i < list.n; i++)
		records[i] = &list.records[i];
	listing.fields = fields;
	listing.records = records;
	listing.n_records = list.n;
	print_sort(&listing, by, reverse);
	if (r >= 0 || list.n > 0)
		show(wish, &listing);
	list_done(&list);
	return r;
}

static int show_fields(void)
{
	for (size_t i = 0; i < field_count; i++)
		printf("%-15s %-15s\n", field_table[i].name, field_table[i].header);
	return EXIT_SUCCESS;
}

static int show_help(FILE *out)
{
	print_help(out);
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct wish wish;

	if (parse(argc, argv, &wish) < 0)
		return show_help(stderr);
	if (wish.help)
		return show_help(stdout);
	if (wish.list)
		return show_fields();
	if (list_and_show(&wish, &err) >= 0)
		return EXIT_SUCCESS;
	fflush(stdout);
	fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
