/* A pool of the test's own, for tests as root: an image in a directory that is gone afterwards, mounted in a mount
 * namespace of its own. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "templates/pool.h"
#include "templates/template.h"
#include "tests/unit/tarball.h"

#define MIB ((uint64_t)1 << 20)
#define SCRATCH_BASE 0x30000000u

struct env {
	char top[32];	/* a directory of this run */
	char *pool_dir; /* top/pool */
	char *image;	/* top/pool.img */
	int pool;
	int templates; /* pool/template */
	int layers;
};

static const struct member good[] = {
	{"./", AE_IFDIR, .mode = 0755},
	{"./sbin", AE_IFDIR, .mode = 0755},
	{"./sbin/init", .mode = 0755, .content = "init"},
	{"./etc", AE_IFDIR, .mode = 0755},
	{"./etc/passwd", .content = "root\n"},
	{"./etc/same", .hardlink = "./etc/passwd"},
	{"./home", AE_IFDIR, .mode = 0750, .uid = 1000, .gid = 1001},
	{"./ping", .mode = 0755, .content = "ping", .attribute = "security.capability"},
	{"./null", .type = AE_IFCHR},
};

static inline void assert_ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static inline void assert_says(const struct err *err, enum err_kind kind, const char *words)
{
	if (err->kind != kind || !strstr(err->text, words))
		fail_msg("kind %d: '%s' is not '%s'", err->kind, err->text, words);
}

static inline struct stat stat_at(int dir, const char *path)
{
	struct stat st;
	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static inline int open_at(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

static inline void assert_text(int dir, const char *path, const char *text)
{
	cleanup_free char *found = NULL;
	assert_int_equal(io_read_file(dir, path, &found, NULL), 0);
	assert_string_equal(found, text);
}

static inline size_t count_entries(int dir, const char *path)
{
	cleanup_fd int fd = open_at(dir, path);
	DIR *entries = fdopendir(dup(fd));
	size_t n = 0;
	while (readdir(entries))
		n++;
	closedir(entries);
	return n - 2;
}

static inline void write_text(int dir, const char *path, const char *text)
{
	cleanup_fd int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline char *make_archive(struct env *env, const char *name, const struct member *members, size_t n, size_t cut)
{
	cleanup_fd int whole = tarball_make(members, n, "zstd");
	cleanup_fd int bytes = tarball_cut(whole, tarball_size(whole) - cut);
	char *path = str_fmt("%s/%s", env->top, name);
	cleanup_fd int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char chunk[65536];
	ssize_t got;

	while ((got = read(bytes, chunk, sizeof(chunk))) > 0)
		assert_int_equal(io_write_all(file, chunk, (size_t)got), 0);
	return path;
}

static inline void hear(void *ctx, const char *text)
{
	(void)text;
	++*(int *)ctx;
}

static inline int setup(void **state)
{
	struct env *env = mem_zero(1, sizeof(*env));
	struct err err = {0};

	umask(077);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0); /* as systemd has it */
	strcpy(env->top, "/tmp/openve-test-XXXXXX");
	assert_non_null(mkdtemp(env->top));
	env->pool_dir = str_fmt("%s/pool", env->top);
	env->image = str_fmt("%s/pool.img", env->top);

	const struct pool_config config = {.dir = env->pool_dir, .image = env->image, .size = 1024 * MIB};
	int heard = 0;
	env->pool = pool_open(&config, hear, &heard, &err);
	assert_ok(env->pool, &err);
	assert_int_equal(heard, 1);
	env->templates = open_at(env->pool, "template");
	*state = env;
	return 0;
}

static inline int teardown(void **state)
{
	struct env *env = *state;
	struct err err = {0};

	if (env->layers > 0)
		close(env->layers);
	close(env->templates);
	close(env->pool);
	assert_int_equal(umount2(env->pool_dir, MNT_DETACH), 0);
	cleanup_fd int tmp = open_at(AT_FDCWD, "/tmp");
	assert_ok(proc_remove_tree(tmp, strrchr(env->top, '/') + 1, &err), &err);
	free(env->pool_dir);
	free(env->image);
	free(env);
	return 0;
}

static inline int import(struct env *env, const char *archive, const char *name, const char *sha256,
			 struct template *ret, struct err *err)
{
	return template_import(env->templates, archive, name, sha256, SCRATCH_BASE, NULL, ret, err);
}

static inline void import_good(struct env *env, struct template *ret)
{
	struct err err = {0};
	cleanup_free char *archive = make_archive(env, "good.tar.zst", good, countof(good), 0);
	assert_ok(import(env, archive, NULL, NULL, ret, &err), &err);
}
