/* vzctl: OpenVZ's command line, by calls to vzd. The subcommands are in commands.c. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/report.h"
#include "runtime/base/str.h"

#define EXIT_BAD_SYNTAX 20 /* vzerror.h */
#define EXIT_BAD_VALUE 21

static int show_help(void)
{
	help_print(stdout);
	return EXIT_SUCCESS;
}

static int show_version(void)
{
	help_version(stdout);
	return EXIT_SUCCESS;
}

static int misuse(void)
{
	help_print(stderr);
	return EXIT_BAD_SYNTAX;
}

static int unknown_option(const char *arg)
{
	if (str_eq(arg, "--skiplock"))
		fputs("--skiplock is not supported: vzd holds the locks\n", stderr);
	else
		fprintf(stderr, "vzctl: unrecognized option '%s'\n", arg);
	return EXIT_BAD_VALUE;
}

static bool asks_for_help(int argc, char **argv)
{
	return argc == 2 && str_eq(argv[1], "--help");
}

static int run(struct report *report, int argc, char **argv)
{
	const struct command *command = command_find(command_table, argv[0]);

	if (command && command->help && asks_for_help(argc, argv)) {
		help_command(stdout, command);
		return EXIT_SUCCESS;
	}
	return command_run(command_table, report, argc, argv);
}

int main(int argc, char **argv)
{
	struct report report;

	report_init(&report);
	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--quiet"))
			report.quiet = true;
		else if (str_eq(argv[i], "--verbose"))
			report.verbose++;
		else if (str_eq(argv[i], "--version"))
			return show_version();
		else if (str_eq(argv[i], "--help"))
			return show_help();
		else if (argv[i][0] == '-')
			return unknown_option(argv[i]);
		else
			return run(&report, argc - i, argv + i);
	}
	return misuse();
}
