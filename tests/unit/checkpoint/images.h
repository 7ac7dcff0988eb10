/* A store with images in it, made to measure. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint/image.h"
#include "checkpoint/key.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"

static const struct image_key images_key = {.bytes = "a key for tests, 32 bytes of it"};
static const struct image_key images_other_key = {.bytes = "b key for tests, 32 bytes of it"};

struct images_file {
	const char *path;
	size_t size;
};

static const struct images_file images_files[] = {
	{"config", 100},
	{"files/core-1.img", 300},
	{"files/empty.img", 0},
	{"files/fs/ghost.img", 64},
	{"files/inventory.img", 300},
	{"files/pages-1.img", 20000},
	{"log", 17},
};

/* Replace a file by bytes that look different for every seed. */
static inline void images_write(int dir, const char *path, size_t size, unsigned seed)
{
	cleanup_fd int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cleanup_free unsigned char *bytes = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)((seed * 31 + i) * 2654435761u >> 13);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, bytes, size), 0);
}

static inline void images_fill(int dir)
{
	assert_int_equal(mkdirat(dir, "files/fs", 0700), 0);
	for (size_t i = 0; i < countof(images_files); i++)
		images_write(dir, images_files[i].path, images_files[i].size, (unsigned)i);
}

static inline int images_seal(int dir, const char *generation, struct err *err)
{
	cleanup_kvfile struct kvfile *facts = kvfile_new();

	kvfile_set(facts, "CTID", "101");
	kvfile_set(facts, "GENERATION", generation);
	return image_seal(dir, facts, &images_key, err);
}

/* Make one, and publish it if it gets a generation. */
static inline void images_make(int store, const char *name, const char *generation)
{
	struct err err = {0};
	int dir = -1;

	if (image_begin(store, name, &dir, &err) < 0)
		fail_msg("%s", err.text);
	images_fill(dir);
	if (images_seal(dir, generation, &err) < 0 || image_publish(store, name, &err) < 0)
		fail_msg("%s", err.text);
	close(dir);
}

/* Verify it. Returns the generation, "" if there is no image or it is refused, and then why in *err. */
static inline char *images_generation(int store, const char *name, struct err *err)
{
	cleanup_kvfile struct kvfile *facts = NULL;
	cleanup_fd int dir = -1;

	*err = (struct err){0};
	if (image_open(store, name, &images_key, &facts, &dir, err) < 0)
		return mem_strdup("");
	assert_string_equal(kvfile_get(facts, "CTID"), "101");
	return mem_strdup(kvfile_get(facts, "GENERATION"));
}

static inline void images_expect(int store, const char *name, const char *generation)
{
	struct err err;
	cleanup_free char *found = images_generation(store, name, &err);

	if (!str_eq(found, generation))
		fail_msg("generation \"%s\" of %s instead of \"%s\": %s", found, name, generation, err.text);
}

/* It is refused for this reason. */
static inline void images_refused(int store, const char *name, const char *reason)
{
	struct err err;
	cleanup_free char *found = images_generation(store, name, &err);

	if (found[0] || !strstr(err.text, reason))
		fail_msg("%s instead of \"%s\"", found[0] ? "no word" : err.text, reason);
	assert_int_equal(err.kind, ERR_RESTORE);
}
