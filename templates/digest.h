/* The SHA-256 of a file, in hex. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

#define DIGEST_LEN 64

/* Is it one? Lower case only: it names files. */
bool digest_ok(const char *hex);

/* Read `from` from its start to its end; write what was read to `to`, unless that is -1. `tick` (may be NULL) hears how
 * many bytes are done. `ret_hex` holds DIGEST_LEN + 1 bytes. */
int digest_file(int from, int to, void (*tick)(void *ctx, uint64_t done), void *ctx, char *ret_hex, struct err *err);
