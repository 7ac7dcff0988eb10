/* Bytes from here to there: all of them, in order, and the end is told to the other side. */
#include "cmd/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

#define PIPE 65536
#define PAGE 4096

/* source → pump → sink; the pump owns its ends where a test says so. */
struct world {
	int source[2], sink[2];
	struct pump pump;
};

static void world_open(struct world *world)
{
	assert_int_equal(pipe2(world->source, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(world->sink, O_CLOEXEC | O_NONBLOCK), 0);
}

static void world_done(struct world *world)
{
	pump_done(&world->pump);
	close(world->source[1]);
	close(world->sink[0]);
}

static bool wants(const struct world *world, int fd, short events)
{
	struct pollfd pollfd;

	pump_poll(&world->pump, &pollfd);
	return pollfd.fd == fd && pollfd.events == events;
}

TEST(what_goes_in_comes_out)
{
	char bytes[16] = "";
	struct world w;

	world_open(&w);
	pump_init(&w.pump, w.source[0], w.sink[1], -1);
	assert_int_equal(write(w.source[1], "hello", 5), 5);
	assert_true(wants(&w, w.source[0], POLLIN));
	pump_move(&w.pump);
	assert_int_equal(read(w.sink[0], bytes, sizeof(bytes)), 5);
	assert_string_equal(bytes, "hello");
	world_done(&w);
}

TEST(the_end_of_input_is_passed_on)
{
	char byte;
	struct world w;

	world_open(&w);
	pump_init(&w.pump, w.source[0], w.sink[1], w.sink[1]);
	close(w.source[1]);
	pump_move(&w.pump);
	assert_true(w.pump.ended);
	assert_int_equal(read(w.sink[0], &byte, 1), 0);
	pump_done(&w.pump);
	close(w.sink[0]);
}

static size_t read_all(int fd, char *bytes, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, bytes + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

/* One page of the reader's pipe is taken: the pump can write all but the last page at first. */
TEST(a_full_reader_is_waited_for_and_nothing_is_lost)
{
	static char in[PIPE], out[PIPE + PAGE];
	struct world w;

	world_open(&w);
	pump_init(&w.pump, w.source[0], w.sink[1], -1);
	for (size_t i = 0; i < PIPE; i++)
		in[i] = (char)(i % 251);
	assert_int_equal(write(w.sink[1], in, PAGE), PAGE);
	assert_int_equal(write(w.source[1], in, PIPE), PIPE);
	pump_move(&w.pump);
	assert_true(wants(&w, w.sink[1], POLLOUT));

	size_t len = read_all(w.sink[0], out, sizeof(out));
	assert_int_equal(len, PIPE);
	pump_move(&w.pump);
	assert_true(wants(&w, w.source[0], POLLIN));
	len += read_all(w.sink[0], out + len, sizeof(out) - len);
	assert_int_equal(len, PIPE + PAGE);
	assert_memory_equal(out + PAGE, in, PIPE);
	world_done(&w);
}

/* The writer gets SIGPIPE, as if there were no pump between. */
TEST(a_reader_who_has_gone_is_passed_on)
{
	struct world w;

	world_open(&w);
	pump_init(&w.pump, w.source[0], w.sink[1], w.source[0]);
	close(w.sink[0]);
	assert_int_equal(write(w.source[1], "x", 1), 1);
	pump_move(&w.pump);
	assert_true(w.pump.ended);
	assert_int_equal(write(w.source[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	pump_done(&w.pump);
	close(w.source[1]);
	close(w.sink[1]);
}

/* Something left in the background holds the pipe. */
TEST(draining_takes_what_is_there_and_waits_for_nobody)
{
	char bytes[16];
	struct world w;

	world_open(&w);
	pump_init(&w.pump, w.source[0], w.sink[1], -1);
	assert_int_equal(write(w.source[1], "last words", 10), 10);
	pump_drain(&w.pump);
	assert_true(w.pump.ended);
	assert_int_equal(read(w.sink[0], bytes, sizeof(bytes)), 10);
	world_done(&w);
}

/* /dev/zero never ends. */
TEST(draining_ends_although_somebody_writes_for_ever)
{
	struct pump pump;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	pump_init(&pump, zero, null, -1);
	pump_drain(&pump);
	assert_true(pump.ended);
	pump_done(&pump);
	close(zero);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(the_end_of_input_is_passed_on),
		cmocka_unit_test(a_full_reader_is_waited_for_and_nothing_is_lost),
		cmocka_unit_test(a_reader_who_has_gone_is_passed_on),
		cmocka_unit_test(draining_takes_what_is_there_and_waits_for_nobody),
		cmocka_unit_test(draining_ends_although_somebody_writes_for_ever),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
