#include "cmd/help.h"

#include "cmd/commands.h"
#include "cmd/options.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define VZCTL_VERSION "4.11.1" /* the last of OpenVZ's own line */
#define COLUMN 34	       /* of what an option does */
#define LINE 80

void help_version(FILE *out)
{
	fprintf(out, "vzctl version %s\n", VZCTL_VERSION);
}

static void print_row(FILE *out, int indent, const char *left, const char *help)
{
	bool fits = strlen(left) <= (size_t)(COLUMN - indent);

	fprintf(out, "%*s%-*s", indent, "", COLUMN - indent, left);
	if (!fits)
		fprintf(out, "\n%*s", COLUMN, "");
	fprintf(out, " %s\n", help);
}

static void print_option(FILE *out, int indent, const char *name, const char *argument, const char *help)
{
	cleanup_free char *left =
		str_fmt("%s%s%s%s", name[1] ? "--" : "-", name, argument ? " " : "", argument ? argument : "");
	print_row(out, indent, left, help);
}

static void print_command(FILE *out, const char *family, const struct command *command)
{
	cleanup_free char *left =
		str_fmt("%s%s%s%s%s%s", family, command->name, command->alias ? ", " : "",
			command->alias ? command->alias : "", *command->words ? " " : "", command->words);

	print_row(out, 2, left, command->help);
	for (const struct option_row *o = command->options; o && o->name; o++)
		print_option(out, 6, o->name, o->argument, o->help);
}

static void print_commands(FILE *out)
{
	fputs("\nCommands:\n", out);
	for (const struct command *c = command_table; c->name; c++) {
		if (c->help && !c->commands)
			print_command(out, "", c);
		for (const struct command *member = c->commands; member && member->name; member++) {
			cleanup_free char *family = str_fmt("%s ", c->name);
			print_command(out, family, member);
		}
	}
}

static void print_unsupported(FILE *out)
{
	size_t column = LINE;

	fputs("\nCommands that are not supported yet:", out);
	for (const struct command *c = command_table; c->name; c++) {
		if (c->help)
			continue;
		if (column + strlen(c->name) >= LINE)
			column = (size_t)fprintf(out, "\n     ") - 1;
		column += (size_t)fprintf(out, " %s", c->name);
	}
	fputs("\n", out);
}

static void print_parameters(FILE *out)
{
	fputs("\nParameters of create and set:\n", out);
	for (size_t i = 0; i < config_table.n; i++) {
		const struct param *row = &config_table.rows[i];
		if (row->option)
			print_option(out, 2, row->option, row->argument, row->help);
	}
}

void help_print(FILE *out)
{
	help_version(out);
	fprintf(out,
		"OpenVE %s\n\n"
		"Usage: vzctl [--quiet | --verbose] COMMAND [CTID|NAME] [OPTION...]\n"
		"       vzctl COMMAND --help\n"
		"       vzctl --help | --version\n",
		OPENVE_VERSION);
	print_commands(out);
	print_parameters(out);
	print_unsupported(out);
}

void help_command(FILE *out, const struct command *command)
{
	print_command(out, "", command);
	for (const struct command *member = command->commands; member && member->name; member++)
		print_command(out, "", member);
	if (command->settings)
		print_parameters(out);
}
