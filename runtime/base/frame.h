/* Words between two programs over a stream: each a line `WORD LENGTH`, then that many bytes, then a newline. Both sides
 * are bounded, so that a stream of anything else is refused before memory is spent on it. */
#pragma once

#include <stddef.h>

struct err;
struct kvfile;

#define FRAME_WORD 16		    /* capital letters, the terminator included */
#define FRAME_BODY_MAX (256u << 10) /* bytes */

struct frame {
	char word[FRAME_WORD];
	char *body; /* terminated; "" is fresh memory, too */
	size_t len;
};

void frame_done(struct frame *frame);
#define cleanup_frame __attribute__((cleanup(frame_done)))

/* Write one. The body may be NULL: none. */
int frame_send(int fd, const char *word, const char *body);

/* The same with facts as its body. */
int frame_send_facts(int fd, const char *word, const struct kvfile *facts);

/* Read the next one, whole. 1; 0 at the end of the stream, between two words; -EBADMSG for what is none; -ETIMEDOUT
 * when nothing comes for that long (-1: as long as it takes). */
int frame_receive(int fd, int timeout_ms, struct frame *ret);

/* The body as facts. */
int frame_facts(const struct frame *frame, struct kvfile **ret, struct err *err);
