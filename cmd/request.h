/* A subcommand under way: what it was given, whom it asks and who hears of it. */
#pragma once

#include <systemd/sd-json.h>

#include "cmd/options.h"

struct client;
struct command;
struct report;

struct request {
	const struct command *command;
	struct options options;
	struct client *client;
	struct report *report;
	struct err *err;
};

/* The parameters of the call: the first word, the options that have a field, the settings. */
int request_parameters(const struct request *request, sd_json_variant **ret);

/* Make the call and wait for its end; messages and progress go to the report. `last` is its last answer; may be NULL.
 */
int request_call(struct request *request, sd_json_variant **last);

/* The same with parameters of the caller's making. */
int request_send(struct request *request, sd_json_variant *parameters, sd_json_variant **last);
