#include "checkpoint/seal.h"

#include <endian.h>
#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/umac.h>
#include <string.h>
#include <sys/param.h>
#include <sys/random.h>
#include <unistd.h>

#include "checkpoint/key.h"
#include "runtime/base/mem.h"

#define CHUNK (1u << 20)

/* The key for one purpose, and for image `n` where each has its own. */
static void derive(const struct image_key *key, const char *purpose, uint64_t n, size_t len, uint8_t *ret)
{
	uint64_t number = htobe64(n);
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof(key->bytes), key->bytes);
	hmac_sha256_update(&hmac, strlen(purpose) + 1, (const uint8_t *)purpose);
	hmac_sha256_update(&hmac, sizeof(number), (const uint8_t *)&number);
	hmac_sha256_digest(&hmac, len, ret);
	explicit_bzero(&hmac, sizeof(hmac));
}

void seal_text(const struct image_key *key, const void *text, size_t len, uint8_t *ret_seal)
{
	struct hmac_sha256_ctx hmac;
	uint8_t own[SHA256_DIGEST_SIZE];

	derive(key, "OpenVE manifest", 0, sizeof(own), own);
	hmac_sha256_set_key(&hmac, sizeof(own), own);
	hmac_sha256_update(&hmac, len, text);
	hmac_sha256_digest(&hmac, SEAL_LEN, ret_seal);
	explicit_bzero(&hmac, sizeof(hmac));
	explicit_bzero(own, sizeof(own));
}

void seal_owner(const struct image_key *key, uint8_t *ret_owner)
{
	derive(key, "OpenVE owner", 0, SEAL_OWNER_LEN, ret_owner);
}

static void begin_file(const struct image_key *key, uint64_t image, uint64_t index, struct umac128_ctx *umac)
{
	const uint64_t nonce[] = {htobe64(image), htobe64(index)};
	uint8_t own[UMAC_KEY_SIZE];

	derive(key, "OpenVE files", image, sizeof(own), own);
	umac128_set_key(umac, own);
	umac128_set_nonce(umac, sizeof(nonce), (const uint8_t *)nonce);
	explicit_bzero(own, sizeof(own));
}

static int add_file(struct umac128_ctx *umac, int fd, uint64_t size)
{
	cleanup_free uint8_t *chunk = mem_zero(1, MAX(MIN(size, CHUNK), 1));
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, chunk, MIN(size - done, CHUNK), (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		umac128_update(umac, (size_t)n, chunk);
		done += (uint64_t)n;
	}
	return 0;
}

int seal_file(const struct image_key *key, uint64_t image, uint64_t index, int fd, uint64_t size, uint8_t *ret_digest)
{
	struct umac128_ctx umac;

	begin_file(key, image, index, &umac);
	int r = add_file(&umac, fd, size);
	if (r == 0)
		umac128_digest(&umac, SEAL_DIGEST_LEN, ret_digest);
	explicit_bzero(&umac, sizeof(umac));
	return r;
}

bool seal_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return memeql_sec(a, b, len);
}

int seal_random(void *bytes, size_t len)
{
	ssize_t n = getrandom(bytes, len, 0);
	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}
