/* The files are CRIU's: two magic words, then messages, each after its length (criu.org/Images, images/ of its source),
 * in the encoding of protobuf (protobuf.dev/programming-guides/encoding). Only numbers change, and none gets longer: a
 * number may have more bytes than it needs. So all else stays as it is, known to us or not. */
#include "checkpoint/ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define MAGIC_COMMON 0x54564319u /* criu/include/magic.h */
#define MAGIC_USERNS 0x55474906u
#define MAGIC_CGROUP 0x59383330u

#define DEPTH_MAX 64 /* messages in one another; groups below one another are such */

/* What of a message is looked at: a field that is an id, or a message that has some. */
struct field {
	unsigned number;
	const struct field *below; /* ends with {0}; NULL: it is an id */
};

static const struct field extent[] = {{2, NULL}, {0}};
static const struct field userns[] = {{1, extent}, {2, extent}, {0}};

static const struct field owner[] = {{2, NULL}, {3, NULL}, {0}};
static const struct field property[] = {{3, owner}, {0}};
static const struct field group[] = {{2, group}, {3, property}, {4, owner}, {0}};
static const struct field controller[] = {{2, group}, {0}};
static const struct field cgroup[] = {{2, controller}, {0}};

static const struct kind {
	uint32_t magic;
	const struct field *fields;
} kinds[] = {
	[IDS_USERNS] = {MAGIC_USERNS, userns},
	[IDS_CGROUP] = {MAGIC_CGROUP, cgroup},
};

/* The rest of a message. */
struct span {
	uint8_t *at, *end;
};

static int read_number(struct span *span, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned shift = 0; span->at < span->end && shift < 64; shift += 7) {
		uint8_t byte = *span->at++;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = n;
			return 0;
		}
	}
	return -EINVAL;
}

static int write_number(uint8_t *at, const uint8_t *end, uint64_t n)
{
	for (; at < end; at++, n >>= 7)
		*at = (uint8_t)((n & 0x7f) | (at + 1 < end ? 0x80 : 0));
	return n ? -ERANGE : 0;
}

static int move_id(struct span *span, const struct ids_move *move)
{
	uint8_t *begin = span->at;
	uint64_t id;

	int r = read_number(span, &id);
	if (r < 0 || id < move->from || id - move->from >= move->count)
		return r;
	return write_number(begin, span->at, id - move->from + move->to);
}

static const struct field *find(const struct field *fields, uint64_t number)
{
	for (; fields->number; fields++)
		if (fields->number == number)
			return fields;
	return NULL;
}

static int skip(struct span *span, uint64_t bytes)
{
	if (bytes > (uint64_t)(span->end - span->at))
		return -EINVAL;
	span->at += bytes;
	return 0;
}

enum wire { WIRE_NUMBER = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static int move_message(struct span span, const struct field *fields, const struct ids_move *move, unsigned depth);

static int move_bytes(struct span *span, const struct field *field, const struct ids_move *move, unsigned depth)
{
	uint64_t len;

	int r = read_number(span, &len);
	uint8_t *begin = span->at;
	if (r < 0 || (r = skip(span, len)) < 0 || !field || !field->below)
		return r;
	return move_message((struct span){begin, span->at}, field->below, move, depth + 1);
}

static int move_field(struct span *span, const struct field *fields, const struct ids_move *move, unsigned depth)
{
	uint64_t key, ignored;

	int r = read_number(span, &key);
	if (r < 0)
		return r;
	const struct field *field = find(fields, key >> 3);
	switch (key & 7) {
	case WIRE_NUMBER:
		return field && !field->below ? move_id(span, move) : read_number(span, &ignored);
	case WIRE_64:
		return skip(span, 8);
	case WIRE_BYTES:
		return move_bytes(span, field, move, depth);
	case WIRE_32:
		return skip(span, 4);
	default:
		return -EINVAL;
	}
}

static int move_message(struct span span, const struct field *fields, const struct ids_move *move, unsigned depth)
{
	int r = depth < DEPTH_MAX ? 0 : -EINVAL;

	while (r == 0 && span.at < span.end)
		r = move_field(&span, fields, move, depth);
	return r;
}

static int read_word(struct span *span, uint32_t *ret)
{
	if (span->end - span->at < 4)
		return -EINVAL;
	*ret = span->at[0] | (uint32_t)span->at[1] << 8 | (uint32_t)span->at[2] << 16 | (uint32_t)span->at[3] << 24;
	span->at += 4;
	return 0;
}

static int move_all(const struct kind *kind, struct span span, const struct ids_move *move)
{
	uint32_t common, own, len;

	if (read_word(&span, &common) < 0 || read_word(&span, &own) < 0 || common != MAGIC_COMMON || own != kind->magic)
		return -EINVAL;
	while (span.at < span.end) {
		if (read_word(&span, &len) < 0)
			return -EINVAL;
		uint8_t *begin = span.at;
		int r = skip(&span, len);
		if (r == 0)
			r = move_message((struct span){begin, span.at}, kind->fields, move, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

int ids_move_text(enum ids_file file, uint8_t *text, size_t len, const struct ids_move *move, struct err *err)
{
	int r = move_all(&kinds[file], (struct span){text, text + len}, move);
	if (r == -ERANGE)
		return err_say(err, ERR_RESTORE, "the image has no room for ids from %u on", move->to);
	return r < 0 ? err_say(err, ERR_RESTORE, "the image says in no known way whose ids it has") : 0;
}

static int move_file(int dir, const char *name, enum ids_file file, const struct ids_move *move, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	int r = io_read_file(dir, name, &text, &len);
	if (r < 0)
		return err_set(err, -r, "read %s of the image", name);
	r = ids_move_text(file, (uint8_t *)text, len, move, err);
	if (r < 0)
		return r;
	r = io_replace_file(dir, name, text, len, 0644);
	return r < 0 ? err_set(err, -r, "write %s of the image", name) : 0;
}

static int move_entry(int dir, const char *name, const struct ids_move *move, struct err *err)
{
	if (str_eq(name, "cgroup.img"))
		return move_file(dir, name, IDS_CGROUP, move, err);
	if (str_after(name, "userns-") && str_ends(name, ".img"))
		return move_file(dir, name, IDS_USERNS, move, err);
	return 0;
}

int ids_move_files(int dir, const struct ids_move *move, struct err *err)
{
	struct dirent **entries;
	int n = scandirat(dir, ".", &entries, NULL, NULL), r = 0;
	if (n < 0)
		return err_set(err, errno, "read the image");

	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = move_entry(dir, entries[i]->d_name, move, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}
