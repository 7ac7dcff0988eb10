/* A template layer that goes to another node: as the archive that it was made of, by whose digest it is called. What
 * arrives is therefore what the name says, whoever sent it, and is unpacked in the sandbox as any other archive. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

/* What a node sends. */
struct shipment_goods {
	char *archive;	   /* a path below the template directory; the caller frees */
	uint64_t size;	   /* bytes of the archive */
	uint64_t unpacked; /* bytes; 0 if no template of this node says it */
};

/* Find the archive of a layer. -ENOENT without a reason set if the layer has none. */
int shipment_find(int dir, const char *digest, struct shipment_goods *ret, struct err *err);

/* Is the layer there? */
bool shipment_needless(int dir, const char *digest);

/* Where its archive is to be put, below the template directory; the caller frees. */
char *shipment_place(const char *digest);

/* Make ready for the archive. Returns an fd: until it is closed, nobody else changes the template directory. */
int shipment_expect(int dir, struct err *err);

/* What came, under that fd. */
struct shipment {
	int dir; /* the template directory */
	const char *digest;
	const char *name;   /* the template becomes known by it, unless there is one of that name or it is none */
	const char *suffix; /* how it is packed: one of record_suffix */
	const char *source; /* where it came from */
	uint32_t scratch_base;
};

/* Check its digest, and make the layer of it. ERR_TEMPLATE_DAMAGED. */
int shipment_take_in(const struct shipment *shipment, struct err *err);

/* Remove an archive that was not taken in, or is not needed any more. Idempotent. */
int shipment_clear(int dir, const char *digest, struct err *err);
