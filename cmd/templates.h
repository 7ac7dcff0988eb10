/* Subcommands on OS templates. Each returns an exit code, or a negative errno with the reason. */
#pragma once

struct request;

/* A table, or with --json an array. */
int templates_list(struct request *request);

/* One `field: value` a line. */
int templates_info(struct request *request);

/* Make one, from an archive or by a recipe, and say what it has become. */
int templates_import(struct request *request);
int templates_make(struct request *request);
