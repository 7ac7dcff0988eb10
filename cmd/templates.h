/* Subcommands that show OS templates. Each returns an exit code, or a negative errno with the reason. */
#pragma once

struct request;

/* A table, or with --json an array. */
int templates_list(struct request *request);

/* One `field: value` a line. */
int templates_info(struct request *request);
