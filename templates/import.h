/* Take an archive that lies in cache/ in: unpack it, publish it. What import, unpack and build of a template share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct template;
struct template_progress;

struct import {
	int dir; /* …/template, under the lock of record_lock */
	const char *name;
	const char *file;   /* in cache/, where it lies now */
	const char *suffix; /* one of record_suffix: it becomes NAME + suffix */
	const char *source; /* where it came from, for the record */
	bool nameless;	    /* there is another template of that name: only the layer is taken in */
	uint32_t scratch_base;
	const struct template_progress *progress;
};

/* Make cache/ and layers/, and remove what imports that were cut off have left there. */
int import_prepare(int dir, struct err *err);

/* Hash the archive that `from` is, and copy it to `to` unless that is -1; `doing` is a word for who listens. */
int import_hash(const struct import *import, const char *doing, int from, int to, char *ret_digest, struct err *err);

/* Import a file of cache/; a nameless one stays there. `digest` is its SHA-256, NULL where it is not known yet. A bad
 * archive leaves what was known under the name before as it was. */
int import_run(const struct import *import, const char *digest, struct template *ret, struct err *err);
