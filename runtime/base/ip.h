/* An IP address of either family, with a prefix length: plain bytes, from text and to text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_storage;

struct ip {
	int family;	   /* AF_INET or AF_INET6; 0: none */
	unsigned prefix;   /* bits; all of them when the text has none */
	uint8_t bytes[16]; /* network order; AF_INET uses the first four */
};

#define IP_TEXT 64 /* holds any address with its prefix */

/* "192.0.2.1", "192.0.2.1/24", "192.0.2.1/255.255.255.0", "2001:db8::1/64". -EINVAL for anything else: a scope, a
 * netmask with holes, leading or trailing characters. */
int ip_parse(const char *text, struct ip *ret);

/* The address alone, canonical (RFC 5952). Returns `text`, IP_TEXT bytes of the caller's. */
char *ip_print(const struct ip *ip, char *text);

/* The same with /PREFIX, which is left out when it is the whole address. */
char *ip_print_prefix(const struct ip *ip, char *text);

/* How many bytes and bits an address of that family has. */
size_t ip_bytes(int family);
unsigned ip_bits(int family);

/* The same address, whatever the prefixes are. */
bool ip_same(const struct ip *a, const struct ip *b);

/* Is the address in the network? */
bool ip_within(const struct ip *network, const struct ip *address);

/* Can one guest alone have it: not unspecified, loopback, link-local, multicast, broadcast or IPv4-mapped. NULL if so,
 * else what it is: "a multicast address". */
const char *ip_unusable(const struct ip *ip);

/* A list of addresses, in the order given. */
struct ips {
	struct ip *list;
	size_t n;
};

void ips_add(struct ips *ips, const struct ip *ip);
bool ips_has(const struct ips *ips, const struct ip *ip); /* by address */
void ips_remove(struct ips *ips, const struct ip *ip);	  /* by address */

/* Addresses separated by blanks. -EINVAL with the bad word in *ret_bad (ret_bad points into text; its end is the next
 * blank). The same address twice is kept once. */
int ips_parse(const char *text, struct ips *ret, const char **ret_bad);

/* The caller frees. */
char *ips_print(const struct ips *ips);

void ips_done(struct ips *ips);
#define cleanup_ips __attribute__((cleanup(ips_done)))
