/* The images of suspended VEs: /var/lib/vz/dump/CTID, sealed with the node's key. */
#pragma once

#include <stdint.h>

struct err;
struct host;
struct kvfile;
struct op;

/* The directory that has them; the caller closes. */
int dumps_open(const struct host *host, struct err *err);

/* Seal the image in `dir` that was begun under that name, and give it the name. */
int dumps_publish(int store, int dir, const char *name, const struct kvfile *facts, struct err *err);

/* Open one, verified. */
int dumps_load(const struct host *host, const char *name, struct kvfile **ret_facts, int *ret_dir, struct err *err);

/* What is called so by a caller who speaks of that VE: a name, or a path right in the dump directory, and nowhere else;
 * not one by which another VE is suspended. The name of it, part of `path`. */
int dumps_name(const char *path, uint32_t ctid, const char **ret_name, struct err *err);

/* Do away with a VE's own image, and what a crash left of it; none is success. */
int dumps_drop(const struct host *host, uint32_t ctid, struct err *err);

/* Do away with images that nobody makes any more; what stays is warned of. */
void dumps_clean(struct op *op);

/* After each call of CRIU: put right what it leaves changed on the node. */
void dumps_after(const struct op *op);

/* Where CRIU's logs are; the caller closes. */
int dumps_logs(struct err *err);
