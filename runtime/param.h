/* What a parameter is: one row says how it is called, what values it takes and where its value lives.
 *
 * The command line, config files, the wire, validation, printing, merging, `vzlist -o`, help, completion and the man
 * page read the same rows. Inside, bytes are bytes and ids are ids; the kind converts at the door, in vzctl's units. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct kvfile;

#define PARAM_UNLIMITED UINT64_MAX /* printed as `unlimited`; OpenVZ's 9223372036854775807 is read as this */

/* The two values of OpenVZ's limits. */
struct bounds {
	uint64_t barrier; /* or soft limit */
	uint64_t limit;	  /* or hard limit */
};

/* Amounts may have a decimal fraction and a suffix: T G M K, P for pages of 4096 bytes, B for bytes, in either case. */
enum param_kind {
	PARAM_TEXT,	/* char *: any text without newline */
	PARAM_NAME,	/* char *: letters, digits, space, -+_. */
	PARAM_HOSTNAME, /* char *: RFC 1123 */
	PARAM_PATH,	/* char *: absolute, may hold $VEID */
	PARAM_DIGEST,	/* char *: SHA-256 in lower-case hex */
	PARAM_BOOL,	/* bool: yes, no */
	PARAM_COUNT,	/* uint64_t within min..max */
	PARAM_SIZE,	/* uint64_t bytes, bytes by default */
	PARAM_MEMORY,	/* uint64_t bytes, min or more. Option: one value, bytes by default. File: "0:PAGES" */
	PARAM_ITEMS,	/* struct bounds: b[:l], numbers or `unlimited`, suffixes TGMK; one value is both */
	PARAM_SPACE,	/* struct bounds, bytes, whole KiB: s[:h], KiB by default */
	PARAM_CPULIMIT, /* uint64_t percent of one CPU, 0 no limit. Also N%: percent of the node */
	PARAM_WORD,	/* unsigned: index into words[] */
	PARAM_KIND_COUNT
};

/* Another name that vzctl has for the same. */
struct param_alias {
	const char *alias, *name;
};

struct param {
	const char *key;    /* in files and on the wire: PHYSPAGES */
	const char *option; /* without dashes: ram. NULL: files only */
	enum param_kind kind;
	size_t offset;		  /* of the value in its struct */
	unsigned flags;		  /* PARAM_LIVE … */
	uint64_t min, max;	  /* of PARAM_COUNT and PARAM_CPULIMIT; min of PARAM_MEMORY */
	const char *const *words; /* of PARAM_WORD, NULL-terminated */
	const char *argument;	  /* in help: BYTES */
	const char *help;	  /* one line, unit included */

	const struct param_alias *word_aliases; /* of PARAM_WORD, ends with {0}; NULL: none */
};

enum {
	PARAM_LIVE = 1 << 0,	/* a change applies to a running VE; without it, only from the next start */
	PARAM_STOPPED = 1 << 1, /* refused while the VE runs or is mounted */
	PARAM_CREATE = 1 << 2,	/* an option of create only */
	PARAM_OWN = 1 << 3,	/* belongs to this VE alone: --applyconfig and samples do not carry it */
	PARAM_NODE = 1 << 4,	/* vz.conf may have a default for it */
};

/* A table of rows over one struct. The struct begins with a `uint64_t given`: bit i says that rows[i] has a value. */
struct param_table {
	const struct param *rows;
	size_t n;				  /* at most 64 */
	const struct param_alias *option_aliases; /* ends with {0}; NULL: none */
};

enum param_form { PARAM_FROM_OPTION, PARAM_FROM_FILE };

/* NULL if there is none. Options are found by their aliases too. */
const struct param *param_by_key(const struct param_table *table, const char *key);
const struct param *param_by_option(const struct param_table *table, const char *option);

/* Parse the text into the struct's field and mark it given. ERR_BAD_VALUE: `Bad parameter for --ram: 12x: reason`.
 * An empty text, name or host name is "none": given, and NULL in the struct. */
int param_parse(const struct param_table *table, const struct param *row, void *object, const char *text,
		enum param_form form, struct err *err);

/* The value as a config file has it; the caller frees. NULL if it is not given. */
char *param_print(const struct param_table *table, const struct param *row, const void *object);

bool param_given(const struct param_table *table, const struct param *row, const void *object);

/* Take over all that is given in `from`. Texts are copied. */
void param_merge(const struct param_table *table, void *object, const void *from);

/* Free the texts and forget everything. */
void param_done(const struct param_table *table, void *object);

/* All known keys of the file; unknown ones are skipped. ERR_BAD_CONFIG names file, key, value and reason. */
int param_load(const struct param_table *table, void *object, const struct kvfile *file, const char *name,
	       struct err *err);

/* The same for the rows that have all the flags in `with` and none of those in `without`. */
int param_load_some(const struct param_table *table, unsigned with, unsigned without, void *object,
		    const struct kvfile *file, const char *name, struct err *err);

/* Write what is given into the file, leaving the rest of it alone. */
void param_store(const struct param_table *table, const void *object, struct kvfile *file);
