/* What a worker says arrives as it was said, with its descriptors. */
#include "cmd/message.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

struct channel {
	int ends[2];
};

static struct channel channel_new(void)
{
	struct channel channel;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel.ends), 0);
	return channel;
}

static void channel_done(struct channel *channel)
{
	fd_close(channel->ends[0]);
	fd_close(channel->ends[1]);
}
#define cleanup_channel __attribute__((cleanup(channel_done)))

static bool same_file(int a, int b)
{
	struct stat x, y;
	assert_int_equal(fstat(a, &x), 0);
	assert_int_equal(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

TEST(each_kind_arrives_as_it_was_sent)
{
	cleanup_channel struct channel channel = channel_new();

	for (enum message_kind kind = 0; kind < MESSAGE_KINDS; kind++) {
		struct message sent = MESSAGE_NONE;
		sent.kind = kind;
		sent.ctid = 101;
		sent.percent = -1;
		sent.text = (char *)"Starting container...";
		err_set(&sent.err, ENOSPC, "write %s", "it");
		assert_int_equal(message_send(channel.ends[0], &sent), 0);

		cleanup_message struct message received;
		assert_int_equal(message_receive(channel.ends[1], &received), 1);
		assert_int_equal(received.kind, kind);
		assert_int_equal(received.ctid, 101);
		assert_int_equal(received.percent, -1);
		assert_string_equal(received.text, "Starting container...");
		assert_int_equal(received.err.kind, ERR_NO_SPACE);
		assert_string_equal(received.err.text, sent.err.text);
	}
}

TEST(descriptors_arrive_in_their_places_and_close_on_exec)
{
	cleanup_channel struct channel channel = channel_new();
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (size_t place = 0; place < MESSAGE_FDS; place++) {
		struct message sent = MESSAGE_NONE;
		sent.kind = MESSAGE_BORN;
		sent.fds[place] = null;
		assert_int_equal(message_send(channel.ends[0], &sent), 0);

		cleanup_message struct message received;
		assert_int_equal(message_receive(channel.ends[1], &received), 1);
		for (size_t i = 0; i < MESSAGE_FDS; i++)
			assert_int_equal(received.fds[i] >= 0, i == place);
		assert_true(same_file(received.fds[place], null));
		assert_true(fcntl(received.fds[place], F_GETFD) & FD_CLOEXEC);
	}
}

TEST(a_long_answer_arrives_whole_and_a_longer_one_is_refused)
{
	cleanup_channel struct channel channel = channel_new();
	cleanup_free char *text = mem_zero(MESSAGE_TEXT_MAX + 2, 1);
	struct message sent = MESSAGE_NONE;

	sent.kind = MESSAGE_ANSWER;
	sent.text = text;
	memset(text, 'x', MESSAGE_TEXT_MAX);
	assert_int_equal(message_send(channel.ends[0], &sent), 0);
	cleanup_message struct message received;
	assert_int_equal(message_receive(channel.ends[1], &received), 1);
	assert_string_equal(received.text, text);

	text[MESSAGE_TEXT_MAX] = 'x';
	assert_int_equal(message_send(channel.ends[0], &sent), -EMSGSIZE);
}

TEST(what_is_no_message_is_refused)
{
	cleanup_channel struct channel channel = channel_new();
	struct message received;

	assert_int_equal(message_receive(channel.ends[1], &received), -EAGAIN);
	assert_int_equal(write(channel.ends[0], "hello", 5), 5);
	assert_int_equal(message_receive(channel.ends[1], &received), -EBADMSG);
}

TEST(the_end_of_the_channel_is_told_after_the_last_message)
{
	cleanup_channel struct channel channel = channel_new();
	struct message sent = MESSAGE_NONE;
	cleanup_message struct message received;

	sent.kind = MESSAGE_DONE;
	assert_int_equal(message_send(channel.ends[0], &sent), 0);
	channel.ends[0] = fd_close(channel.ends[0]);
	assert_int_equal(message_receive(channel.ends[1], &received), 1);
	assert_int_equal(received.kind, MESSAGE_DONE);

	struct message none;
	assert_int_equal(message_receive(channel.ends[1], &none), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_arrives_as_it_was_sent),
		cmocka_unit_test(descriptors_arrive_in_their_places_and_close_on_exec),
		cmocka_unit_test(a_long_answer_arrives_whole_and_a_longer_one_is_refused),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(the_end_of_the_channel_is_told_after_the_last_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
