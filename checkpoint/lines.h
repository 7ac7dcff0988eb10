/* A file read line by line through a buffer of fixed size, without allocation: what /proc shows, logs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct lines {
	int fd; /* borrowed */
	size_t start, end;
	bool cut; /* the rest of a line that was too long is still to come */
	char buffer[16384];
};

/* Read from where fd stands. */
void lines_start(struct lines *lines, int fd);

/* The next line without its newline, valid until the next call; a line that is longer than the buffer is cut. NULL at
 * the end, and where reading fails: of a process that has ended nothing more is known. */
char *lines_next(struct lines *lines);
