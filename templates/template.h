/* OS templates: find, list, import, build, delete.
 *
 * template/cache/NAME.tar.{zst,xz,gz} (or plain .tar) is the archive as it came; template/layers/SHA256/root the same
 * unpacked, read only to all who use it, with a link to the archive beside it; template/NAME.conf the record that ties
 * them: a kvfile with DIGEST, SOURCE, SIZE (bytes unpacked), ENTRIES, CREATED (seconds), DROPPED. SHA256 is the
 * archive's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct template
{
	char *name;
	char digest[65]; /* of the archive, in hex; "" if it is not unpacked yet */
	char *archive;	 /* file name in cache/, NULL if there is none any more */
	uint64_t size;	 /* bytes unpacked */
	uint64_t entries;
	uint64_t dropped; /* entries that were not taken: device nodes, dangerous attributes */
	int64_t created;  /* seconds since the epoch */
};

/* Who hears of progress: percent is -1 where it is not known. */
struct template_progress {
	void (*say)(void *ctx, int percent, const char *text);
	void *ctx;
};

/* Where a system has its init, in the order of looking; ends with NULL. A tree without any of them is no template. */
extern const char *const template_inits[];

void template_done(struct template *template);

/* `dir` is the template directory (…/template) everywhere. */

/* Find by name. An archive in cache/ that is not unpacked yet is found too (digest ""). ERR_NO_TEMPLATE lists what
 * there is. */
int template_find(int dir, const char *name, struct template *ret, struct err *err);

/* All of them, sorted by name; the caller frees each and the array. */
int template_list(int dir, struct template **ret, size_t *ret_n, struct err *err);

/* Take the archive (an absolute path on the node) in under `name` (NULL: its file name without .tar.*): copy it to
 * cache/, check `sha256` (hex, NULL: none expected) while copying, unpack it in the sandbox, publish by rename. A name
 * that exists is replaced for VEs to come, VEs made from the old layer keep it. `scratch_base`: first of 65536 host ids
 * that only the sandbox uses. */
int template_import(int dir, const char *archive, const char *name, const char *sha256, uint32_t scratch_base,
		    const struct template_progress *progress, struct template *ret, struct err *err);

/* Unpack what lies in cache/ and is not unpacked yet. */
int template_unpack(int dir, const char *name, uint32_t scratch_base, const struct template_progress *progress,
		    struct template *ret, struct err *err);

/* Build by recipe (PATH_RECIPES/NAME.recipe, run by PATH_TEMPLATE_BUILD) and import the result under that name. */
int template_build(int dir, const char *name, uint32_t scratch_base, const struct template_progress *progress,
		   struct template *ret, struct err *err);

/* Remove the record and the archive; and the layer, if `remove_layer` (the caller knows whether a VE stands on it) and
 * no other template has the same. */
int template_delete(int dir, const char *name, int remove_layer, struct err *err);

/* Remove the layers that no record names and no VE stands on, as `in_use` says: what is left of templates that were
 * replaced. */
int template_prune(int dir, bool (*in_use)(void *ctx, const char *digest), void *ctx, struct err *err);
