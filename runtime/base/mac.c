#include "runtime/base/mac.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return -EINVAL;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

int mac_parse(const char *text, struct mac *ret)
{
	struct mac mac;

	if (strlen(text) != MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(mac.bytes); i++, text += 3) {
		int high = digit(text[0]), low = digit(text[1]);
		char after = i + 1 < sizeof(mac.bytes) ? ':' : '\0';

		if (high < 0 || low < 0 || text[2] != after)
			return -EINVAL;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = mac;
	return 0;
}

char *mac_print(const struct mac *mac, char *text)
{
	const uint8_t *b = mac->bytes;
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return text;
}

void mac_generate(struct mac *ret)
{
	*ret = (struct mac){{0x00, 0x18, 0x51}};
	arc4random_buf(ret->bytes + 3, 3);
}

bool mac_same(const struct mac *a, const struct mac *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool mac_is_zero(const struct mac *mac)
{
	return mac_same(mac, &(struct mac){0});
}

bool mac_is_multicast(const struct mac *mac)
{
	return mac->bytes[0] & 1;
}
