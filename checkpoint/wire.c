#include "checkpoint/wire.h"

#include <errno.h>

#define MAGIC_COMMON 0x54564319u /* criu/include/magic.h */

static int read_number(struct wire *wire, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned shift = 0; wire->at < wire->end && shift < 64; shift += 7) {
		uint8_t byte = *wire->at++;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = n;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_word(struct wire *wire, uint32_t *ret)
{
	if (wire->end - wire->at < 4)
		return -EINVAL;
	*ret = wire->at[0] | (uint32_t)wire->at[1] << 8 | (uint32_t)wire->at[2] << 16 | (uint32_t)wire->at[3] << 24;
	wire->at += 4;
	return 0;
}

static int take(struct wire *wire, uint64_t bytes, struct wire *ret)
{
	if (bytes > (uint64_t)(wire->end - wire->at))
		return -EINVAL;
	*ret = (struct wire){wire->at, wire->at + bytes};
	wire->at += bytes;
	return 0;
}

int wire_open(uint8_t *text, size_t len, uint32_t magic, struct wire *ret)
{
	struct wire file = {text, text + len};
	uint32_t common, own;

	if (read_word(&file, &common) < 0 || read_word(&file, &own) < 0 || common != MAGIC_COMMON || own != magic)
		return -EINVAL;
	*ret = file;
	return 0;
}

int wire_message(struct wire *file, struct wire *ret)
{
	uint32_t len;

	if (file->at == file->end)
		return 0;
	return read_word(file, &len) < 0 || take(file, len, ret) < 0 ? -EINVAL : 1;
}

static int read_value(struct wire *message, struct wire_field *field)
{
	uint8_t *begin = message->at;
	uint64_t len;
	int r;

	switch (field->kind) {
	case WIRE_NUMBER:
		r = read_number(message, &field->value);
		field->bytes = (struct wire){begin, message->at};
		return r;
	case WIRE_BYTES:
		r = read_number(message, &len);
		return r < 0 ? r : take(message, len, &field->bytes);
	case WIRE_64:
		return take(message, 8, &field->bytes);
	case WIRE_32:
		return take(message, 4, &field->bytes);
	default:
		return -EINVAL;
	}
}

int wire_field(struct wire *message, struct wire_field *ret)
{
	uint64_t key = 0;

	if (message->at == message->end)
		return 0;
	int r = read_number(message, &key);
	*ret = (struct wire_field){.number = key >> 3, .kind = key & 7};
	if (r == 0)
		r = read_value(message, ret);
	return r < 0 ? r : 1;
}

int wire_set(const struct wire_field *field, uint64_t n)
{
	for (uint8_t *at = field->bytes.at; at < field->bytes.end; at++, n >>= 7)
		*at = (uint8_t)((n & 0x7f) | (at + 1 < field->bytes.end ? 0x80 : 0));
	return n ? -ERANGE : 0;
}
