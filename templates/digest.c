#include "templates/digest.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"

#define CHUNK (256u << 10)

bool digest_ok(const char *hex)
{
	return strlen(hex) == DIGEST_LEN && strspn(hex, "0123456789abcdef") == DIGEST_LEN;
}

static void write_hex(struct sha256_ctx *sha, char *ret_hex)
{
	uint8_t bytes[SHA256_DIGEST_SIZE];

	sha256_digest(sha, sizeof(bytes), bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		sprintf(ret_hex + 2 * i, "%02x", bytes[i]);
}

int digest_file(int from, int to, void (*tick)(void *ctx, uint64_t done), void *ctx, char *ret_hex, struct err *err)
{
	cleanup_free uint8_t *chunk = mem_zero(1, CHUNK);
	struct sha256_ctx sha;
	uint64_t done = 0;
	ssize_t n;

	sha256_init(&sha);
	while ((n = pread(from, chunk, CHUNK, (off_t)done)) > 0) {
		sha256_update(&sha, (size_t)n, chunk);
		int r = to < 0 ? 0 : io_write_all(to, chunk, (size_t)n);
		if (r < 0)
			return err_set(err, -r, "write the copy of an archive");
		done += (uint64_t)n;
		if (tick)
			tick(ctx, done);
	}
	if (n < 0)
		return err_set(err, errno, "read an archive");
	write_hex(&sha, ret_hex);
	return 0;
}
