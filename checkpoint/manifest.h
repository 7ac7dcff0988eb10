/* What an image says of itself: the format's version, the facts of who made it, its files, and over all of it a seal.
 *
 *	FORMAT="1"
 *	IMAGE="0123456789abcdef"	its id, random
 *	CTID="101"			… the facts
 *	FILE="DIGEST SIZE PATH"		… a line for each, sorted by path
 *	SEAL="OWNER HMAC"
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "checkpoint/contents.h"

struct err;
struct image_key;
struct kvfile;

#define MANIFEST_FORMAT 1

struct manifest {
	uint64_t image;
	struct kvfile *facts; /* NULL until they are set */
	struct contents contents;
};

void manifest_done(struct manifest *manifest);
#define cleanup_manifest __attribute__((cleanup(manifest_done)))

/* Replace the facts by a copy of these. A key that the manifest itself has is refused. */
int manifest_set_facts(struct manifest *manifest, const struct kvfile *facts, struct err *err);

/* The whole text, sealed; the caller frees. */
char *manifest_print(const struct manifest *manifest, const struct image_key *key);

/* `text` is terminated. Believe nothing until the seal is found to be this key's and this text's. What is damaged, of
 * another key, or of a newer format is told apart. */
int manifest_parse(const char *text, size_t len, const struct image_key *key, struct manifest *ret, struct err *err);
