/* How the snapshots of a VE follow from one another, as far as they do not say it themselves: which one the VE is at
 * now, and whose parent is another than it was born of because that one was deleted. It is the file `tree` beside them:
 *
 *	CURRENT="5d4fd4ff-…"
 *	PARENT_0b9c4f3c_…="a3e48a6e-…"
 *
 * "" stands for none, in place of a UUID; so does no line at all, and no file. */
#pragma once

struct err;
struct kvfile;

/* Read it; none is an empty one. The caller frees. */
int lineage_load(int store, struct kvfile **ret, struct err *err);

/* Replace it at one stroke, durably; one that says nothing is no file. */
int lineage_save(int store, const struct kvfile *lineage, struct err *err);

/* Of a VE without snapshots nothing is known. */
void lineage_remove(int store);

/* The one whose state the VE has come from. */
const char *lineage_current(const struct kvfile *lineage);
void lineage_set_current(struct kvfile *lineage, const char *id);

/* The parent of a snapshot that was born of `born_of`. */
const char *lineage_parent(const struct kvfile *lineage, const char *id, const char *born_of);

/* It gets another; what was noted of it goes. */
void lineage_set_parent(struct kvfile *lineage, const char *id, const char *to);
void lineage_forget(struct kvfile *lineage, const char *id);
