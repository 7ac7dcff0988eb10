/* A VE: its number, its configuration, and the questions to the kernel that tell its state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/config.h"
#include "runtime/state.h"

struct err;
struct host;

#define VE_CTID_MAX 2147483644u /* vzctl's */

/* Computed, never stored. */
enum ve_state {
	VE_ABSENT, /* no configuration */
	VE_STOPPED,
	VE_MOUNTED, /* its root is mounted, nothing runs */
	VE_RUNNING,
	VE_SUSPENDED, /* nothing runs, there is an image to resume from */
	VE_BROKEN,    /* a record without a live process: only the unwind is allowed */
};

struct ve {
	uint32_t ctid;
	struct ve_config config;
	char *private_area, *root_area; /* expanded */
};

/* "running", "stopped", … as vzlist prints it. */
const char *ve_state_name(enum ve_state state);

/* CTID from "101" or from a name (/etc/vz/names). ERR_BAD_CTID or ERR_NO_SUCH_VE. */
int ve_find(const char *id, uint32_t *ret_ctid, struct err *err);

/* Take its lock and load it: what is read after that stays true until the lock, an fd, is closed. */
struct op;
int ve_open(struct op *op, uint32_t ctid, struct ve *ret, int *ret_lock);

int ve_load(const struct host *host, uint32_t ctid, struct ve *ret, struct err *err);
void ve_done(struct ve *ve);

/* Make private_area and root_area anew from the configuration. */
void ve_expand(struct ve *ve);
#define cleanup_ve __attribute__((cleanup(ve_done)))

enum ve_state ve_state(const struct ve *ve);

/* The host id of the VE's root. */
static inline uint32_t ve_base(const struct ve *ve)
{
	return (uint32_t)ve->config.local_uid;
}

/* Is there a configuration of that CTID? */
bool ve_configured(uint32_t ctid);

/* The host name it runs with: that of its configuration, or veCTID. The caller frees. */
char *ve_hostname(const struct ve *ve);

/* All CTIDs that have a configuration, ascending; the caller frees. */
int ve_all(uint32_t **ret, size_t *ret_n, struct err *err);
