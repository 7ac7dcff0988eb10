/* Lines of all lengths around that of the buffer. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "checkpoint/lines.h"
#include "runtime/base/mem.h"

#define ROOM (sizeof(((struct lines *)NULL)->buffer) - 1)

static int file_of(const char *text, size_t len)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void assert_end(struct lines *lines)
{
	assert_null(lines_next(lines));
	assert_null(lines_next(lines));
}

TEST(each_line_comes_once)
{
	cleanup_fd int fd = file_of("one\n\nthree\nlast", 15);
	struct lines lines;

	lines_start(&lines, fd);
	assert_string_equal(lines_next(&lines), "one");
	assert_string_equal(lines_next(&lines), "");
	assert_string_equal(lines_next(&lines), "three");
	assert_string_equal(lines_next(&lines), "last");
	assert_end(&lines);
}

TEST(an_empty_file_has_none)
{
	cleanup_fd int fd = file_of("", 0);
	struct lines lines;

	lines_start(&lines, fd);
	assert_end(&lines);
}

TEST(many_lines_pass_through_the_buffer)
{
	cleanup_free char *text = mem_zero(4000, 10);
	for (int i = 0; i < 4000; i++)
		snprintf(text + 9 * i, 10, "%08d\n", i);
	cleanup_fd int fd = file_of(text, 36000);
	struct lines lines;

	lines_start(&lines, fd);
	for (int i = 0; i < 4000; i++) {
		char expected[16];
		snprintf(expected, sizeof(expected), "%08d", i);
		assert_string_equal(lines_next(&lines), expected);
	}
	assert_end(&lines);
}

/* A long line, and a short one after it. */
static void try_length(size_t length)
{
	cleanup_free char *text = mem_zero(length + 8, 1);
	memset(text, 'x', length);
	memcpy(text + length, "\nnext\n", 6);
	cleanup_fd int fd = file_of(text, length + 6);
	struct lines lines;

	lines_start(&lines, fd);
	const char *line = lines_next(&lines);
	assert_non_null(line);
	assert_int_equal(strspn(line, "x"), strlen(line));
	assert_int_equal(strlen(line), length < ROOM ? length : ROOM);
	assert_string_equal(lines_next(&lines), "next");
	assert_end(&lines);
}

TEST(a_line_that_is_too_long_is_cut_and_the_next_is_whole)
{
	try_length(ROOM - 1);
	try_length(ROOM);
	try_length(ROOM + 1);
	try_length(2 * ROOM);
	try_length(5 * ROOM + 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_comes_once),
		cmocka_unit_test(an_empty_file_has_none),
		cmocka_unit_test(many_lines_pass_through_the_buffer),
		cmocka_unit_test(a_line_that_is_too_long_is_cut_and_the_next_is_whole),
	};
	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
