#include "checkpoint/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void lines_start(struct lines *lines, int fd)
{
	lines->fd = fd;
	lines->start = lines->end = 0;
	lines->cut = false;
}

static ssize_t fill(struct lines *lines)
{
	ssize_t n;

	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	do
		n = read(lines->fd, lines->buffer + lines->end, sizeof(lines->buffer) - 1 - lines->end);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		lines->end += (size_t)n;
	return n;
}

/* A line, or as much of it as the buffer holds; a last line may lack its newline. */
static char *take(struct lines *lines, bool *ret_whole)
{
	for (;;) {
		char *line = lines->buffer + lines->start;
		char *newline = memchr(line, '\n', lines->end - lines->start);
		if (newline) {
			*newline = '\0';
			lines->start = (size_t)(newline + 1 - lines->buffer);
			*ret_whole = true;
			return line;
		}

		bool full = lines->start == 0 && lines->end == sizeof(lines->buffer) - 1;
		if (full || fill(lines) <= 0) {
			if (lines->start == lines->end)
				return NULL;
			line = lines->buffer + lines->start;
			lines->buffer[lines->end] = '\0';
			lines->start = lines->end;
			*ret_whole = !full;
			return line;
		}
	}
}

char *lines_next(struct lines *lines)
{
	bool whole;
	char *line = take(lines, &whole);

	while (line && lines->cut) {
		lines->cut = !whole;
		line = take(lines, &whole);
	}
	if (line)
		lines->cut = !whole;
	return line;
}
