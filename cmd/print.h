/* Listings: records as columns or as JSON, by one table of fields. The record is the caller's own type. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/cell.h"

struct field {
	const char *name; /* for -o, for JSON */
	const char *header;
	int width; /* of the column; negative: left-aligned, as in printf */
	int what;  /* these three are for the listing's `get` */
	size_t at;
	int part; /* 0: the whole; others are columns only, the JSON of the whole has them */
};

struct listing {
	struct cell (*get)(const void *record, const struct field *field);
	const struct field *const *fields;
	size_t n_fields;
	const void **records;
	size_t n_records;
};

enum {
	PRINT_NO_HEADER = 1 << 0,
	PRINT_NO_TRIM = 1 << 1, /* long values push the rest of their line to the right */
};

/* Columns separated by one blank; no blanks at the end of a line. The last column is never cut. */
void print_columns(FILE *out, const struct listing *listing, unsigned flags);

/* An array of objects, laid out as vzlist does. */
void print_json(FILE *out, const struct listing *listing);

/* Sort the records by a field; equal ones keep their order. */
void print_sort(const struct listing *listing, const struct field *field, bool reverse);
