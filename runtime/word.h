/* Words of a text with separators between them: "eth1 eth2". */
#pragma once

#include <stdbool.h>

/* The next word behind *rest, which moves on; NULL at the end, and where *rest is NULL. Words are never empty. The
 * caller frees. */
char *word_next(const char **rest, const char *separators);

/* Lists separated by blanks; NULL is the empty one. */
bool words_have(const char *list, const char *word);
