/* What comes over a stream is a word of ours, whole, or it is refused. */
#include "runtime/base/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

static int receive(const char *stream, struct frame *ret)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], stream, strlen(stream)), (ssize_t)strlen(stream));
	close(ends[1]);
	int r = frame_receive(ends[0], 1000, ret);
	close(ends[0]);
	return r;
}

static void refused(const char *stream)
{
	cleanup_frame struct frame frame = {0};
	assert_int_equal(receive(stream, &frame), -EBADMSG);
}

TEST(a_word_arrives_as_it_was_sent)
{
	cleanup_frame struct frame frame = {0};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(frame_send(ends[1], "READY", "two\nlines"), 0);
	assert_int_equal(frame_receive(ends[0], 1000, &frame), 1);
	assert_string_equal(frame.word, "READY");
	assert_string_equal(frame.body, "two\nlines");
	frame_done(&frame);
	assert_int_equal(frame_send(ends[1], "DONE", NULL), 0);
	assert_int_equal(frame_receive(ends[0], 1000, &frame), 1);
	assert_string_equal(frame.word, "DONE");
	assert_string_equal(frame.body, "");
	close(ends[1]);
	struct frame none = {0};
	assert_int_equal(frame_receive(ends[0], 1000, &none), 0);
	close(ends[0]);
}

TEST(facts_arrive_as_they_were_sent)
{
	cleanup_frame struct frame frame = {0};
	cleanup_kvfile struct kvfile *facts = kvfile_new(), *arrived = NULL;
	struct err err = {0};
	int ends[2];

	kvfile_set(facts, "CTID", "101");
	kvfile_set(facts, "DESCRIPTION", "a \"quoted\" $word");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(frame_send_facts(ends[1], "FACTS", facts), 0);
	assert_int_equal(frame_receive(ends[0], 1000, &frame), 1);
	assert_int_equal(frame_facts(&frame, &arrived, &err), 0);
	assert_string_equal(kvfile_get(arrived, "CTID"), "101");
	assert_string_equal(kvfile_get(arrived, "DESCRIPTION"), "a \"quoted\" $word");
	close(ends[0]);
	close(ends[1]);
}

TEST(what_is_no_word_is_refused)
{
	refused("\n");
	refused("READY\n");
	refused("READY 0");
	refused("READY 0\n");
	refused("READY -1\n\n");
	refused("READY 5\nfour\n");
	refused("READY 3\nfour\n");
	refused("ready 0\n\n");
	refused(" 0\n\n");
	refused("READY 00000000000000000000000000000000000000000000000000000000000000000\n\n");
	refused("ABCDEFGHIJKLMNOP 0\n\n");
	refused("Welcome to Debian GNU/Linux 13\nREADY 0\n\n");
}

TEST(a_body_beyond_the_bound_is_refused_before_it_is_read)
{
	cleanup_free char *stream = str_fmt("READY %u\n", FRAME_BODY_MAX + 1);
	refused(stream);
}

TEST(silence_ends)
{
	cleanup_frame struct frame frame = {0};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(frame_receive(ends[0], 20, &frame), -ETIMEDOUT);
	close(ends[0]);
	close(ends[1]);
}

TEST(who_does_not_listen_any_more_is_told_of)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(frame_send(ends[0], "READY", NULL), 0);
	close(ends[1]);
	assert_int_equal(frame_send(ends[0], "READY", NULL), -EPIPE);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_arrives_as_it_was_sent),
		cmocka_unit_test(facts_arrive_as_they_were_sent),
		cmocka_unit_test(what_is_no_word_is_refused),
		cmocka_unit_test(a_body_beyond_the_bound_is_refused_before_it_is_read),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(who_does_not_listen_any_more_is_told_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
