/* Which node a VE that moves belongs to. Its generation, GENERATION in its configuration, grows by one with each move;
 * the mark /etc/vz/conf/CTID.handed says that a later one was handed to another node: here it never runs again, unless
 * that node says that it has nothing of it, or an operator who knows takes the mark away. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

/* That of its configuration; 0 if it never moved. */
int handover_generation(uint32_t ctid, uint64_t *ret, struct err *err);

/* To whom it was handed; NULL if it was not. The caller frees. */
int handover_receiver(uint32_t ctid, char **ret, struct err *err);

/* Hand it over, durably: after success it may run there, and must not here. */
int handover_mark(uint32_t ctid, uint64_t generation, const char *receiver, struct err *err);

/* It is this node's again, or gone. Idempotent. */
int handover_forget(uint32_t ctid, struct err *err);

/* May it run here? ERR_WRONG_STATE, with who has it. */
int handover_check(uint32_t ctid, struct err *err);
