/* A verb under way, in its worker, and the functions of the verb table. The parameters have the types that the
 * interface says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-json.h>

#include "cmd/work.h"
#include "runtime/ve.h"

struct invocation {
	struct work *work;
	sd_json_variant *parameters;
	uint32_t ctid;	     /* of the VE, for a verb that is about one */
	enum ve_state state; /* as it was just now, without its lock */
	const int *fds;	     /* what came with the call */
	size_t n_fds;
	bool more; /* the caller hears more than the last answer */
};

#define cleanup_variant __attribute__((cleanup(sd_json_variant_unrefp)))

/* A parameter that may be missing or null: NULL, false or 0 then. */
const char *verb_text(const struct invocation *invocation, const char *name);
bool verb_flag(const struct invocation *invocation, const char *name);
unsigned verb_number(const struct invocation *invocation, const char *name);

/* The reason for an answer that cannot be put into JSON. */
int verb_bad_answer(struct invocation *invocation, int r);

int verb_create(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_clone(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_destroy(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_start(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_stop(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_restart(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_suspend(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_resume(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_migrate_in(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_migrate_out(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_mount(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_umount(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_set(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_snapshot(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_snapshot_delete(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_snapshot_list(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_snapshot_mount(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_snapshot_switch(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_snapshot_umount(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_status(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_list(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_exec(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_template_list(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_template_info(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_template_import(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_template_build(struct invocation *invocation, sd_json_variant **ret_answer);
int verb_template_delete(struct invocation *invocation, sd_json_variant **ret_answer);
