#include "runtime/base/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define HEAD_MAX (FRAME_WORD + 10) /* the word, a blank and the length */

void frame_done(struct frame *frame)
{
	free(frame->body);
	*frame = (struct frame){0};
}

/* Who has gone is no reason to die: it is told. Pipes, which no worker has, know no such flag. */
static int send_bytes(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			return io_write_all(fd, bytes, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int frame_send(int fd, const char *word, const char *body)
{
	cleanup_free char *text = str_fmt("%s %zu\n%s\n", word, body ? strlen(body) : 0, body ? body : "");
	return send_bytes(fd, text, strlen(text));
}

int frame_send_facts(int fd, const char *word, const struct kvfile *facts)
{
	cleanup_free char *text = kvfile_text(facts);
	return frame_send(fd, word, text);
}

static int wait_for(int fd, int timeout_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = poll(&ready, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* How many bytes came: `len`, or fewer at the end of the stream. */
static ssize_t read_bytes(int fd, int timeout_ms, char *to, size_t len)
{
	size_t got = 0;

	while (got < len) {
		int r = wait_for(fd, timeout_ms);
		if (r < 0)
			return r;
		ssize_t n = read(fd, to + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET ? 0 : -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* By the byte: what follows the line is not ours yet. */
static int read_head(int fd, int timeout_ms, char head[static HEAD_MAX + 1])
{
	for (size_t n = 0; n <= HEAD_MAX; n++) {
		ssize_t r = read_bytes(fd, timeout_ms, head + n, 1);
		if (r < 0)
			return (int)r;
		if (r == 0)
			return n == 0 ? 0 : -EBADMSG;
		if (head[n] == '\n') {
			head[n] = '\0';
			return 1;
		}
	}
	return -EBADMSG;
}

static int parse_head(char *head, struct frame *frame)
{
	char *blank = strchr(head, ' ');
	uint32_t len;

	if (!blank || str_u32(blank + 1, &len) < 0 || len > FRAME_BODY_MAX)
		return -EBADMSG;
	*blank = '\0';
	size_t n = strlen(head);
	if (n == 0 || n >= FRAME_WORD || strspn(head, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != n)
		return -EBADMSG;
	memcpy(frame->word, head, n + 1);
	frame->len = len;
	return 0;
}

int frame_receive(int fd, int timeout_ms, struct frame *ret)
{
	char head[HEAD_MAX + 1];
	cleanup_frame struct frame frame = {0};

	int r = read_head(fd, timeout_ms, head);
	if (r <= 0)
		return r;
	r = parse_head(head, &frame);
	if (r < 0)
		return r;
	frame.body = mem_zero(frame.len + 2, 1);
	ssize_t n = read_bytes(fd, timeout_ms, frame.body, frame.len + 1);
	if (n < 0)
		return (int)n;
	if ((size_t)n != frame.len + 1 || frame.body[frame.len] != '\n')
		return -EBADMSG;
	frame.body[frame.len] = '\0';
	if (strlen(frame.body) != frame.len)
		return -EBADMSG;
	*ret = frame;
	frame = (struct frame){0};
	return 1;
}

int frame_facts(const struct frame *frame, struct kvfile **ret, struct err *err)
{
	return kvfile_parse(frame->word, frame->body, frame->len, ret, err);
}
