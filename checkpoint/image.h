/* Checkpoint images on disk: directories in a store, which is a directory that only root enters.
 *
 * An image holds `files/`, what CRIU writes, whatever else of regular files and directories its maker puts beside it,
 * and `manifest`, by which it is known to be whole and this node's. While it is made it is called .new-NAME, when it is
 * done away with .trash-NAME.… : under its name it is whole or is not there. Names are letters, digits, "-", "_", "+"
 * and ".", the last not first.
 *
 * `store` is open for reading (not O_PATH). Failures are ERR_CHECKPOINT where an image is made, ERR_RESTORE where it is
 * opened, ERR_DELETE where it is removed; a name that is none is ERR_BAD_VALUE. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct image_key;
struct kvfile;

/* Make an empty one, `.new-NAME` of mode 0700 with `files/`, in place of what a crash left. The directory is ours while
 * *ret_dir, or what was dup'ed of it, is open anywhere: image_clean() leaves it alone, another image_begin() is
 * ERR_LOCKED. */
int image_begin(int store, const char *name, int *ret_dir, struct err *err);

/* Say that it is complete: write the manifest, of the facts and all files. Nothing in it may change after. */
int image_seal(int dir, const struct kvfile *facts, const struct image_key *key, struct err *err);

/* Give it its name, in place of an image that has it. After success it survives a power loss, with all that was written
 * to its file system before; after a failure or a crash it is not there and the older one is. A failure to write that
 * happened since `store` was opened is noticed, so open it before image_begin(). */
int image_publish(int store, const char *name, struct err *err);

/* Verify the whole image: that the manifest is sealed with the key, and that the files are those it names, byte for
 * byte. The reason of a refusal names what is wrong. The facts are those given to image_seal(); the caller frees. While
 * *ret_dir is open, image_clean() leaves the image alone, too, when it is set aside. */
int image_open(int store, const char *name, const struct image_key *key, struct kvfile **ret_facts, int *ret_dir,
	       struct err *err);

/* Keep one from image_clean(), also when it is set aside, whatever is in it, while *ret_dir is open. */
int image_hold(int store, const char *name, int *ret_dir, struct err *err);

/* Read what it says of itself. The seal is checked, the files are not: good for telling, not for resuming. */
int image_facts(int store, const char *name, const struct image_key *key, struct kvfile **ret_facts, struct err *err);

/* Is there one of that name, good or not? */
bool image_present(int store, const char *name);

/* How many bytes its files have, the manifest's included. */
int image_size(int dir, uint64_t *ret_bytes, struct err *err);

/* Do away with it; "not there" is success. After a failure or a crash it is there whole or not at all. */
int image_drop(int store, const char *name, struct err *err);

/* An image can be resumed once: what runs again changes files of which it knows nothing. Just before they run it is set
 * aside, durably; then it is reinstated if they did not, and forgotten if they did (or if nobody knows, after a crash).
 * Idempotent, the last two. */
#define IMAGE_SPENT ".spent-" /* before the name of one that is set aside */
int image_retire(int store, const char *name, struct err *err);
int image_reinstate(int store, const char *name, struct err *err);
int image_forget(int store, const char *name, struct err *err);

/* Remove what crashes left: .new-… that nobody makes any more, .spent-… that nobody has open, and .trash-…. The first
 * failure is told after all was tried. */
int image_clean(int store, struct err *err);
