/* What a command in a VE gets for stdin, stdout and stderr: always pipes, and no more of them than needed. */
#include "cmd/streams.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* Open the streams of a process that has these three; the test itself keeps its own. */
static void open_streams(int in, int out, int error, struct streams *ret)
{
	const int fds[] = {in, out, error};
	struct err err = {0};
	int saved[3];

	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		dup2(fds[i], i);
	}
	int r = streams_open(ret, &err);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	if (r < 0)
		fail_msg("%s", err.text);
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	return st.st_ino;
}

static int open_file(const struct scratch *scratch, const char *name)
{
	int fd = openat(scratch->fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

TEST(a_pipe_is_passed_on_as_it_is)
{
	int a[2], b[2], c[2];
	struct streams s;

	assert_true(pipe2(a, O_CLOEXEC) == 0 && pipe2(b, O_CLOEXEC) == 0 && pipe2(c, O_CLOEXEC) == 0);
	open_streams(a[0], b[1], c[1], &s);
	assert_int_equal(s.n_pumps, 0);
	assert_int_equal(inode(s.ends[0]), inode(a[0]));
	assert_int_equal(inode(s.ends[1]), inode(b[1]));
	assert_int_equal(inode(s.ends[2]), inode(c[1]));
	streams_done(&s);
	for (int i = 0; i < 2; i++)
		close(a[i]), close(b[i]), close(c[i]);
}

TEST(a_file_is_never_passed_on)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_fd int in = open_file(&scratch, "in"), out = open_file(&scratch, "out"),
		       log = open_file(&scratch, "log");
	struct streams s;

	open_streams(in, out, log, &s);
	assert_int_equal(s.n_pumps, 3);
	assert_true(inode(s.ends[0]) != inode(s.ends[1]));
	assert_true(inode(s.ends[1]) != inode(s.ends[2]));
	streams_done(&s);
}

/* Its permissions are those of a file of the node. */
TEST(a_named_pipe_is_a_file)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	assert_int_equal(mkfifoat(scratch.fd, "fifo", 0666), 0);
	cleanup_fd int fifo = openat(scratch.fd, "fifo", O_RDWR | O_CLOEXEC);
	struct streams s;

	open_streams(fifo, fifo, fifo, &s);
	assert_true(inode(s.ends[0]) != inode(fifo));
	assert_true(inode(s.ends[1]) != inode(fifo));
	streams_done(&s);
}

TEST(output_and_errors_to_one_file_keep_their_order_in_one_pipe)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = open_file(&scratch, "log");
	struct streams s;

	open_streams(null, log, log, &s);
	assert_int_equal(s.n_pumps, 1);
	assert_int_equal(inode(s.ends[1]), inode(s.ends[2]));
	streams_done(&s);
}

TEST(an_empty_input_ends_at_once_without_a_pump)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC), log = open_file(&scratch, "log");
	struct streams s;
	char byte;

	open_streams(null, log, log, &s);
	assert_int_equal(read(s.ends[0], &byte, 1), 0);
	streams_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_is_passed_on_as_it_is),
		cmocka_unit_test(a_file_is_never_passed_on),
		cmocka_unit_test(a_named_pipe_is_a_file),
		cmocka_unit_test(output_and_errors_to_one_file_keep_their_order_in_one_pipe),
		cmocka_unit_test(an_empty_input_ends_at_once_without_a_pump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
