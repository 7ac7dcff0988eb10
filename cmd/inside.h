/* Subcommands that run something inside a VE: exec, exec2, exec3, enter. Each returns an exit code, or a negative
 * errno. */
#pragma once

struct request;

/* The words are for the VE's shell; `-` alone: the shell reads them from stdin. A command that fails is vzctl's exit
 * code 8. */
int inside_exec(struct request *request);

/* The same with the exit status of the command. */
int inside_exec2(struct request *request);

/* Without a shell. */
int inside_exec3(struct request *request);

/* A login shell, on a terminal if stdin is one; with `--exec COMMAND…` after that command. */
int inside_enter(struct request *request);
