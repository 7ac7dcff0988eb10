#include "cmd/cell.h"

#include <time.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

struct cell cell_text(const char *text)
{
	return (struct cell){.kind = text ? CELL_TEXT : CELL_NONE, .text = text};
}

struct cell cell_number(uint64_t number)
{
	return (struct cell){.kind = number == CELL_UNKNOWN ? CELL_NONE : CELL_NUMBER, .number = number};
}

struct cell cell_count(uint64_t number)
{
	return (struct cell){.kind = CELL_COUNT, .number = number};
}

struct cell cell_bool(bool flag)
{
	return (struct cell){.kind = CELL_BOOL, .flag = flag};
}

struct cell cell_group(const char *const *names, const uint64_t *numbers, size_t n, bool known)
{
	struct cell cell = {.kind = CELL_GROUP, .group = {.names = names, .n = n, .known = known}};

	memcpy(cell.group.numbers, numbers, n * sizeof(*numbers));
	return cell;
}

static char *none_cell(void)
{
	return mem_strdup("-");
}

static char *number_cell(uint64_t number)
{
	return number == CELL_UNKNOWN ? none_cell() : str_fmt("%lu", number);
}

static char *list_cell(const char *words, bool whole)
{
	int len = (int)(whole ? strlen(words) : strcspn(words, " "));
	return len ? str_fmt("%.*s", len, words) : none_cell();
}

static char *time_cell(uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char s[32];

	strftime(s, sizeof(s), "%Y-%m-%d %H:%M", localtime_r(&t, &tm));
	return mem_strdup(s);
}

static char *uptime_cell(double seconds)
{
	if (seconds < 0)
		return none_cell();

	uint64_t s = (uint64_t)seconds;
	return str_fmt("%.3lud%.2luh:%.2lum:%.2lus", s / 86400, s / 3600 % 24, s / 60 % 60, s % 60);
}

char *cell_show(const struct cell *cell, bool whole)
{
	switch (cell->kind) {
	case CELL_TEXT:
		return *cell->text ? mem_strdup(cell->text) : none_cell();
	case CELL_NUMBER:
		return number_cell(cell->number);
	case CELL_COUNT:
		return cell->number ? number_cell(cell->number) : none_cell();
	case CELL_BOOL:
		return mem_strdup(cell->flag ? "yes" : "no");
	case CELL_LIST:
	case CELL_FLAGS:
		return list_cell(cell->text ? cell->text : "", whole);
	case CELL_GROUP:
		return cell->group.known ? number_cell(cell->group.numbers[0]) : none_cell();
	case CELL_LOAD:
		return str_fmt("%.2f/%.2f/%.2f", cell->load[0], cell->load[1], cell->load[2]);
	case CELL_TIME:
		return time_cell(cell->number);
	case CELL_UPTIME:
		return uptime_cell(cell->seconds);
	case CELL_NONE:
		break;
	}
	return none_cell();
}

/* All text here came as JSON and is valid UTF-8 already. */
static void json_bytes(const char *s, size_t len, struct text *out)
{
	text_add(out, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\')
			text_add(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			text_add(out, "\\u%04x", c);
		else
			text_add_bytes(out, &s[i], 1);
	}
	text_add(out, "\"");
}

static void json_number(uint64_t number, struct text *out)
{
	if (number == CELL_UNKNOWN)
		text_add(out, "null");
	else
		text_add(out, "%lu", number);
}

static void json_list(const char *words, struct text *out)
{
	const char *comma = "";

	text_add(out, "[");
	for (const char *w = words + strspn(words, " "); *w; w += strspn(w, " ")) {
		size_t len = strcspn(w, " ");
		text_add(out, "%s", comma);
		json_bytes(w, len, out);
		comma = ", ";
		w += len;
	}
	text_add(out, "]");
}

static void json_flag(const char *word, size_t len, struct text *out)
{
	const char *colon = memchr(word, ':', len);

	text_add(out, "\n      ");
	json_bytes(word, colon ? (size_t)(colon - word) : len, out);
	text_add(out, ": %s", colon && str_after(colon, ":on") ? "true" : "false");
}

static void json_flags(const char *words, struct text *out)
{
	const char *comma = "";

	if (!*words)
		return text_add(out, "null");
	text_add(out, "{");
	for (const char *w = words; *w; w += strspn(w, " ")) {
		size_t len = strcspn(w, " ");
		text_add(out, "%s", comma);
		json_flag(w, len, out);
		comma = ",";
		w += len;
	}
	text_add(out, "\n    }");
}

static void json_group(const struct cell *cell, struct text *out)
{
	text_add(out, "{");
	for (size_t i = 0; i < cell->group.n; i++) {
		text_add(out, "%s\n      \"%s\": ", i ? "," : "", cell->group.names[i]);
		json_number(cell->group.numbers[i], out);
	}
	text_add(out, "\n    }");
}

void cell_json(const struct cell *cell, struct text *out)
{
	switch (cell->kind) {
	case CELL_TEXT:
		return json_bytes(cell->text, strlen(cell->text), out);
	case CELL_NUMBER:
	case CELL_COUNT:
	case CELL_TIME:
		return json_number(cell->number, out);
	case CELL_BOOL:
		return text_add(out, cell->flag ? "true" : "false");
	case CELL_FLAGS:
		return json_flags(cell->text ? cell->text : "", out);
	case CELL_LIST:
		return json_list(cell->text ? cell->text : "", out);
	case CELL_GROUP:
		return json_group(cell, out);
	case CELL_LOAD:
		return text_add(out, "[%.2f, %.2f, %.2f]", cell->load[0], cell->load[1], cell->load[2]);
	case CELL_UPTIME:
		return text_add(out, "%.3f", cell->seconds < 0 ? 0. : cell->seconds);
	case CELL_NONE:
		return text_add(out, "null");
	}
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	if (a == CELL_UNKNOWN || b == CELL_UNKNOWN)
		return (b == CELL_UNKNOWN) - (a == CELL_UNKNOWN);
	return (a > b) - (a < b);
}

static int compare_doubles(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] > b[i] ? 1 : -1;
	return 0;
}

/* A field may be of different kinds in two records: a name in one, a number where there is no name. */
int cell_compare(const struct cell *a, const struct cell *b)
{
	if (a->kind != b->kind)
		return (a->kind > b->kind) - (a->kind < b->kind);

	switch (a->kind) {
	case CELL_TEXT:
	case CELL_LIST:
	case CELL_FLAGS:
		return strcmp(a->text ? a->text : "", b->text ? b->text : "");
	case CELL_NUMBER:
	case CELL_COUNT:
	case CELL_TIME:
		return compare_numbers(a->number, b->number);
	case CELL_BOOL:
		return a->flag - b->flag;
	case CELL_GROUP:
		return compare_numbers(a->group.numbers[0], b->group.numbers[0]);
	case CELL_LOAD:
		return compare_doubles(a->load, b->load, countof(a->load));
	case CELL_UPTIME:
		return compare_doubles(&a->seconds, &b->seconds, 1);
	case CELL_NONE:
		break;
	}
	return 0;
}
