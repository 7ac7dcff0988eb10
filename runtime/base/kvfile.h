/* A file of KEY="value" lines that shells source: vz.conf, CTID.conf, samples, records, recipes.
 *
 * Comments, blank lines, unknown keys and the order of lines stay as they are; only what is set changes. A key that is
 * given twice has its last value. Values may be unquoted, in single or in double quotes; in double quotes a backslash
 * keeps the next of  " $ ` \  from the shell. An unquoted value ends with the line or before a comment, blanks inside
 * belong to it. A line that is no assignment is kept and ignored. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct kvfile;

struct kvfile *kvfile_new(void);
/* Parse text; a NUL byte, an unterminated quote, text after the closing quote or a line above 64 KiB is ERR_BAD_CONFIG,
 * naming `name` and the line. */
int kvfile_parse(const char *name, const char *text, size_t len, struct kvfile **ret_file, struct err *err);
/* Read and parse. -ENOENT without a reason set when the file is not there: the caller knows what that means. */
int kvfile_load(int dirfd, const char *path, struct kvfile **ret_file, struct err *err);
void kvfile_free(struct kvfile *file);
static inline void kvfile_freep(struct kvfile **file)
{
	kvfile_free(*file);
}
#define cleanup_kvfile __attribute__((cleanup(kvfile_freep)))

/* The unquoted value, valid until the file changes; NULL if the key is absent. */
const char *kvfile_get(const struct kvfile *file, const char *key);
/* Change the last assignment of the key in place, or add one at the end. A value is one line: a newline in it becomes a
 * blank. `$VEID` and `${VEID}` are left to the shell that sources the file, as vzctl's own files have them; nothing
 * else is. */
void kvfile_set(struct kvfile *file, const char *key, const char *value);
void kvfile_set_number(struct kvfile *file, const char *key, uint64_t n);
void kvfile_unset(struct kvfile *file, const char *key);
/* Walk the assignments in the order of the file: start with *pos = 0; returns 0 at the end. */
int kvfile_next(const struct kvfile *file, size_t *pos, const char **ret_key, const char **ret_value);

/* The whole text; the caller frees. */
char *kvfile_text(const struct kvfile *file);
/* io_replace_file of the text, mode 0644. */
int kvfile_save(const struct kvfile *file, int dirfd, const char *path, struct err *err);
