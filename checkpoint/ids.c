#include "checkpoint/ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/wire.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define MAGIC_USERNS 0x55474906u /* criu/include/magic.h */
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

static int move_id(const struct wire_field *field, const struct ids_move *move)
{
	if (field->value < move->from || field->value - move->from >= move->count)
		return 0;
	return wire_set(field, field->value - move->from + move->to);
}

static const struct field *find(const struct field *fields, uint64_t number)
{
	for (; fields->number; fields++)
		if (fields->number == number)
			return fields;
	return NULL;
}

static int move_message(struct wire message, const struct field *fields, const struct ids_move *move, unsigned depth)
{
	struct wire_field field;
	int r, moved = depth < DEPTH_MAX ? 0 : -EINVAL;

	while (moved == 0 && (r = wire_field(&message, &field)) != 0) {
		const struct field *known = r < 0 ? NULL : find(fields, field.number);
		if (r < 0)
			return r;
		if (known && !known->below && field.kind == WIRE_NUMBER)
			moved = move_id(&field, move);
		else if (known && known->below && field.kind == WIRE_BYTES)
			moved = move_message(field.bytes, known->below, move, depth + 1);
	}
	return moved;
}

static int move_all(const struct kind *kind, uint8_t *text, size_t len, const struct ids_move *move)
{
	struct wire file, message;

	int r = wire_open(text, len, kind->magic, &file);
	while (r == 0 && (r = wire_message(&file, &message)) > 0)
		r = move_message(message, kind->fields, move, 0);
	return r;
}

int ids_move_text(enum ids_file file, uint8_t *text, size_t len, const struct ids_move *move, struct err *err)
{
	int r = move_all(&kinds[file], text, len, move);
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
