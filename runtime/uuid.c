#include "runtime/uuid.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/base/err.h"

#define BARE_LEN (UUID_SIZE - 1)

static bool is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

static bool is_bare(const char *text)
{
	for (size_t i = 0; i < BARE_LEN; i++)
		if (is_dash_place(i) ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

int uuid_parse(const char *text, char ret[static UUID_SIZE], struct err *err)
{
	size_t len = strlen(text);
	bool braced = len == BARE_LEN + 2 && text[0] == '{' && text[len - 1] == '}';
	const char *bare = braced ? text + 1 : text;

	if (!(braced || len == BARE_LEN) || !is_bare(bare))
		return err_say(err, ERR_BAD_VALUE,
			       "%.64s is not a UUID, such as {5d4fd4ff-0b9c-4f3c-a3e4-8a6e0d9c4b51}", text);
	for (size_t i = 0; i < BARE_LEN; i++)
		ret[i] = (char)tolower((unsigned char)bare[i]);
	ret[BARE_LEN] = '\0';
	return 0;
}

int uuid_make(char ret[static UUID_SIZE], struct err *err)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return err_set(err, errno, "get random bytes");
	b[6] = (b[6] & 0x0f) | 0x40; /* version 4 */
	b[8] = (b[8] & 0x3f) | 0x80; /* the variant of the RFC */
	snprintf(ret, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}
