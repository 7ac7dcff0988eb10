/* What stands behind a subcommand: its own options, those of the parameter table, and words. Options and words come in
 * any order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runtime/config.h"

struct err;

struct option_row {
	const char *name;     /* without dashes; one character: a short option */
	const char *argument; /* in help; NULL: a flag */
	const char *field;    /* of the call to vzd; NULL: it is for vzctl itself */
	const char *help;
};

#define OPTIONS_MAX 8

struct options {
	const struct option_row *rows;	 /* ends with {0}; NULL: none */
	const char *values[OPTIONS_MAX]; /* one a row: NULL if it is not given, "" for a flag */
	struct ve_config settings;	 /* what options of the parameter table ask for */
	char **words;
	size_t n_words;
};

/* Parse argv[1] to argv[argc - 1], which end up with the words last. `settings`: options of the parameter table are
 * taken too. An option that is unknown, lacks its value or has a bad one is ERR_BAD_VALUE; so is one that is known and
 * not built. */
int options_parse(const struct option_row *rows, bool settings, int argc, char **argv, struct options *ret,
		  struct err *err);
void options_done(struct options *options);

/* NULL if it is not given, "" for a flag. */
const char *options_value(const struct options *options, const char *name);
