/* A call of one verb, from the request to its last answer: a worker does it, and a command of Exec outlives that.
 *
 * Once begun, an operation goes on also when the caller hangs up. Only a command is killed: its terminal is gone. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-varlink.h>

#include "cmd/exec.h"

struct call;
struct err;
struct host;
struct verb;
struct workers;

/* All calls under way. */
struct calls {
	struct workers *workers;
	struct execs execs;
	const struct host *host;
	struct call *first;
};

/* Begin. The answer, or the reason for a failure, goes to the link; that of a `oneway` call nowhere. */
void call_begin(struct calls *calls, sd_varlink *link, const struct verb *verb, sd_json_variant *parameters,
		sd_varlink_method_flags_t flags, uid_t uid);

/* The caller of this link is gone. */
void call_hang_up(sd_varlink *link);

/* Answer with a failure, as the interface has it. */
void call_refuse(sd_varlink *link, const struct err *err);

/* Kill the commands of all callers: vzd ends. */
void calls_close(struct calls *calls);
