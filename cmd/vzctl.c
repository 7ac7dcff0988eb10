/* vzctl: OpenVZ's command line, by calls to vzd. The subcommands are in commands.c. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/report.h"
#include "runtime/base/str.h"

#define EXIT_BAD_SYNTAX 20 /* vzerror.h */
#define EXIT_BAD_VALUE 21

/* What we open must not become the stdout of a command in a VE because our caller had closed it. */
static void hold_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
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

static int help_on(const char *name)
{
	const struct command *command = command_find(command_table, name);

	if (!command || !command->help)
		return -1;
	help_command(stdout, command);
	return 0;
}

int main(int argc, char **argv)
{
	struct report report;
	int i = 1;

	hold_stdio();
	report_init(&report);
	for (; i < argc && str_after(argv[i], "--"); i++) {
		if (str_eq(argv[i], "--quiet"))
			report.quiet = true;
		else if (str_eq(argv[i], "--verbose"))
			report.verbose++;
		else if (str_eq(argv[i], "--version"))
			return help_version(stdout), 0;
		else if (str_eq(argv[i], "--help"))
			return help_print(stdout), 0;
		else
			return unknown_option(argv[i]);
	}
	if (i == argc)
		return misuse();
	if (i + 2 == argc && str_eq(argv[i + 1], "--help") && help_on(argv[i]) == 0)
		return 0;
	return command_run(command_table, &report, argc - i, argv + i);
}
