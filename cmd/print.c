#include "cmd/print.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* Columns are characters; the bytes that continue a UTF-8 character take no place of their own. */
static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += begins_character(*s);
	return n;
}

static void cut(char *s, size_t width)
{
	size_t n = 0;

	for (; *s; s++)
		if (begins_character(*s) && n++ == width) {
			*s = '\0';
			return;
		}
}

static void add_padded(struct text *line, const char *s, int width)
{
	size_t room = (size_t)abs(width), used = characters(s);
	int blanks = used < room ? (int)(room - used) : 0;

	text_add(line, "%*s%s%*s", width > 0 ? blanks : 0, "", s, width < 0 ? blanks : 0, "");
}

static void end_line(FILE *out, struct text *line)
{
	fprintf(out, "%s\n", str_chomp(line->s));
	line->len = 0;
}

static void print_header(FILE *out, const struct listing *listing, struct text *line)
{
	for (size_t i = 0; i < listing->n_fields; i++) {
		text_add(line, i ? " " : "");
		add_padded(line, listing->fields[i]->header, listing->fields[i]->width);
	}
	end_line(out, line);
}

/* A number that is too long for its column is shown whole: half a number is a wrong one. */
static bool may_cut(const struct cell *cell)
{
	return cell->kind == CELL_TEXT || cell->kind == CELL_LIST || cell->kind == CELL_FLAGS;
}

static void print_line(FILE *out, const struct listing *listing, const void *record, unsigned flags, struct text *line)
{
	for (size_t i = 0; i < listing->n_fields; i++) {
		const struct field *field = listing->fields[i];
		bool whole = i + 1 == listing->n_fields || (flags & PRINT_NO_TRIM);
		struct cell cell = listing->get(record, field);

		cleanup_free char *shown = cell_show(&cell, whole);
		if (!whole && may_cut(&cell))
			cut(shown, (size_t)abs(field->width));
		text_add(line, i ? " " : "");
		add_padded(line, shown, field->width);
	}
	end_line(out, line);
}

void print_columns(FILE *out, const struct listing *listing, unsigned flags)
{
	cleanup_text struct text line = {0};

	if (!(flags & PRINT_NO_HEADER))
		print_header(out, listing, &line);
	for (size_t i = 0; i < listing->n_records; i++)
		print_line(out, listing, listing->records[i], flags, &line);
}

static void add_object(const struct listing *listing, const void *record, struct text *out)
{
	text_add(out, "  {");
	for (size_t i = 0; i < listing->n_fields; i++) {
		const struct field *field = listing->fields[i];
		struct cell cell = listing->get(record, field);
		text_add(out, "%s\n    \"%s\": ", i ? "," : "", field->name);
		cell_json(&cell, out);
	}
	text_add(out, "\n  }");
}

void print_json(FILE *out, const struct listing *listing)
{
	cleanup_text struct text text = {0};

	text_add(&text, "[");
	for (size_t i = 0; i < listing->n_records; i++) {
		text_add(&text, i ? ",\n" : "\n");
		add_object(listing, listing->records[i], &text);
	}
	text_add(&text, listing->n_records ? "\n]\n" : "]\n");
	fputs(text.s, out);
}

struct order {
	const struct listing *listing;
	const struct field *field;
	bool reverse;
};

/* The place in the array decides between equals: qsort(3) promises nothing for them. */
struct sortable {
	const void *record;
	size_t place;
};

static int compare(const void *a, const void *b, void *ctx)
{
	const struct sortable *x = a, *y = b;
	const struct order *order = ctx;
	struct cell v = order->listing->get(x->record, order->field);
	struct cell w = order->listing->get(y->record, order->field);

	int r = cell_compare(&v, &w);
	if (r == 0)
		return (x->place > y->place) - (x->place < y->place);
	return order->reverse ? -r : r;
}

void print_sort(const struct listing *listing, const struct field *field, bool reverse)
{
	struct order order = {.listing = listing, .field = field, .reverse = reverse};
	size_t n = listing->n_records;
	cleanup_free struct sortable *sortables = mem_zero(n, sizeof(*sortables));

	for (size_t i = 0; i < n; i++)
		sortables[i] = (struct sortable){.record = listing->records[i], .place = i};
	qsort_r(sortables, n, sizeof(*sortables), compare, &order);
	for (size_t i = 0; i < n; i++)
		listing->records[i] = sortables[i].record;
}
