/* CRIU's files: two magic words, then messages, each after its length (criu.org/Images, images/ of its source), in the
 * encoding of protobuf (protobuf.dev/programming-guides/encoding). They are read and changed in place: a number may
 * have more bytes than it needs, so that all else stays as it is, known to us or not. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The rest of a file, of a message, or what is in a field. */
struct wire {
	uint8_t *at, *end;
};

struct wire_field {
	uint64_t number; /* of the field */
	enum wire_kind { WIRE_NUMBER = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 } kind;
	uint64_t value; /* of a WIRE_NUMBER */
	struct wire bytes;
};

/* The messages of a file with that second word (criu/include/magic.h). -EINVAL: it is none. */
int wire_open(uint8_t *text, size_t len, uint32_t magic, struct wire *ret);

/* Take the next message of a file, the next field of a message. 1; 0 at the end; -EINVAL. */
int wire_message(struct wire *file, struct wire *ret);
int wire_field(struct wire *message, struct wire_field *ret);

/* Write another number where one is. -ERANGE: it needs more bytes than there are. */
int wire_set(const struct wire_field *field, uint64_t n);
