/* The node's key: what checkpoint images are sealed with, so that nothing is restored but what this node wrote. */
#pragma once

#include <stdint.h>

struct err;

#define IMAGE_KEY_LEN 32

struct image_key {
	uint8_t bytes[IMAGE_KEY_LEN];
};

/* Read the key that is kept in the file, and make one if there is none: of several that do so at once all get the same.
 * A file that is not ours, that others may read or write, or that holds anything but a key is refused. */
int image_key_load(const char *path, struct image_key *ret, struct err *err);

/* Wipe it. */
void image_key_done(struct image_key *key);
#define cleanup_image_key __attribute__((cleanup(image_key_done)))
