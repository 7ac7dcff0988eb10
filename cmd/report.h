/* What the person at the terminal reads: messages on stdout, warnings and errors on stderr, a progress bar if that is a
 * terminal. */
#pragma once

#include <stdbool.h>

struct err;

struct report {
	bool quiet;	/* not a word, the exit code says it all */
	int verbose;	/* how often --verbose was given */
	bool terminal;	/* stderr is one */
	bool bar_shown; /* at the end of what is on it */
};

void report_init(struct report *report);

void report_say(struct report *report, const char *text);
void report_warn(struct report *report, const char *text);

/* Draw the bar, or draw it anew; the next message takes its place. */
void report_progress(struct report *report, int percent);

/* Say why it failed, with --verbose also at which step. The exit code of that failure. */
int report_error(struct report *report, const struct err *err);

/* The same for a command line that is wrong: a script that is, must be told even with --quiet. */
int report_misuse(const struct err *err);

/* Take the bar away. */
void report_end(struct report *report);
