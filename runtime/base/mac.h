/* Ethernet addresses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAC_TEXT 18

struct mac {
	uint8_t bytes[6];
};

/* "00:18:51:ab:cd:ef", either case. -EINVAL for anything else. */
int mac_parse(const char *text, struct mac *ret);

/* Lower case. Returns `text`, MAC_TEXT bytes of the caller's. */
char *mac_print(const struct mac *mac, char *text);

/* One by chance under 00:18:51, the prefix that OpenVZ's vendor SWsoft registered with the IEEE and that vzctl gives
 * out. */
void mac_generate(struct mac *ret);

bool mac_same(const struct mac *a, const struct mac *b);
bool mac_is_zero(const struct mac *mac);
bool mac_is_multicast(const struct mac *mac);
