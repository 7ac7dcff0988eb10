/* The verb table: what callers of the interface may ask for. */
#pragma once

#include <stddef.h>
#include <systemd/sd-json.h>

#include "runtime/ve.h"

struct invocation;

enum {
	VERB_RECORDED = 1 << 0, /* it changes something: who did it and how it went goes to the log */
	VERB_SPAWNS = 1 << 1,	/* it hands a child over to vzd: a VE's init or a command */
	VERB_ASKS = 1 << 2, /* it asks for the state itself, and has no use for the configuration: the shortest way */
};

struct verb {
	const char *method; /* on the wire, without the interface */
	const char *name;   /* vzctl's */
	int (*run)(struct invocation *invocation, sd_json_variant **ret_answer); /* in a worker */
	unsigned states; /* bit i: allowed in enum ve_state i; 0: it is not about one VE that exists */
	unsigned flags;
	const char *done; /* for the log: "started" */
};

#define VERBS_MAX 40

extern const struct verb verb_table[];
extern const size_t verb_count;

/* Is the verb allowed for a VE in that state? If not, the reason is in vzctl's words. */
int verb_check(const struct verb *verb, enum ve_state state, struct err *err);

/* In a worker: find the VE, check that the verb is allowed in its state, run it and tell vzd the answer. */
int verb_run(const struct verb *verb, struct invocation *invocation);
