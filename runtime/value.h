/* One value of a parameter, from text and to text: each kind in vzctl's units. `object` is the struct that the row's
 * offset is in. */
#pragma once

#include "runtime/param.h"

/* What is wrong with a text, for a message that already names the parameter and quotes the text. */
struct why {
	char text[200];
};

/* Say it. Returns -EINVAL. */
int why_not(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Parse into the row's field. -EINVAL with the reason in `why`; the field changes only on success. */
int value_parse(const struct param *row, void *object, const char *text, enum param_form form, struct why *why);

/* As a config file has it; the caller frees. */
char *value_print(const struct param *row, const void *object);

void value_copy(const struct param *row, void *object, const void *from);

/* Free what the field holds; it is zero then. */
void value_done(const struct param *row, void *object);
