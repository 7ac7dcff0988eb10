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

	/* char *, canonical; NULL: none. A list's items are separated by blanks, and where the row has words, one of
	 * these may stand in place of the list. */
	PARAM_ADDRESSES,   /* list of IP addresses that a VE can have */
	PARAM_NAMESERVERS, /* list of IP addresses, without prefix */
	PARAM_GATEWAY,	   /* IPv4 address */
	PARAM_GATEWAY6,	   /* IPv6 address */
	PARAM_DOMAINS,	   /* list of domain names */
	PARAM_DEVICE,	   /* name of a network device */
	PARAM_DEVICES,	   /* list of these */
	PARAM_MAC,	   /* of one station */
	PARAM_INTERFACES,  /* see runtime/netif.h. Option: IF[,MAC,HOST_IF,HOST_MAC,BRIDGE] */
	PARAM_PORTS,	   /* list, see runtime/publish.h */
	PARAM_FEATURES,	   /* list of NAME:on and NAME:off; option: also separated by commas. See runtime/feature.h */
	PARAM_NETWORKS,	   /* list of ADDRESS/BITS, see runtime/policy.h for these three */
	PARAM_SERVICES,	   /* list of PROTOCOL:PORT */
	PARAM_NEIGHBOURS,  /* detect, all or list:DEVICE DEVICE */

	PARAM_RATE, /* uint64_t bits per second, whole thousands, 0 no limit. Option: KBITS; file: "*:1:KBITS" */
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
	const char *const *words; /* of PARAM_WORD and of lists, NULL-terminated */
	const char *argument;	  /* in help: BYTES; NULL: a PARAM_BOOL whose option has none */
	const char *help;	  /* one line, unit included */

	const struct param_alias *word_aliases; /* of PARAM_WORD, ends with {0}; NULL: none */
};

enum {
	PARAM_LIVE = 1 << 0,	/* a change applies to a running VE; without it, only from the next start */
	PARAM_STOPPED = 1 << 1, /* refused while the VE runs or is mounted */
	PARAM_CREATE = 1 << 2,	/* an option of create only */
	PARAM_OWN = 1 << 3,	/* belongs to this VE alone: --applyconfig and samples do not carry it */
	PARAM_NODE = 1 << 4,	/* vz.conf may have a default for it */
	PARAM_EDIT = 1 << 5,	/* says how another value changes: in changes and on the wire, never in files */
	PARAM_NETWORK = 1 << 6, /* of the network as it is: the record of a running VE carries it */
	PARAM_ONCE = 1 << 7,	/* once on a command line: to say it again is a mistake, not a second thought */
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
 * An empty text, name or host name is "none": given, and NULL in the struct. As an option a list adds to what the field
 * has from the options before it; all else replaces it. */
int param_parse(const struct param_table *table, const struct param *row, void *object, const char *text,
		enum param_form form, struct err *err);

/* The value as a config file has it; the caller frees. NULL if it is not given. */
char *param_print(const struct param_table *table, const struct param *row, const void *object);

bool param_given(const struct param_table *table, const struct param *row, const void *object);

/* Has it a word on any row that has all the flags in `with`? */
bool param_any(const struct param_table *table, unsigned with, const void *object);

/* Take over all that is given in `from`. Texts are copied. */
void param_merge(const struct param_table *table, void *object, const void *from);

/* The rows that have all the flags in `with` become what they are in `from`, given or not. */
void param_replace_some(const struct param_table *table, unsigned with, void *object, const void *from);

/* It is not given any more. */
void param_forget(const struct param_table *table, const struct param *row, void *object);

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
