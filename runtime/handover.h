/* Which node a VE that moves belongs to. Its generation, GENERATION in its configuration, grows by one with each move;
 * the mark /etc/vz/conf/CTID.handed says that a later one was handed to another node: here it never runs again, unless
 * that node says that it has nothing of it, or an operator who knows takes the mark away. Mark and configuration also
 * have the name of the move, MOVE: by it a repetition knows the VE that it sent, whatever it is called there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct kvfile;

/* That of its configuration; 0 if it never moved. */
int handover_generation(uint32_t ctid, uint64_t *ret, struct err *err);

/* How it was handed to another node. */
struct handover {
	char *receiver; /* NULL: it was not */
	uint32_t ctid;	/* what it is called there */
	char *move;	/* a name that no other move has */
};

void handover_done(struct handover *handover);
#define cleanup_handover __attribute__((cleanup(handover_done)))

/* Read it. A mark older than the VE is of a time when it was here before, and counts for nothing. */
int handover_load(uint32_t ctid, struct handover *ret, struct err *err);

/* Hand it over, durably: after success it may run there, and must not here. */
int handover_mark(uint32_t ctid, uint64_t generation, const struct handover *handover, struct err *err);

/* It is this node's again, or gone. Idempotent. */
int handover_forget(uint32_t ctid, struct err *err);

/* The command that finds out, or makes it move: "vzmigrate node2 101". The caller frees. */
char *handover_command(uint32_t ctid, const struct handover *handover);

/* May it run here? ERR_WRONG_STATE, with who has it. */
int handover_check(uint32_t ctid, struct err *err);

/* Did it come here by that very move? */
bool handover_came(uint32_t ctid, uint64_t generation, const char *move);

/* Note in a configuration by which move it comes. */
void handover_note(struct kvfile *config, uint64_t generation, const char *move);
