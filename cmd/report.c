#include "cmd/report.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd/errors.h"

#define BAR_WIDTH 40

void report_init(struct report *report)
{
	*report = (struct report){.terminal = isatty(STDERR_FILENO)};
}

void report_end(struct report *report)
{
	if (!report->bar_shown)
		return;
	fputs("\r\033[K", stderr);
	report->bar_shown = false;
}

void report_say(struct report *report, const char *text)
{
	if (report->quiet)
		return;
	report_end(report);
	puts(text);
	/* Scripts follow a long operation through a pipe line by line. */
	fflush(stdout);
}

void report_warn(struct report *report, const char *text)
{
	if (report->quiet)
		return;
	report_end(report);
	fflush(stdout);
	fprintf(stderr, "%s\n", text);
}

void report_progress(struct report *report, int percent)
{
	if (report->quiet || !report->terminal || percent < 0)
		return;
	if (percent > 100)
		percent = 100;

	int done = percent * BAR_WIDTH / 100;
	char bar[BAR_WIDTH + 1];
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < done ? '#' : ' ';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %3d%%", bar, percent);
	report->bar_shown = true;
}

int report_error(struct report *report, const struct err *err)
{
	if (!report->quiet) {
		report_end(report);
		fflush(stdout);
		/* A system call's failure says what was tried; the step says on the way to what. */
		fprintf(stderr, "%s%s%s\n", err->no ? err->step : "", err->no && err->step[0] ? ": " : "", err->text);
		if (report->verbose > 0 && err->step[0])
			fprintf(stderr, "(step %s, %s)\n", err->step, error_table[err->kind].name);
	}
	return error_table[err->kind].exit_code;
}

int report_misuse(const struct err *err)
{
	fprintf(stderr, "%s\n", err->text);
	return error_table[err->kind].exit_code;
}
