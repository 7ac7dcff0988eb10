/* The table of vzctl's subcommands. Dispatch, `vzctl --help`, completion and the man page read it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct option_row;
struct report;
struct request;

struct command {
	const char *name;
	const char *alias;
	const char *words;		  /* in help, after the name: "CTID" */
	const char *help;		  /* one line; NULL: known, and not built */
	unsigned min, max;		  /* how many words it takes */
	const char *word;		  /* the field of the call that the first word fills */
	const char *method;		  /* of vzd */
	bool settings;			  /* takes options of the parameter table */
	bool verbatim;			  /* nothing of its command line is an option */
	const struct option_row *options; /* ends with {0} */
	const struct command *commands;	  /* it is a family; ends with {0} */
	int (*run)(struct request *request);
};

#define COMMAND_ANY ~0u

/* Ends with {0}. */
extern const struct command command_table[];

/* NULL if there is none of that name or alias. */
const struct command *command_find(const struct command *table, const char *name);

/* Run the subcommand argv[0] of the table with what follows it. Returns the exit code. */
int command_run(const struct command *table, struct report *report, int argc, char **argv);
