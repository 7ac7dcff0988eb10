#include "runtime/base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

size_t ip_bytes(int family)
{
	return family == AF_INET6 ? 16 : family == AF_INET ? 4 : 0;
}

unsigned ip_bits(int family)
{
	return 8 * (unsigned)ip_bytes(family);
}

/* The first bits of both are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(a, b, whole) == 0 && (!rest || (a[whole] & mask) == (b[whole] & mask));
}

/* "255.255.240.0" is 20: ones, then zeros, no hole. */
static int parse_netmask(const char *text, unsigned *ret_prefix)
{
	struct in_addr in;
	if (inet_pton(AF_INET, text, &in) != 1)
		return -EINVAL;

	uint32_t holes = ~ntohl(in.s_addr);
	if (holes & (holes + 1))
		return -EINVAL;
	*ret_prefix = 32 - (unsigned)__builtin_popcount(holes);
	return 0;
}

static int parse_prefix(const char *text, int family, unsigned *ret_prefix)
{
	uint32_t prefix;

	if (family == AF_INET && strchr(text, '.'))
		return parse_netmask(text, ret_prefix);
	if (str_u32(text, &prefix) < 0 || prefix > ip_bits(family))
		return -EINVAL;
	*ret_prefix = prefix;
	return 0;
}

int ip_parse(const char *text, struct ip *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *end = strchrnul(text, '/');
	size_t len = (size_t)(end - text);

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';

	struct ip ip = {.family = strchr(address, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(ip.family, address, ip.bytes) != 1)
		return -EINVAL;
	ip.prefix = ip_bits(ip.family);
	if (*end && parse_prefix(end + 1, ip.family, &ip.prefix) < 0)
		return -EINVAL;
	*ret = ip;
	return 0;
}

char *ip_print(const struct ip *ip, char *text)
{
	if (!inet_ntop(ip->family, ip->bytes, text, IP_TEXT))
		text[0] = '\0';
	return text;
}

char *ip_print_prefix(const struct ip *ip, char *text)
{
	ip_print(ip, text);
	if (ip->prefix < ip_bits(ip->family)) {
		size_t len = strlen(text);
		snprintf(text + len, IP_TEXT - len, "/%u", ip->prefix);
	}
	return text;
}

bool ip_same(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, ip_bytes(a->family)) == 0;
}

bool ip_within(const struct ip *network, const struct ip *address)
{
	return network->family == address->family && same_bits(network->bytes, address->bytes, network->prefix);
}

const char *ip_unusable(const struct ip *ip)
{
	/* The special-purpose address registries of the IANA (RFC 6890). */
	static const struct {
		struct ip network;
		const char *what;
	} kinds[] = {
		{{AF_INET, 8, {0}}, "an unspecified address"},
		{{AF_INET, 8, {127}}, "a loopback address"},
		{{AF_INET, 16, {169, 254}}, "a link-local address"},
		{{AF_INET, 4, {224}}, "a multicast address"},
		{{AF_INET, 32, {255, 255, 255, 255}}, "the broadcast address"},
		{{AF_INET6, 128, {0}}, "the unspecified address"},
		{{AF_INET6, 128, {[15] = 1}}, "the loopback address"},
		{{AF_INET6, 96, {[10] = 0xff, [11] = 0xff}}, "an IPv4-mapped address"},
		{{AF_INET6, 10, {0xfe, 0x80}}, "a link-local address"},
		{{AF_INET6, 8, {0xff}}, "a multicast address"},
	};

	for (size_t i = 0; i < countof(kinds); i++)
		if (ip_within(&kinds[i].network, ip))
			return kinds[i].what;
	return NULL;
}

void ips_add(struct ips *ips, const struct ip *ip)
{
	ips->list = mem_grow(ips->list, ips->n + 1, sizeof(*ips->list));
	ips->list[ips->n++] = *ip;
}

static size_t find(const struct ips *ips, const struct ip *ip)
{
	size_t i = 0;
	while (i < ips->n && !ip_same(&ips->list[i], ip))
		i++;
	return i;
}

bool ips_has(const struct ips *ips, const struct ip *ip)
{
	return find(ips, ip) < ips->n;
}

void ips_remove(struct ips *ips, const struct ip *ip)
{
	size_t i = find(ips, ip);
	if (i == ips->n)
		return;
	ips->n--;
	memmove(ips->list + i, ips->list + i + 1, (ips->n - i) * sizeof(*ips->list));
}

static const char blanks[] = " \t\n";

static int parse_word(const char *word, size_t len, struct ip *ret)
{
	char text[IP_TEXT];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, word, len);
	text[len] = '\0';
	return ip_parse(text, ret);
}

int ips_parse(const char *text, struct ips *ret, const char **ret_bad)
{
	cleanup_ips struct ips ips = {0};

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t len = strcspn(text, blanks);
		struct ip ip;

		if (parse_word(text, len, &ip) < 0) {
			*ret_bad = text;
			return -EINVAL;
		}
		if (!ips_has(&ips, &ip))
			ips_add(&ips, &ip);
		text += len;
	}
	*ret = ips;
	ips = (struct ips){0};
	return 0;
}

char *ips_print(const struct ips *ips)
{
	struct text all = {0};
	char text[IP_TEXT];

	text_add(&all, "%s", "");
	for (size_t i = 0; i < ips->n; i++)
		text_add(&all, "%s%s", i ? " " : "", ip_print_prefix(&ips->list[i], text));
	return all.s;
}

void ips_done(struct ips *ips)
{
	free(ips->list);
	*ips = (struct ips){0};
}
