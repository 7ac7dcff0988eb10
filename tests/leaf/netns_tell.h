/* What programs say about a namespace: ip(8) and bridge(8) as a second opinion. */
#pragma once

#include "tests/leaf/netns_env.h"

#include <stdbool.h>

#include "runtime/base/str.h"

static inline void note_line(void *ctx, const char *line)
{
	text_add(ctx, "%s\n", line);
}

/* All that the program prints; the caller frees. */
static inline char *told(const char *words)
{
	struct text out = {0};
	struct err err = {0};
	char *argv[32] = {0}, text[512], *rest = text;

	text_add(&out, "%s", "");
	snprintf(text, sizeof(text), "%s", words);
	for (size_t i = 0; i < countof(argv) - 1 && rest; i++)
		argv[i] = strsep(&rest, " ");
	proc_run_lines(AT_FDCWD, (const char *const *)argv, note_line, &out, &err);
	return out.s;
}

static inline void check_tells(int line, const char *words, const char *part, bool expected)
{
	cleanup_free char *text = told(words);
	if ((strstr(text, part) != NULL) != expected)
		fail_msg("line %d: %s %s \"%s\":\n%s", line, words, expected ? "does not say" : "says", part, text);
}

static inline void check_tells_there(const struct env *env, int line, const char *words, const char *part,
				     bool expected)
{
	enter(env->there);
	check_tells(line, words, part, expected);
	enter(env->node);
}

#define assert_tells(words, part) check_tells(__LINE__, words, part, true)
#define assert_tells_not(words, part) check_tells(__LINE__, words, part, false)
#define assert_tells_there(env, words, part) check_tells_there(env, __LINE__, words, part, true)
#define assert_tells_not_there(env, words, part) check_tells_there(env, __LINE__, words, part, false)
