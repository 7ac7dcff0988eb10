/* What a VE may have beyond what all have, as FEATURES says: `tun:on sit:off`. */
#pragma once

#include <stdbool.h>

struct why;

/* What the text says of that feature: 1 on, 0 off, -1 nothing. NULL is the empty text. */
int feature_said(const char *features, const char *name);

/* Make a text canonical, each feature once, with its last word. Blanks or commas stand between them. With `strict`,
 * names that we do not know, and those of vzctl's that we know and do not have, are -EINVAL; else they are kept. The
 * caller frees. */
int features_parse(const char *text, bool strict, char **ret, struct why *why);
