/* Memory that is written while its tree runs, before the dump: pre-1, pre-2, … in the directory of CRIU's files. Each
 * has what was changed since the one before it, and the dump what was changed since the last. A restore needs them all.
 */
#pragma once

struct err;

/* Where the n-th lies; the caller frees. */
char *round_name(unsigned n);

/* How many there are. */
unsigned rounds_count(int files);

/* Make an empty directory for the next one, and return which it is. */
int rounds_add(int files, struct err *err);
