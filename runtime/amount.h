/* An amount of bytes or items as vzctl writes it: `2048`, `512M`, `2.2G`, `unlimited`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AMOUNT_PAGE 4096ull /* OpenVZ's page, whatever the node's is: files move between nodes */
#define AMOUNT_KIB 1024ull
#define AMOUNT_UNLIMITED UINT64_MAX

/* How to read one. The suffixes are T G M K, P for pages, B for bytes, in either case. */
struct amount_scale {
	const char *suffixes; /* those that make sense */
	uint64_t unit;	      /* what a number without a suffix counts */
	uint64_t step;	      /* the result is a multiple of this, rounded down */
	bool no_limit;	      /* `unlimited` is a value, and so are LONG_MAX and UINT64_MAX in digits */
};

/* Parse the whole text. Returns NULL and the amount, or what is wrong with the text. */
const char *amount_parse(const struct amount_scale *scale, const char *text, uint64_t *ret);

/* In multiples of unit, or `unlimited`; the caller frees. */
char *amount_print(uint64_t n, uint64_t unit);
