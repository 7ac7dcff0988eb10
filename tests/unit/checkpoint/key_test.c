/* The node's key is made once, for root alone. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "checkpoint/key.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"

static int load(const struct scratch *scratch, struct image_key *key, struct err *err)
{
	cleanup_free char *path = str_fmt("%s/node.key", scratch->path);
	*err = (struct err){0};
	return image_key_load(path, key, err);
}

static void write_key(const struct scratch *scratch, size_t len, mode_t mode)
{
	static const char bytes[64] = "0123456789abcdef0123456789abcdef";
	assert_int_equal(io_replace_file(scratch->fd, "node.key", bytes, len, mode), 0);
	assert_int_equal(fchmodat(scratch->fd, "node.key", mode, 0), 0);
}

static void refused(const struct scratch *scratch, const char *reason)
{
	struct image_key key = {.bytes = {0}}, untouched = {.bytes = {0}};
	struct err err;

	assert_true(load(scratch, &key, &err) < 0);
	if (!strstr(err.text, reason) || !strstr(err.text, "node.key"))
		fail_msg("%s", err.text);
	assert_memory_equal(&key, &untouched, sizeof(key));
}

static size_t count_entries(const struct scratch *scratch)
{
	DIR *dir = opendir(scratch->path);
	size_t n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

TEST(the_first_who_asks_makes_it)
{
	cleanup_scratch struct scratch scratch = scratch_new(), elsewhere = scratch_new();
	struct image_key made, again, other;
	struct stat st;
	struct err err;

	assert_int_equal(load(&scratch, &made, &err), 0);
	assert_int_equal(load(&scratch, &again, &err), 0);
	assert_memory_equal(&made, &again, sizeof(made));
	assert_int_equal(load(&elsewhere, &other, &err), 0);
	assert_memory_not_equal(&made, &other, sizeof(made));

	assert_int_equal(fstatat(scratch.fd, "node.key", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, IMAGE_KEY_LEN);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(count_entries(&scratch), 1);
}

/* Another who makes the key while we write ours. */
static const struct scratch *rival;

int fsync(int fd)
{
	const struct scratch *now = rival;

	rival = NULL;
	if (now)
		write_key(now, IMAGE_KEY_LEN, 0600);
	return (int)syscall(SYS_fsync, fd);
}

TEST(who_comes_second_takes_the_first_ones)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct image_key key, again;
	struct err err;

	rival = &scratch;
	assert_int_equal(load(&scratch, &key, &err), 0);
	assert_null(rival);
	assert_memory_equal(key.bytes, "0123456789abcdef0123456789abcdef", IMAGE_KEY_LEN);
	assert_int_equal(load(&scratch, &again, &err), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	assert_int_equal(count_entries(&scratch), 1);
}

#define MAKERS 24

/* Start when the pipe is closed, and tell the key. */
static void make_in_child(const struct scratch *scratch, const int start[2], int answer)
{
	struct image_key key;
	struct err err;
	char byte;

	close(start[1]);
	if (read(start[0], &byte, 1) != 0 || load(scratch, &key, &err) < 0 || write(answer, &key, sizeof(key)) < 0)
		_exit(1);
	_exit(0);
}

TEST(all_who_ask_first_at_once_get_the_same)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct image_key key, other;
	int start[2], answers[2], status;

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(answers), 0);
	for (int i = 0; i < MAKERS; i++)
		if (fork() == 0)
			make_in_child(&scratch, start, answers[1]);
	close(start[0]);
	close(start[1]);
	for (int i = 0; i < MAKERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}

	assert_int_equal(read(answers[0], &key, sizeof(key)), sizeof(key));
	for (int i = 1; i < MAKERS; i++) {
		assert_int_equal(read(answers[0], &other, sizeof(other)), sizeof(other));
		assert_memory_equal(&key, &other, sizeof(key));
	}
	close(answers[0]);
	close(answers[1]);
	assert_int_equal(count_entries(&scratch), 1);
}

