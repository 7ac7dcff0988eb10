#include "runtime/amount.h"

#include <ctype.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define UNLIMITED_WORD "unlimited"
#define FRACTION_MAX 6 /* digits: with the largest suffix they still fit into 64 bits */

static uint64_t multiplier(char suffix)
{
	switch (toupper((unsigned char)suffix)) {
	case 'T':
		return 1ull << 40;
	case 'G':
		return 1ull << 30;
	case 'M':
		return 1ull << 20;
	case 'K':
		return AMOUNT_KIB;
	case 'P':
		return AMOUNT_PAGE;
	default:
		return 1;
	}
}

/* The digits at *p; false if they are no 64-bit number. */
static bool read_digits(const char **p, uint64_t *n)
{
	for (*n = 0; isdigit((unsigned char)**p); (*p)++)
		if (__builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, **p - '0', n))
			return false;
	return true;
}

/* The decimal fraction at *p (".2" is 2 of 10); where there is none, 0 of 1. */
static bool read_fraction(const char **p, uint64_t *n, uint64_t *of)
{
	*n = 0;
	*of = 1;
	if (**p != '.')
		return true;

	const char *digits = ++*p;
	bool fits = read_digits(p, n) && *p - digits <= FRACTION_MAX;
	for (; fits && digits < *p; digits++)
		*of *= 10;
	return fits && *of > 1;
}

static bool is_unlimited(const char *text)
{
	return str_eq(text, UNLIMITED_WORD) || str_eq(text, "9223372036854775807") /* LONG_MAX: OpenVZ's own */
	       || str_eq(text, "18446744073709551615");				   /* UINT64_MAX */
}

static const char *suffix_fault(const char *suffixes)
{
	return strchr(suffixes, 'P') ? "a number may end with T, G, M, K, P (pages) or B (bytes)"
				     : "a number may end with T, G, M or K";
}

const char *amount_parse(const struct amount_scale *scale, const char *text, uint64_t *ret)
{
	uint64_t whole, part, of, n, unit = scale->unit;
	const char *p = text;

	if (scale->no_limit && is_unlimited(text)) {
		*ret = AMOUNT_UNLIMITED;
		return NULL;
	}
	if (!isdigit((unsigned char)*p))
		return "not a number";
	if (!read_digits(&p, &whole))
		return "the number is too large";
	if (!read_fraction(&p, &part, &of))
		return "after the point come 1 to 6 digits";
	if (*p && strchr(scale->suffixes, toupper((unsigned char)*p)))
		unit = multiplier(*p++);
	if (*p)
		return suffix_fault(scale->suffixes);
	if (__builtin_mul_overflow(whole, unit, &n) || __builtin_add_overflow(n, part * unit / of, &n) || n > INT64_MAX)
		return "the number is too large";

	*ret = n - n % scale->step;
	return NULL;
}

char *amount_print(uint64_t n, uint64_t unit)
{
	return n == AMOUNT_UNLIMITED ? mem_strdup(UNLIMITED_WORD) : str_fmt("%ju", n / unit);
}
