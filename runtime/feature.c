#include "runtime/feature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"
#include "runtime/word.h"

#define ON (1u << 1)
#define OFF (1u << 0)

/* vzctl's features and our own, and which of the two words each can be given. */
static const struct feature {
	const char *name;
	unsigned words;
} known[] = {
	{"bridge", ON | OFF},	 {"dummy", ON | OFF}, {"ipgre", ON | OFF}, {"ipip", ON | OFF}, {"nfs", OFF},
	{"nfsd", OFF},		 {"ppp", OFF},	      {"sit", ON | OFF},   {"sysfs", ON},      {"tun", ON | OFF},
	{"wireguard", ON | OFF},
};

static const char separators[] = " \t,";

/* Is the word "NAME:on" or "NAME:off"? The length of the name, or 0. */
static size_t name_length(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return str_eq(word + len, ":on") || str_eq(word + len, ":off") ? len : 0;
}

static const struct feature *find(const char *name, size_t len)
{
	for (size_t i = 0; i < countof(known); i++)
		if (strlen(known[i].name) == len && strncmp(known[i].name, name, len) == 0)
			return &known[i];
	return NULL;
}

static int check(const char *word, bool strict, struct why *why)
{
	size_t len = name_length(word);
	if (len == 0)
		return why_not(why, "%s: a feature is NAME:on or NAME:off", word);
	if (!strict)
		return 0;

	const struct feature *feature = find(word, len);
	if (!feature)
		return why_not(why, "%.*s is not a feature", (int)len, word);
	if (!(feature->words & (str_ends(word, ":on") ? ON : OFF)))
		return why_not(why, "%s is not supported yet", word);
	return 0;
}

int feature_said(const char *features, const char *name)
{
	size_t wanted = strlen(name);
	int said = -1;
	char *word;

	while (features && (word = word_next(&features, separators))) {
		if (name_length(word) == wanted && strncmp(word, name, wanted) == 0)
			said = str_ends(word, ":on");
		free(word);
	}
	return said;
}

/* Put the word where its feature stands, or at the end. */
static void put(struct text *list, const char *word)
{
	struct text out = {0};
	const char *rest = list->s;
	char *old;
	bool put = false;

	while ((old = word_next(&rest, separators))) {
		size_t len = name_length(old);
		bool same = name_length(word) == len && strncmp(old, word, len) == 0;
		text_add(&out, "%s%s", out.len ? " " : "", same ? word : old);
		put |= same;
		free(old);
	}
	if (!put)
		text_add(&out, "%s%s", out.len ? " " : "", word);
	text_done(list);
	*list = out;
}

int features_parse(const char *text, bool strict, char **ret, struct why *why)
{
	cleanup_text struct text list = {0};
	char *word;
	int r = 0;

	text_add(&list, "%s", "");
	while (r == 0 && (word = word_next(&text, separators))) {
		r = check(word, strict, why);
		if (r == 0)
			put(&list, word);
		free(word);
	}
	if (r < 0)
		return r;
	*ret = steal_ptr(list.s);
	return 0;
}
