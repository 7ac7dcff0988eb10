#include "checkpoint/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define TEXT_MAX (16u << 20) /* bytes: io_read_fd reads no more */

#define HEX(bytes) (2 * (bytes))

/* The last line; what it seals is all before it. */
#define SEAL_HEAD "SEAL=\""
#define SEAL_TAIL "\"\n"
#define SEAL_LINE (strlen(SEAL_HEAD) + HEX(SEAL_OWNER_LEN) + 1 + HEX(SEAL_LEN) + strlen(SEAL_TAIL))

static void print_hex(const uint8_t *bytes, size_t len, char *ret_hex)
{
	for (size_t i = 0; i < len; i++)
		sprintf(ret_hex + 2 * i, "%02x", bytes[i]);
}

static const char digits[] = "0123456789abcdef";

/* Reads from the text what it has room for; -EINVAL if that is not hex, lower case. */
static int parse_hex(const char *hex, uint8_t *ret_bytes, size_t len)
{
	if (strspn(hex, digits) < HEX(len))
		return -EINVAL;
	for (size_t i = 0; i < len; i++, hex += 2)
		ret_bytes[i] = (uint8_t)((strchr(digits, hex[0]) - digits) << 4 | (strchr(digits, hex[1]) - digits));
	return 0;
}

void manifest_done(struct manifest *manifest)
{
	kvfile_free(manifest->facts);
	contents_done(&manifest->contents);
	*manifest = (struct manifest){0};
}

/* The keys that are the manifest's own, and what one that is read does to it. */
struct own_key {
	const char *key;
	int (*read)(struct manifest *manifest, const char *value);
};

static int read_format(struct manifest *manifest, const char *value)
{
	(void)manifest, (void)value; /* judged before */
	return 0;
}

static int read_image(struct manifest *manifest, const char *value)
{
	uint8_t bytes[sizeof(manifest->image)];

	if (strlen(value) != HEX(sizeof(bytes)) || parse_hex(value, bytes, sizeof(bytes)) < 0)
		return -EINVAL;
	manifest->image = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		manifest->image = manifest->image << 8 | bytes[i];
	return 0;
}

static int read_file(struct manifest *manifest, const char *value)
{
	uint8_t digest[SEAL_DIGEST_LEN];
	uint64_t size;

	if (parse_hex(value, digest, sizeof(digest)) < 0 || value[HEX(sizeof(digest))] != ' ')
		return -EINVAL;
	const char *number = value + HEX(sizeof(digest)) + 1, *space = strchr(number, ' ');
	if (!space || !space[1])
		return -EINVAL;
	cleanup_free char *size_text = str_fmt("%.*s", (int)(space - number), number);
	if (str_u64(size_text, &size) < 0)
		return -EINVAL;

	struct content *content = contents_add(&manifest->contents, mem_strdup(space + 1), size);
	memcpy(content->digest, digest, sizeof(digest));
	return 0;
}

static int read_seal(struct manifest *manifest, const char *value)
{
	(void)manifest, (void)value; /* the last line is cut off before; there is no other */
	return -EINVAL;
}

static const struct own_key own_keys[] = {
	{"FILE", read_file},
	{"FORMAT", read_format},
	{"IMAGE", read_image},
	{"SEAL", read_seal},
};

static const struct own_key *find_own(const char *key)
{
	for (size_t i = 0; i < countof(own_keys); i++)
		if (str_eq(own_keys[i].key, key))
			return &own_keys[i];
	return NULL;
}

int manifest_set_facts(struct manifest *manifest, const struct kvfile *facts, struct err *err)
{
	cleanup_kvfile struct kvfile *copy = kvfile_new();
	const char *key, *value;

	for (size_t pos = 0; kvfile_next(facts, &pos, &key, &value);) {
		if (find_own(key))
			return err_say(err, ERR_SYSTEM, "%s is the manifest's own word and no fact of an image", key);
		kvfile_set(copy, key, value);
	}
	kvfile_free(manifest->facts);
	manifest->facts = steal_ptr(copy);
	return 0;
}

static void add_file(struct text *text, const struct content *content)
{
	char digest[HEX(SEAL_DIGEST_LEN) + 1];

	print_hex(content->digest, sizeof(content->digest), digest);
	text_add(text, "FILE=\"%s %" PRIu64 " %s\"\n", digest, content->size, content->path);
}

