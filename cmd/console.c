#include "cmd/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cmd/plain.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define STORE_NAME "console-"

/* A VE may write without end: it is read at most so many times a second, and waits in between. */
#define READS_PER_SECOND 512

struct console {
	int fd;
	sd_event_source *source;
	char *ring;   /* CONSOLE_KEEP bytes, made when the first ones come, and never touched beyond them */
	size_t total; /* bytes ever read */
	bool hung_up; /* nobody in the VE has it open */
};

static void keep(struct console *console, const char *bytes, size_t n)
{
	if (!console->ring)
		console->ring = mem_grow(NULL, CONSOLE_KEEP, 1);
	for (size_t i = 0; i < n; i++)
		console->ring[console->total++ % CONSOLE_KEEP] = bytes[i];
}

/* Without an open slave, a master reads as EIO and polls as hung up until somebody opens one again; only edges tell of
 * that without a busy loop. */
static void follow(struct console *console, bool hung_up)
{
	if (hung_up == console->hung_up)
		return;
	console->hung_up = hung_up;
	sd_event_source_set_io_events(console->source, hung_up ? EPOLLIN | EPOLLET : EPOLLIN);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct console *console = userdata;
	char bytes[4096];
	(void)revents;

	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n > 0)
		keep(console, bytes, (size_t)n);
	if (n > 0 || (n < 0 && errno == EIO))
		follow(console, n < 0);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

int console_open(sd_event *event, int fd, struct console **ret, struct err *err)
{
	struct console *console = mem_zero(1, sizeof(*console));
	int flags = fcntl(fd, F_GETFL);
	console->fd = fd;

	int r = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &console->source, fd, EPOLLIN, on_readable, console);
	if (r >= 0)
		r = sd_event_source_set_priority(console->source, SD_EVENT_PRIORITY_NORMAL + 1);
	if (r >= 0)
		r = sd_event_source_set_ratelimit(console->source, 1000000, READS_PER_SECOND);
	if (r < 0) {
		console_free(console);
		return err_set(err, -r, "read the console");
	}
	*ret = console;
	return 0;
}

void console_free(struct console *console)
{
	if (!console)
		return;
	sd_event_source_disable_unref(console->source);
	fd_close(console->fd);
	free(console->ring);
	free(console);
}

static char byte_at(const struct console *console, size_t position)
{
	return console->ring[position % CONSOLE_KEEP];
}

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

char *console_last_line(const struct console *console)
{
	size_t begin = console->total > CONSOLE_KEEP ? console->total - CONSOLE_KEEP : 0;
	size_t end = console->total;

	while (end > begin && ends_line(byte_at(console, end - 1)))
		end--;
	size_t start = end;
	while (start > begin && end - start < 200 && !ends_line(byte_at(console, start - 1)))
		start--;
	if (start == end)
		return NULL;

	cleanup_free char *line = mem_zero(end - start + 1, 1);
	for (size_t i = start; i < end; i++)
		line[i - start] = byte_at(console, i);
	return plain_text(line);
}

/* FDPOLL=0: a console that nobody has open polls as hung up, and the manager would drop it (sd_notify(3)). */
void console_store(uint32_t ctid, int fd)
{
	cleanup_free char *state = str_fmt("FDSTORE=1\nFDPOLL=0\nFDNAME=" STORE_NAME "%u", ctid);
	sd_pid_notify_with_fds(0, 0, state, &fd, 1);
}

void console_unstore(uint32_t ctid)
{
	cleanup_free char *state = str_fmt("FDSTOREREMOVE=1\nFDNAME=" STORE_NAME "%u", ctid);
	sd_notify(0, state);
}

uint32_t console_stored(const char *name)
{
	const char *number = str_after(name, STORE_NAME);
	uint32_t ctid;
	return number && str_u32(number, &ctid) == 0 ? ctid : 0;
}
