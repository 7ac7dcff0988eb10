#include "runtime/word.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

char *word_next(const char **rest, const char *separators)
{
	if (!*rest)
		return NULL;
	const char *word = *rest + strspn(*rest, separators);
	size_t len = strcspn(word, separators);

	*rest = word + len;
	return len ? str_fmt("%.*s", (int)len, word) : NULL;
}

bool words_have(const char *list, const char *word)
{
	const char *rest = list;
	char *have;

	while ((have = word_next(&rest, " "))) {
		bool same = str_eq(have, word);
		free(have);
		if (same)
			return true;
	}
	return false;
}
