/* The proof that a directory is an image, whole and unchanged: the manifest that lies in it. */
#pragma once

struct err;
struct image_key;
struct kvfile;

#define PROOF_FILE "manifest"

/* Write it, of the facts and of all other files of the directory. */
int proof_write(int dir, const struct kvfile *facts, const struct image_key *key, struct err *err);

/* Read the facts only; who says them is checked. The caller frees. */
int proof_facts(int dir, const struct image_key *key, struct kvfile **ret_facts, struct err *err);

/* Compare the directory with it. The caller frees the facts. */
int proof_check(int dir, const struct image_key *key, struct kvfile **ret_facts, struct err *err);
