#include "checkpoint/proof.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/contents.h"
#include "checkpoint/manifest.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"

static int digest_content(int dir, const struct manifest *manifest, size_t index, const struct image_key *key,
			  uint8_t *ret_digest, struct err *err)
{
	const struct content *content = &manifest->contents.list[index];
	cleanup_fd int fd = contents_open(dir, content, err);
	if (fd < 0)
		return fd;

	int r = seal_file(key, manifest->image, index, fd, content->size, ret_digest);
	return r < 0 ? err_set(err, -r, "read %s of the checkpoint image", content->path) : 0;
}

/* What could not be read back is refused while there is still something to go back to. */
static int write_manifest(int dir, const struct manifest *manifest, const struct image_key *key, struct err *err)
{
	cleanup_free char *text = manifest_print(manifest, key);
	cleanup_manifest struct manifest same = {0};

	int r = manifest_parse(text, strlen(text), key, &same, err);
	if (r < 0)
		return r;
	r = io_replace_file(dir, PROOF_FILE, text, strlen(text), 0600);
	return r < 0 ? err_set(err, -r, "write the manifest of a checkpoint image") : 0;
}

int proof_write(int dir, const struct kvfile *facts, const struct image_key *key, struct err *err)
{
	cleanup_manifest struct manifest manifest = {0};

	int r = seal_random(&manifest.image, sizeof(manifest.image));
	if (r < 0)
		return err_set(err, -r, "get random bytes");

	r = manifest_set_facts(&manifest, facts, err);
	if (r == 0)
		r = contents_read(dir, PROOF_FILE, &manifest.contents, err);
	for (size_t i = 0; r == 0 && i < manifest.contents.n; i++)
		r = digest_content(dir, &manifest, i, key, manifest.contents.list[i].digest, err);
	return r < 0 ? r : write_manifest(dir, &manifest, key, err);
}

/* Whatever the name leads to, it must not make us wait. */
static int open_manifest(int dir, struct err *err)
{
	const struct content manifest = {.path = (char *)(uintptr_t)PROOF_FILE};
	return contents_open(dir, &manifest, err);
}

static int read_manifest(int dir, const struct image_key *key, struct manifest *ret, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (faccessat(dir, PROOF_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return err_say(err, ERR_SYSTEM, "the checkpoint image has no manifest");
	cleanup_fd int fd = open_manifest(dir, err);
	if (fd < 0)
		return fd;

	int r = io_read_fd(fd, &text, &len);
	if (r < 0)
		return err_set(err, -r, "read the manifest of the checkpoint image");
	return manifest_parse(text, len, key, ret, err);
}

int proof_facts(int dir, const struct image_key *key, struct kvfile **ret_facts, struct err *err)
{
	cleanup_manifest struct manifest manifest = {0};

	int r = read_manifest(dir, key, &manifest, err);
	if (r == 0)
		*ret_facts = steal_ptr(manifest.facts);
	return r;
}

static int verify_content(int dir, const struct manifest *manifest, size_t index, const struct image_key *key,
			  struct err *err)
{
	const struct content *content = &manifest->contents.list[index];
	uint8_t digest[SEAL_DIGEST_LEN];

	int r = digest_content(dir, manifest, index, key, digest, err);
	if (r < 0)
		return r;
	if (!seal_equal(digest, content->digest, sizeof(digest)))
		return err_say(err, ERR_SYSTEM, "%s of the checkpoint image was changed since it was made",
			       content->path);
	return 0;
}

int proof_check(int dir, const struct image_key *key, struct kvfile **ret_facts, struct err *err)
{
	cleanup_manifest struct manifest manifest = {0};
	cleanup_contents struct contents found = {0};

	int r = read_manifest(dir, key, &manifest, err);
	if (r == 0)
		r = contents_read(dir, PROOF_FILE, &found, err);
	if (r == 0)
		r = contents_compare(&manifest.contents, &found, err);
	for (size_t i = 0; r == 0 && i < manifest.contents.n; i++)
		r = verify_content(dir, &manifest, i, key, err);
	if (r < 0)
		return r;
	*ret_facts = steal_ptr(manifest.facts);
	return 0;
}
