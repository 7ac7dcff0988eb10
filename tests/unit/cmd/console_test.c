/* A VE may do with its console what it likes: vzd reads on, remembers the end, and is not kept busy. */
#include "cmd/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

struct terminal {
	sd_event *event;
	int master; /* the console's */
	struct console *console;
};

static int set_up(void **state)
{
	struct terminal *terminal = mem_zero(1, sizeof(*terminal));
	struct err err = {0};

	terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->master < 0 || unlockpt(terminal->master) < 0 || sd_event_new(&terminal->event) < 0 ||
	    console_open(terminal->event, terminal->master, &terminal->console, &err) < 0)
		return -1;
	*state = terminal;
	return 0;
}

static int tear_down(void **state)
{
	struct terminal *terminal = *state;

	console_free(terminal->console);
	sd_event_unref(terminal->event);
	free(terminal);
	return 0;
}

static int open_slave(const struct terminal *terminal)
{
	int slave = ioctl(terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	assert_true(slave >= 0);
	return slave;
}

/* Until nothing happens any more for half a second, as what is written reaches the master by way of a kernel worker;
 * how often something did. */
static unsigned settle(const struct terminal *terminal)
{
	unsigned n = 0;
	while (n < 1000 && sd_event_run(terminal->event, 500000) > 0)
		n++;
	return n;
}

/* As a VE writes: when the terminal is full, it waits until it is read. */
static void write_to(const struct terminal *terminal, int slave, const char *text)
{
	while (*text) {
		ssize_t n = write(slave, text, strlen(text));
		assert_true(n > 0 || errno == EAGAIN);
		if (n < 0)
			sd_event_run(terminal->event, 50000);
		else
			text += n;
	}
}

static void write_text(const struct terminal *terminal, const char *text)
{
	cleanup_fd int slave = open_slave(terminal);
	write_to(terminal, slave, text);
	settle(terminal);
}

static void check_last_line(const struct terminal *terminal, const char *expected)
{
	cleanup_free char *line = console_last_line(terminal->console);
	if (expected)
		assert_string_equal(line, expected);
	else
		assert_null(line);
}

TEST(the_last_line_is_kept)
{
	const struct terminal *terminal = *state_;

	check_last_line(terminal, NULL);
	write_text(terminal, "one\ntwo\n\n");
	check_last_line(terminal, "two");
	write_text(terminal, "\033[1mthree");
	check_last_line(terminal, "?[1mthree");
}

TEST(more_than_is_kept_is_read_too)
{
	const struct terminal *terminal = *state_;
	cleanup_fd int slave = open_slave(terminal);

	for (int i = 0; i < 3 * CONSOLE_KEEP / 100; i++) {
		cleanup_free char *line = str_fmt("%099d\n", i);
		write_to(terminal, slave, line);
	}
	write_to(terminal, slave, "end\n");
	settle(terminal);
	check_last_line(terminal, "end");
}

TEST(a_console_that_nobody_has_open_keeps_nobody_busy)
{
	const struct terminal *terminal = *state_;

	write_text(terminal, "one\n");
	assert_true(settle(terminal) < 10);
	write_text(terminal, "two\n");
	check_last_line(terminal, "two");
	assert_true(settle(terminal) < 10);
}

TEST(names_in_the_store_tell_the_ve)
{
	assert_int_equal(console_stored("console-101"), 101);
	assert_int_equal(console_stored("console-"), 0);
	assert_int_equal(console_stored("connection"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_last_line_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_is_kept_is_read_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_console_that_nobody_has_open_keeps_nobody_busy, set_up, tear_down),
		cmocka_unit_test(names_in_the_store_tell_the_ve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
