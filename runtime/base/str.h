/* Strings: formatting into fresh memory, comparing, reading numbers whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* What follows the prefix, or NULL. */
static inline const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool str_ends(const char *s, const char *suffix);

/* printf into fresh memory; the caller frees. Never NULL. */
char *str_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* FNV-1a (RFC 9923), 64 bits. */
uint64_t str_hash(const char *s);

/* The whole of `s` as a decimal number, nothing before or after it. -EINVAL or -ERANGE; ret_n only on success. */
int str_u64(const char *s, uint64_t *ret_n);
int str_u32(const char *s, uint32_t *ret_n);

/* What follows "NAME:" and white space on the line of `text` that begins so, as /proc tells of a process (proc(5)), up
 * to the end of `text`; "" when there is none, or on its first line. */
const char *str_field(const char *text, const char *name);

/* Cut trailing white space, in place. Returns s. */
char *str_chomp(char *s);

/* A growing text; `s` is always terminated after the first append. Free with text_done. */
struct text {
	char *s;
	size_t len;
};

void text_add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const void *bytes, size_t len);
void text_done(struct text *text);
#define cleanup_text __attribute__((cleanup(text_done)))
