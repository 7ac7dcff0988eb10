#include "checkpoint/executable.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>

#include "checkpoint/wire.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define MAGIC_MM 0x57492820u /* criu/include/magic.h */
#define MAGIC_FILES 0x56303138u

/* images/mm.proto, fdinfo.proto, regfile.proto */
enum { MM_EXE_FILE_ID = 12, FILE_ID = 2, FILE_REG = 3, REG_FLAGS = 2 };

#define BYTES_MAX (1u << 30) /* a hundred for each open file */

struct executables {
	uint64_t *ids; /* of files */
	size_t n;
};

static bool has(const struct executables *executables, uint64_t id)
{
	for (size_t i = 0; i < executables->n; i++)
		if (executables->ids[i] == id)
			return true;
	return false;
}

static void add(struct executables *executables, uint64_t id)
{
	if (has(executables, id))
		return;
	executables->ids = mem_grow(executables->ids, executables->n + 1, sizeof(*executables->ids));
	executables->ids[executables->n++] = id;
}

static int note(int files, const char *name, struct executables *executables)
{
	cleanup_free char *text = NULL;
	struct wire file, message;
	struct wire_field field;
	size_t len;

	int r = io_read_large_file(files, name, BYTES_MAX, &text, &len);
	if (r == 0)
		r = wire_open((uint8_t *)text, len, MAGIC_MM, &file);
	while (r == 0 && (r = wire_message(&file, &message)) > 0)
		while ((r = wire_field(&message, &field)) > 0)
			if (field.number == MM_EXE_FILE_ID)
				add(executables, field.value);
	return r;
}

static int is_mm(const struct dirent *entry)
{
	return str_after(entry->d_name, "mm-") && str_ends(entry->d_name, ".img");
}

static int find_executables(int files, struct executables *executables, struct err *err)
{
	struct dirent **entries;
	int n = scandirat(files, ".", &entries, is_mm, NULL), r = 0;
	if (n < 0)
		return err_set(err, errno, "read the image");

	for (int i = 0; i < n; i++) {
		if (r == 0 && (r = note(files, entries[i]->d_name, executables)) < 0)
			err_set(err, -r, "read %s of the image", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* 1: it is changed. */
static int mend_flags(struct wire reg)
{
	struct wire_field field;
	int r;

	while ((r = wire_field(&reg, &field)) > 0)
		if (field.number == REG_FLAGS && field.value & O_PATH)
			return wire_set(&field, field.value & ~(uint64_t)O_PATH) < 0 ? -EINVAL : 1;
	return r;
}

static int mend_file(struct wire message, const struct executables *executables)
{
	struct wire reg = {0};
	struct wire_field field;
	bool executed = false;
	int r;

	while ((r = wire_field(&message, &field)) > 0) {
		executed |= field.number == FILE_ID && has(executables, field.value);
		if (field.number == FILE_REG && field.kind == WIRE_BYTES)
			reg = field.bytes;
	}
	return r < 0 || !executed ? r : mend_flags(reg);
}

static int mend(uint8_t *text, size_t len, const struct executables *executables)
{
	struct wire file, message;
	int changed = 0, r = wire_open(text, len, MAGIC_FILES, &file);

	while (r == 0 && (r = wire_message(&file, &message)) > 0) {
		r = mend_file(message, executables);
		changed |= r > 0;
		r = r < 0 ? r : 0;
	}
	return r < 0 ? r : changed;
}

static int mend_files(int files, const struct executables *executables, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	int r = io_read_large_file(files, "files.img", BYTES_MAX, &text, &len);
	if (r == 0)
		r = mend((uint8_t *)text, len, executables);
	if (r > 0)
		r = io_replace_file(files, "files.img", text, len, 0644);
	return r < 0 ? err_set(err, -r, "mend files.img of the image") : 0;
}

int executables_mend(int files, struct err *err)
{
	struct executables executables = {0};

	int r = find_executables(files, &executables, err);
	if (r == 0)
		r = mend_files(files, &executables, err);
	free(executables.ids);
	return r;
}
