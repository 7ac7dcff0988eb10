/* One value in a listing, as a column shows it and as JSON has it. Knows nothing of where it comes from. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

enum cell_kind {
	CELL_NONE, /* nothing to tell: `-`, null */
	CELL_TEXT,
	CELL_NUMBER,
	CELL_COUNT,  /* `number`; a column shows `-` for 0 */
	CELL_BOOL,   /* yes, no */
	CELL_LIST,   /* words separated by blanks; a column within a line shows the first */
	CELL_FLAGS,  /* words NAME:on and NAME:off separated by blanks; JSON has true and false */
	CELL_GROUP,  /* named numbers; a column shows the first */
	CELL_LOAD,   /* load averages */
	CELL_TIME,   /* `number` seconds since the epoch; JSON has the number */
	CELL_UPTIME, /* seconds; JSON has 0 where a column has `-` */
};

#define CELL_MEMBERS 5
#define CELL_UNKNOWN UINT64_MAX	 /* a number that nobody can tell */
#define CELL_UNLIMITED INT64_MAX /* OpenVZ's LONG_MAX */

struct cell {
	enum cell_kind kind;
	const char *text; /* of CELL_TEXT, CELL_LIST and CELL_FLAGS; the record's */
	union {
		uint64_t number;
		bool flag;
		double load[3];
		double seconds; /* negative: not up */
		struct {
			const char *const *names;
			uint64_t numbers[CELL_MEMBERS]; /* or CELL_UNKNOWN: null */
			size_t n;
			bool known; /* a column shows the first, else `-` */
		} group;
	};
};

/* Fill one; a text that is NULL and a number that is CELL_UNKNOWN are CELL_NONE. */
struct cell cell_text(const char *text);
struct cell cell_number(uint64_t number);
struct cell cell_count(uint64_t number);
struct cell cell_bool(bool flag);
struct cell cell_group(const char *const *names, const uint64_t *numbers, size_t n, bool known);

/* As a column shows it; the caller frees. `whole`: all words of a list. */
char *cell_show(const struct cell *cell, bool whole);

/* Append as JSON; a group's lines are indented for vzlist's objects. */
void cell_json(const struct cell *cell, struct text *out);

/* For sorting: numbers by size, texts by their bytes, nothing first. */
int cell_compare(const struct cell *a, const struct cell *b);