static void add_seal(struct text *text, const struct image_key *key)
{
	uint8_t owner[SEAL_OWNER_LEN], seal[SEAL_LEN];
	char owner_hex[HEX(SEAL_OWNER_LEN) + 1], seal_hex[HEX(SEAL_LEN) + 1];

	seal_owner(key, owner);
	print_hex(owner, sizeof(owner), owner_hex);
	seal_text(key, text->s, text->len, seal);
	print_hex(seal, sizeof(seal), seal_hex);
	text_add(text, SEAL_HEAD "%s %s" SEAL_TAIL, owner_hex, seal_hex);
}

char *manifest_print(const struct manifest *manifest, const struct image_key *key)
{
	cleanup_free char *facts = manifest->facts ? kvfile_text(manifest->facts) : mem_strdup("");
	struct text text = {0};

	text_add(&text, "FORMAT=\"%u\"\nIMAGE=\"%016" PRIx64 "\"\n%s", MANIFEST_FORMAT, manifest->image, facts);
	for (size_t i = 0; i < manifest->contents.n; i++)
		add_file(&text, &manifest->contents.list[i]);
	add_seal(&text, key);
	return text.s;
}

static int say_damaged(struct err *err)
{
	return err_say(err, ERR_SYSTEM, "the manifest of the checkpoint image is cut or damaged");
}

/* The owner is asked for first only to tell a foreign image from a damaged one: what counts is the seal. */
static int check_seal(const char *text, size_t sealed, const struct image_key *key, struct err *err)
{
	const char *line = text + sealed, *owner_hex = line + strlen(SEAL_HEAD);
	const char *seal_hex = owner_hex + HEX(SEAL_OWNER_LEN) + 1;
	uint8_t owner[SEAL_OWNER_LEN], seal[SEAL_LEN], own_owner[SEAL_OWNER_LEN], own_seal[SEAL_LEN];

	if (!str_after(line, SEAL_HEAD) || parse_hex(owner_hex, owner, sizeof(owner)) < 0 || seal_hex[-1] != ' ' ||
	    parse_hex(seal_hex, seal, sizeof(seal)) < 0 || !str_eq(seal_hex + HEX(sizeof(seal)), SEAL_TAIL))
		return say_damaged(err);

	seal_owner(key, own_owner);
	if (!seal_equal(owner, own_owner, sizeof(owner)))
		return err_say(err, ERR_SYSTEM,
			       "the checkpoint image was made by another node, or with another key than this node has "
			       "now");
	seal_text(key, text, sealed, own_seal);
	return seal_equal(seal, own_seal, sizeof(seal)) ? 0 : say_damaged(err);
}

static int parse_lines(const char *text, size_t len, struct kvfile **ret_file, struct err *err)
{
	struct err reason = {0};

	if (kvfile_parse("manifest", text, len, ret_file, &reason) < 0)
		return err_say(err, ERR_SYSTEM, "the checkpoint image's %s", reason.text);
	return 0;
}

static int check_format(const struct kvfile *file, struct err *err)
{
	const char *format = kvfile_get(file, "FORMAT");
	uint32_t n;

	if (!format || str_u32(format, &n) < 0)
		return say_damaged(err);
	if (n != MANIFEST_FORMAT)
		return err_say(err, ERR_SYSTEM,
			       "the checkpoint image has format %u, and this version of OpenVE reads format %u", n,
			       MANIFEST_FORMAT);
	return 0;
}

static int read_lines(const struct kvfile *file, struct manifest *manifest, struct err *err)
{
	const char *key, *value;

	for (size_t pos = 0; kvfile_next(file, &pos, &key, &value);) {
		const struct own_key *own = find_own(key);
		if (!own)
			kvfile_set(manifest->facts, key, value);
		else if (own->read(manifest, value) < 0)
			return say_damaged(err);
	}
	return 0;
}

int manifest_parse(const char *text, size_t len, const struct image_key *key, struct manifest *ret, struct err *err)
{
	if (len > TEXT_MAX)
		return err_say(err, ERR_SYSTEM, "the manifest of the checkpoint image is larger than 16 MiB");
	if (len < SEAL_LINE)
		return say_damaged(err);

	size_t sealed = len - SEAL_LINE;
	int r = check_seal(text, sealed, key, err);
	if (r < 0)
		return r;

	cleanup_kvfile struct kvfile *file = NULL;
	r = parse_lines(text, sealed, &file, err);
	if (r == 0)
		r = check_format(file, err);
	if (r < 0)
		return r;

	cleanup_manifest struct manifest manifest = {.facts = kvfile_new()};
	r = read_lines(file, &manifest, err);
	if (r < 0)
		return r;
	*ret = manifest;
	manifest = (struct manifest){0};
	return 0;
}
