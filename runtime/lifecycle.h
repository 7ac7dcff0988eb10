/* How VEs come and go. Each function is one verb: it takes the VE's lock, checks its state, runs its steps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include "runtime/config.h"
#include "runtime/op.h"

/* `id` is "" (the next free CTID from 101), a CTID or a name (which becomes the VE's, with the next free CTID).
 * `config` is what the caller gives; it goes over the sample (NULL: the node's CONFIGFILE). */
int lifecycle_create(struct op *op, const char *id, const struct ve_config *config, const char *sample,
		     uint32_t *ret_ctid);
int lifecycle_destroy(struct op *op, uint32_t ctid);

/* Make copies of a VE, each with ids, a name and a network of its own. `ids` are as lifecycle_create() has them, NULL
 * for `count` of "". What the caller gives in `config` goes over what the VE has; of several, each has the next of its
 * addresses. They are all there or none is. */
struct clone_options {
	const char *const *ids;
	size_t count;
	const char *snapshot; /* as it was at that one, see runtime/uuid.h; NULL: as it is */
	bool cold;	      /* only its files, whatever runs; else its processes, too, when it has any */
	bool new_machine_id;  /* the next start makes one */
};
int lifecycle_clone(struct op *op, uint32_t ctid, const struct clone_options *options, const struct ve_config *config,
		    uint32_t *ret_ctids);

/* With its lock, and whatever it was: remove what there is of a VE that is another node's now. Its configuration stays
 * as CTID.conf.migrated; with `keep`, so does its private area. */
struct ve;
int lifecycle_give_away(struct op *op, struct ve *ve, bool keep);

struct start_options {
	bool wait;  /* until the VE's own boot is through */
	bool force; /* although it is disabled */
};
int lifecycle_start(struct op *op, uint32_t ctid, const struct start_options *options);

struct stop_options {
	bool fast;	  /* kill, do not ask */
	bool skip_umount; /* leave the root mounted */
};
int lifecycle_stop(struct op *op, uint32_t ctid, const struct stop_options *options);
/* The same, with its lock. */
int lifecycle_stop_locked(struct op *op, struct ve *ve, const struct stop_options *options);
int lifecycle_restart(struct op *op, uint32_t ctid, const struct start_options *start, const struct stop_options *stop);

/* Take down what is left of a VE whose init has ended by itself; then, if it asked for a reboot, start it again. */
int lifecycle_reap(struct op *op, uint32_t ctid, bool reboot);

int lifecycle_mount(struct op *op, uint32_t ctid);
int lifecycle_umount(struct op *op, uint32_t ctid);

/* Apply `change` (over the sample, if one is named) to a running VE and, with `save`, to its configuration: all or
 * nothing. */
int lifecycle_set(struct op *op, uint32_t ctid, const struct ve_config *change, const char *sample, bool save);

/* What is left over from operations that a crash cut short: finish or undo it. Called by vzd before it serves. */
int lifecycle_recover(struct op *op);
