/* Elements of the filter's sets and maps, as nft writes them, and lists of such: what one network adds to another is a
 * matter of sorting. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/err.h"

struct text;

/* A set or map of netns/rules.nft. */
struct element_set {
	const char *name; /* with its table: "inet openve source4" */
	bool is_map;
	bool counts;	     /* its elements are counters: what they begin with is no difference between two */
	const char *unique;  /* no two guests can have the same key, which is a … ; NULL if they can */
	enum err_kind taken; /* what it is called when one has it already */
};

struct element {
	const struct element_set *set;
	char *key;
	char *value; /* what follows the key in a command that adds it: a counter, a comment, a map's data; "" if
			nothing does */
};

struct elements {
	struct element *list;
	size_t n;
};

/* Take the key and the value, which are the list's from now on. */
void elements_add(struct elements *elements, const struct element_set *set, char *key, char *value);

/* Sort, by set first, and keep one of those with the same key. */
void elements_sort(struct elements *elements);

/* Both sorted: does `elements` have the very same? */
bool elements_has(const struct elements *elements, const struct element *element);

/* Write commands for those that `without` (NULL: nothing) does not have; both are sorted. `verb` is nft's: "create"
 * fails for those that are there, "add" leaves them as they are, "destroy" needs only keys and does without them. */
void elements_print(struct text *commands, const char *verb, const struct elements *elements,
		    const struct elements *without);

void elements_done(struct elements *elements);
#define cleanup_elements __attribute__((cleanup(elements_done)))
