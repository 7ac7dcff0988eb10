/* What the template directory knows of one template: its record NAME.conf, its archive in cache/, its layer in layers/.
 */
#pragma once

struct err;
struct names;
struct template;

#define RECORD_CACHE "cache"
#define RECORD_LAYERS "layers"
#define RECORD_PACKED "archive" /* in a layer's directory, with a suffix: what it was made of */

/* Letters, digits and - + _ . with no dot in front, 100 bytes at most. ERR_BAD_VALUE. */
int record_check_name(const char *name, struct err *err);

/* The end of an archive's file name that says how it is packed (".tar.zst"); NULL if it is none that we take. */
const char *record_suffix(const char *file);

/* Read it. A digest without its layer is as good as none. -ENOENT without a reason set if there is neither record nor
 * archive. */
int record_load(int dir, const char *name, struct template *ret, struct err *err);

/* `source`: where the archive came from. */
int record_save(int dir, const struct template *template, const char *source, struct err *err);

/* Remove the archives of that name, but for the file `keep` (may be NULL). */
int record_drop_archives(int dir, const char *name, const char *keep, struct err *err);

/* The archive that a layer was made of, below the template directory; NULL if it has none. The caller frees. */
char *record_layer_archive(int dir, const char *digest);

/* The names of templates that have a record, or an archive; the caller frees both. */
int record_names(int dir, struct names *ret, struct err *err);

/* Find a record with that digest, other than that of template `but` (may be NULL). Returns 1 if there is one, else 0;
 * `ret` may be NULL. */
int record_with_digest(int dir, const char *digest, const char *but, struct template *ret, struct err *err);

/* Take the lock under which the template directory changes. Returns an fd that holds it. */
int record_lock(int dir, struct err *err);