TEST(what_a_crash_left_of_another_does_not_matter)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct image_key key;
	struct err err;

	assert_int_equal(io_replace_file(scratch.fd, ".node.key.0123456789abcdef.new", "x", 1, 0600), 0);
	assert_int_equal(load(&scratch, &key, &err), 0);
}

TEST(a_key_that_others_may_read_or_write_is_refused)
{
	static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0666};
	cleanup_scratch struct scratch scratch = scratch_new();
	struct image_key key;
	struct err err;

	for (size_t i = 0; i < countof(modes); i++) {
		cleanup_free char *reason = str_fmt("has mode %03o", modes[i]);
		write_key(&scratch, IMAGE_KEY_LEN, modes[i]);
		refused(&scratch, reason);
	}
	write_key(&scratch, IMAGE_KEY_LEN, 0600);
	assert_int_equal(load(&scratch, &key, &err), 0);
	write_key(&scratch, IMAGE_KEY_LEN, 0400);
	assert_int_equal(load(&scratch, &key, &err), 0);
	assert_memory_equal(key.bytes, "0123456789abcdef0123456789abcdef", IMAGE_KEY_LEN);
}

TEST(a_key_of_somebody_else_is_refused)
{
	cleanup_scratch struct scratch scratch = scratch_new();

	if (geteuid() != 0)
		skip();
	write_key(&scratch, IMAGE_KEY_LEN, 0600);
	assert_int_equal(fchownat(scratch.fd, "node.key", 1000, 1000, 0), 0);
	refused(&scratch, "belongs to user 1000");
}

TEST(a_key_that_is_cut_or_too_long_is_refused)
{
	cleanup_scratch struct scratch scratch = scratch_new();

	write_key(&scratch, 0, 0600);
	refused(&scratch, "has 0 bytes instead of 32");
	write_key(&scratch, IMAGE_KEY_LEN - 1, 0600);
	refused(&scratch, "has 31 bytes");
	write_key(&scratch, IMAGE_KEY_LEN + 1, 0600);
	refused(&scratch, "has 33 bytes");
}

TEST(a_key_is_a_file_and_nothing_else)
{
	cleanup_scratch struct scratch scratch = scratch_new();

	write_key(&scratch, IMAGE_KEY_LEN, 0600);
	assert_int_equal(renameat(scratch.fd, "node.key", scratch.fd, "real"), 0);
	assert_int_equal(symlinkat("real", scratch.fd, "node.key"), 0);
	refused(&scratch, "Too many levels of symbolic links");
	assert_int_equal(unlinkat(scratch.fd, "node.key", 0), 0);
	assert_int_equal(mkfifoat(scratch.fd, "node.key", 0600), 0);
	refused(&scratch, "is no file");
	assert_int_equal(unlinkat(scratch.fd, "node.key", 0), 0);
	assert_int_equal(mkdirat(scratch.fd, "node.key", 0700), 0);
	refused(&scratch, "is no file");
}

TEST(a_directory_that_is_missing_is_named)
{
	struct image_key key;
	struct err err = {0};

	assert_int_equal(image_key_load("/nonexistent/node.key", &key, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/node.key"));
}

TEST(a_key_that_is_done_with_is_wiped)
{
	static const struct image_key zeros;
	cleanup_scratch struct scratch scratch = scratch_new();
	struct image_key key;
	struct err err;

	assert_int_equal(load(&scratch, &key, &err), 0);
	image_key_done(&key);
	assert_memory_equal(&key, &zeros, sizeof(key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_who_asks_makes_it),
		cmocka_unit_test(who_comes_second_takes_the_first_ones),
		cmocka_unit_test(all_who_ask_first_at_once_get_the_same),
		cmocka_unit_test(what_a_crash_left_of_another_does_not_matter),
		cmocka_unit_test(a_key_that_others_may_read_or_write_is_refused),
		cmocka_unit_test(a_key_of_somebody_else_is_refused),
		cmocka_unit_test(a_key_that_is_cut_or_too_long_is_refused),
		cmocka_unit_test(a_key_is_a_file_and_nothing_else),
		cmocka_unit_test(a_directory_that_is_missing_is_named),
		cmocka_unit_test(a_key_that_is_done_with_is_wiped),
	};
	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
