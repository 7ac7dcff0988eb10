/* Which ids of the node belong to which VE: /etc/vz/idmap, one line `CTID:BASE:65536` each, as /etc/subuid has them.
 *
 * A range is claimed before anything of a VE exists and given back when all of it is gone, so a line without a
 * configuration is also the mark of a create that was cut short. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

/* 4096 ranges between what systemd-nspawn picks from (up to 0x6fffffff, systemd's UIDS-GIDS.md) and 2^31, above which
 * some programs take ids for negative. The last range is for sandboxes. */
#define IDMAP_FIRST 0x70000000u
#define IDMAP_LAST 0x7ffe0000u
#define IDMAP_SCRATCH 0x7fff0000u

/* Claim a free range for a CTID, durably: the one that goes with its number, or the lowest; with *ctid 0 also the next
 * free CTID from 101 (one that has neither a range nor a configuration). ERR_CONFIG_EXISTS if the CTID has a range
 * already. */
int idmap_claim(uint32_t *ctid, uint32_t *ret_base, struct err *err);

/* Claim this very range, for a VE that comes with it. ERR_CONFIG_EXISTS as above, ERR_NO_RESOURCE if another VE has it.
 */
int idmap_claim_range(uint32_t ctid, uint32_t base, struct err *err);

/* The range of a CTID must be the one its configuration names. */
int idmap_check(uint32_t ctid, uint64_t base, struct err *err);

/* Give it back. "Has none" is success. */
int idmap_release(uint32_t ctid, struct err *err);

/* All CTIDs that have a range; the caller frees. */
int idmap_all(uint32_t **ret, size_t *ret_n, struct err *err);
