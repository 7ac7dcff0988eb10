/* Keyed digests: who does not have the node's key can neither make one nor find what else has the same.
 *
 * A manifest has HMAC-SHA256. Files have UMAC-128 (RFC 4418), which costs little beside writing them; it wants a nonce
 * that never comes again, and gets the image's id, random, and the file's number in the image. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_key;

#define SEAL_LEN 32	   /* bytes: SHA-256's */
#define SEAL_DIGEST_LEN 16 /* bytes: UMAC-128's */
#define SEAL_OWNER_LEN 8

void seal_text(const struct image_key *key, const void *text, size_t len, uint8_t *ret_seal);

/* Digest the first `size` bytes of the file, which is number `index` of image `image`. Returns 0 or a negative errno,
 * -ENODATA if it ends before. */
int seal_file(const struct image_key *key, uint64_t image, uint64_t index, int fd, uint64_t size, uint8_t *ret_digest);

/* What tells one key from another and nothing about the key. */
void seal_owner(const struct image_key *key, uint8_t *ret_owner);

/* In a time that does not tell where they differ. */
bool seal_equal(const uint8_t *a, const uint8_t *b, size_t len);

/* Bytes by chance, from the kernel. Returns 0 or a negative errno. */
int seal_random(void *bytes, size_t len);
