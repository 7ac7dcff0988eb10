#include "runtime/publish.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"
#include "runtime/word.h"

void publishes_done(struct publishes *publishes)
{
	free(publishes->list);
	*publishes = (struct publishes){0};
}

struct net_publish *publishes_find(const struct publishes *publishes, const struct net_publish *like)
{
	for (size_t i = 0; i < publishes->n; i++) {
		struct net_publish *p = &publishes->list[i];
		if (p->protocol == like->protocol && p->port == like->port && ip_same(&p->address, &like->address))
			return p;
	}
	return NULL;
}

void publishes_add(struct publishes *publishes, const struct net_publish *publish)
{
	publishes->list = mem_grow(publishes->list, publishes->n + 1, sizeof(*publishes->list));
	publishes->list[publishes->n++] = *publish;
}

void publishes_remove(struct publishes *publishes, struct net_publish *publish)
{
	publishes->n--;
	memmove(publish, publish + 1, (size_t)(publishes->list + publishes->n - publish) * sizeof(*publish));
}

static bool is_unspecified(const struct ip *ip)
{
	static const uint8_t zeros[16];
	return memcmp(ip->bytes, zeros, ip_bytes(ip->family)) == 0;
}

static int parse_address(const char *text, struct ip *ret, struct why *why)
{
	struct ip ip;
	if (strchr(text, '/') || ip_parse(text, &ip) < 0)
		return why_not(why, "%s is not an IP address of the node", text);

	/* What comes in at the loopback device is routed before anything could be redirected (martian addresses). */
	const char *fault = is_unspecified(&ip) ? NULL : ip_unusable(&ip);
	if (fault)
		return why_not(why, "%s is %s, whose ports cannot be published", text, fault);
	*ret = ip;
	return 0;
}

static int parse_port(const char *text, uint16_t *ret, struct why *why)
{
	uint32_t port;
	if (str_u32(text, &port) < 0 || port == 0 || port > UINT16_MAX)
		return why_not(why, "%s is not a port, 1 to 65535", text);
	*ret = (uint16_t)port;
	return 0;
}

static const char form[] = "a published port is [tcp:|udp:]ADDRESS:PORT:ITSPORT, an IPv6 address in brackets";

/* Cut the address off the text: "192.0.2.1:80:80" or "[::]:80:80". NULL if it does not look so. */
static char *cut_address(char **text)
{
	if (**text != '[')
		return strsep(text, ":");

	char *address = *text + 1, *end = strstr(address, "]:");
	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 2;
	return strchr(address, ':') ? address : NULL;
}

static uint8_t cut_protocol(char **text)
{
	if (!str_after(*text, "tcp:") && !str_after(*text, "udp:"))
		return IPPROTO_TCP;
	*text += strlen("tcp:");
	return str_after(*text - strlen("tcp:"), "udp") ? IPPROTO_UDP : IPPROTO_TCP;
}

static int parse_one(char *text, struct net_publish *publish, struct why *why)
{
	*publish = (struct net_publish){.protocol = cut_protocol(&text)};
	char *address = cut_address(&text), *port = text ? strsep(&text, ":") : NULL, *to = text;
	int r;

	if (!address || !port || !to)
		return why_not(why, "%s", form);
	if ((r = parse_address(address, &publish->address, why)) < 0 || (r = parse_port(port, &publish->port, why)) < 0)
		return r;
	return parse_port(to, &publish->to_port, why);
}

static int take(struct publishes *publishes, char *word, struct why *why)
{
	struct net_publish publish;

	int r = parse_one(word, &publish, why);
	if (r < 0)
		return r;

	const struct net_publish *there = publishes_find(publishes, &publish);
	if (there && there->to_port != publish.to_port)
		return why_not(why, "port %u of the node would lead to two ports", publish.port);
	if (!there)
		publishes_add(publishes, &publish);
	return 0;
}

int publishes_parse(const char *text, struct publishes *ret, struct why *why)
{
	cleanup_publishes struct publishes publishes = {0};
	char *word;
	int r = 0;

	while (r == 0 && (word = word_next(&text, " \t,"))) {
		r = take(&publishes, word, why);
		free(word);
	}
	if (r < 0)
		return r;
	*ret = publishes;
	publishes = (struct publishes){0};
	return 0;
}

char *publish_print(const struct net_publish *publish)
{
	bool brackets = publish->address.family == AF_INET6;
	char address[IP_TEXT];

	return str_fmt("%s:%s%s%s:%u:%u", publish->protocol == IPPROTO_UDP ? "udp" : "tcp", brackets ? "[" : "",
		       ip_print(&publish->address, address), brackets ? "]" : "", publish->port, publish->to_port);
}

char *publishes_print(const struct publishes *publishes)
{
	struct text out = {0};

	text_add(&out, "%s", "");
	for (size_t i = 0; i < publishes->n; i++) {
		cleanup_free char *one = publish_print(&publishes->list[i]);
		text_add(&out, "%s%s", i ? " " : "", one);
	}
	return out.s;
}

static const struct ip *first_of(const struct ips *ips, int family)
{
	for (size_t i = 0; i < ips->n; i++)
		if (ips->list[i].family == family)
			return &ips->list[i];
	return NULL;
}

const struct net_publish *publishes_aim(struct publishes *publishes, const struct ips *ips)
{
	const struct net_publish *lost = NULL;

	for (size_t i = 0; i < publishes->n; i++) {
		struct net_publish *publish = &publishes->list[i];
		const struct ip *to = first_of(ips, publish->address.family);
		if (to)
			publish->to = *to;
		else if (!lost)
			lost = publish;
	}
	return lost;
}
