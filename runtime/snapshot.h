/* Snapshots: the disk, the configuration and, if it runs, the processes of a VE at one moment, to which it can be
 * brought back any number of times. Each function is one verb, see lifecycle.h; `id` is what the caller calls it by. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/uuid.h"

struct op;
struct snapshot;

struct snapshot_options {
	const char *id;		 /* NULL: any */
	const char *name;	 /* NULL: none */
	const char *description; /* NULL: none */
	bool skip_suspend;	 /* without its processes */
	bool skip_config;	 /* without its configuration */
};
int lifecycle_snapshot(struct op *op, uint32_t ctid, const struct snapshot_options *options,
		       char ret_id[static UUID_SIZE]);

struct switch_options {
	bool skip_resume;    /* leave it stopped */
	bool must_resume;    /* refuse a snapshot without processes */
	bool skip_config;    /* keep its configuration as it is */
	bool skip_arpdetect; /* do not ask the network whether somebody has its addresses */
};
int lifecycle_snapshot_switch(struct op *op, uint32_t ctid, const char *id, const struct switch_options *options);

/* Its children are then those of its parent. */
int lifecycle_snapshot_delete(struct op *op, uint32_t ctid, const char *id);

/* All of them, see runtime/snapshots.h; the caller frees. `id` NULL: not only that one. */
int lifecycle_snapshot_list(struct op *op, uint32_t ctid, const char *id, struct snapshot **ret, size_t *ret_n);

/* Refuse if one of them is mounted. */
int snapshot_none_mounted(struct op *op, uint32_t ctid);

/* After a crash, with the lock of the VE: remove what is half made of its snapshots and of a switch. */
struct ve;
int snapshot_recover(struct op *op, const struct ve *ve);

/* The failure of a verb that has a kind of its own. */
struct err;
int snapshot_failed(struct err *err, int kind, int r);
