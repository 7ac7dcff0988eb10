/* What `vzctl --help` prints, from the tables of subcommands and parameters. */
#pragma once

#include <stdio.h>

struct command;

/* One line that scripts and libvirt parse: OpenVE is to them the vzctl it stands in for. */
void help_version(FILE *out);

void help_print(FILE *out);
void help_command(FILE *out, const struct command *command);
