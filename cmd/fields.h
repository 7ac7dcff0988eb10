/* The fields of vzlist: one row each for the columns, -o, -s, -L and JSON. */
#pragma once

#include <stddef.h>

#include "cmd/print.h"

struct err;

extern const struct field field_table[];
extern const size_t field_count;

/* What a field says of a `struct record`. */
struct cell field_get(const void *record, const struct field *field);

/* The row of that name. ERR_BAD_VALUE: `Unknown field: x`, or that vzlist does not support it yet; `what` begins the
 * message for one that does not exist. */
int field_find(const char *name, const char *what, const struct field **ret, struct err *err);

/* The rows of a list separated by commas; the caller frees. With `json`, a field that is part of another is refused. */
int field_parse(const char *names, bool json, const struct field ***ret, size_t *ret_n, struct err *err);

/* What vzd is to find out for it that takes longer than the rest, a set of bits. */
enum field_need { FIELD_TRAFFIC = 1 << 0, FIELD_CHECKPOINTABLE = 1 << 1 };
unsigned field_needs(const struct field *field);

/* All that JSON shows without being asked for fields, those that need nothing; the caller frees. */
void field_json(const struct field ***ret, size_t *ret_n);
