/* File names and what programs say are a VE's to choose: an escape sequence in them would speak to the operator's
 * terminal, a newline would forge a line of the log, and JSON takes nothing but UTF-8. */
#include "cmd/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "runtime/base/mem.h"

/* Lead bytes, how many bytes follow, and the smallest code point that needs so many (RFC 3629). */
static const struct {
	unsigned char mask, lead;
	unsigned follow;
	uint32_t least;
} forms[] = {
	{0xe0, 0xc0, 1, 0x80},
	{0xf0, 0xe0, 2, 0x800},
	{0xf8, 0xf0, 3, 0x10000},
};

/* Surrogates are no characters, and the second block of control characters has terminals' CSI in it. */
static bool is_plain(uint32_t c)
{
	return c >= 0xa0 && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

/* Length of the well-formed, harmless sequence at s; 0 if there is none. */
static size_t sequence(const unsigned char *s)
{
	for (size_t i = 0; i < countof(forms); i++) {
		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		uint32_t c = s[0] & ~(uint32_t)forms[i].mask & 0xff;
		for (unsigned k = 1; k <= forms[i].follow; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[k] & 0x3f);
		}
		return c >= forms[i].least && is_plain(c) ? forms[i].follow + 1 : 0;
	}
	return 0;
}

char *plain_text(const char *text)
{
	char *copy = mem_strdup(text);

	for (unsigned char *p = (unsigned char *)copy; *p;) {
		bool indents = *p == '\t' && (char *)p == copy;
		size_t n = indents || (*p >= 0x20 && *p < 0x7f) ? 1 : sequence(p);
		if (n == 0) {
			*p = *p == '\n' || *p == '\t' ? ' ' : '?';
			n = 1;
		}
		p += n;
	}
	return copy;
}
