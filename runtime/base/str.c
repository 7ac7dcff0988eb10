#include "runtime/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/base/mem.h"

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && str_eq(s + n - m, suffix);
}

static char *format(const char *fmt, va_list ap)
{
	char *s = NULL;
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	return s;
}

char *str_fmt(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = format(fmt, ap);
	va_end(ap);
	return s;
}

uint64_t str_hash(const char *s)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 0x100000001b3;
	return hash;
}

int str_u64(const char *s, uint64_t *ret_n)
{
	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;

	errno = 0;
	char *end;
	unsigned long long n = strtoull(s, &end, 10);
	if (errno)
		return -errno;
	if (*end)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

int str_u32(const char *s, uint32_t *ret_n)
{
	uint64_t n;
	int r = str_u64(s, &n);
	if (r < 0)
		return r;
	if (n > UINT32_MAX)
		return -ERANGE;
	*ret_n = (uint32_t)n;
	return 0;
}

const char *str_field(const char *text, const char *name)
{
	cleanup_free char *head = str_fmt("\n%s:", name);
	const char *line = strstr(text, head);

	if (!line)
		return "";
	line += strlen(head);
	return line + strspn(line, " \t");
}

char *str_chomp(char *s)
{
	size_t n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

void text_add_bytes(struct text *text, const void *bytes, size_t len)
{
	text->s = mem_grow(text->s, text->len + len + 1, 1);
	memcpy(text->s + text->len, bytes, len);
	text->len += len;
	text->s[text->len] = '\0';
}

void text_add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	cleanup_free char *s = format(fmt, ap);
	va_end(ap);
	text_add_bytes(text, s, strlen(s));
}

void text_done(struct text *text)
{
	free(text->s);
	*text = (struct text){0};
}
