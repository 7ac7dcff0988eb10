#include "runtime/policy.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/netif.h"
#include "runtime/value.h"
#include "runtime/word.h"

static bool has_bits_behind_prefix(const struct ip *ip)
{
	for (unsigned bit = ip->prefix; bit < ip_bits(ip->family); bit++)
		if (ip->bytes[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

int policy_parse_networks(const char *text, struct ips *ret, struct why *why)
{
	cleanup_ips struct ips ips = {0};
	const char *bad;

	if (ips_parse(text, &ips, &bad) < 0)
		return why_not(why, "%.*s is not a network, ADDRESS/BITS", (int)strcspn(bad, " \t"), bad);
	for (size_t i = 0; i < ips.n; i++) {
		char network[IP_TEXT];
		if (has_bits_behind_prefix(&ips.list[i]))
			return why_not(why, "%s is an address in a network, not the network",
				       ip_print_prefix(&ips.list[i], network));
	}
	*ret = ips;
	ips = (struct ips){0};
	return 0;
}

static int parse_service(const char *word, struct filter_service *ret, struct why *why)
{
	const char *port = str_after(word, "tcp:");
	uint8_t protocol = port ? IPPROTO_TCP : IPPROTO_UDP;
	uint32_t number;

	if (!port)
		port = str_after(word, "udp:");
	if (!port || str_u32(port, &number) < 0 || number == 0 || number > UINT16_MAX)
		return why_not(why, "%s: a service is tcp:PORT or udp:PORT", word);
	*ret = (struct filter_service){.protocol = protocol, .port = (uint16_t)number};
	return 0;
}

static bool has(const struct filter_service *services, size_t n, const struct filter_service *service)
{
	for (size_t i = 0; i < n; i++)
		if (services[i].protocol == service->protocol && services[i].port == service->port)
			return true;
	return false;
}

int policy_parse_services(const char *text, struct filter_service **ret, size_t *ret_n, struct why *why)
{
	cleanup_free struct filter_service *services = NULL;
	struct filter_service service;
	size_t n = 0;
	char *word;
	int r = 0;

	while (r == 0 && (word = word_next(&text, " \t,"))) {
		r = parse_service(word, &service, why);
		free(word);
		if (r < 0 || has(services, n, &service))
			continue;
		services = mem_grow(services, n + 1, sizeof(*services));
		services[n++] = service;
	}
	if (r < 0)
		return r;
	*ret = steal_ptr(services);
	*ret_n = n;
	return 0;
}

char *policy_print_services(const struct filter_service *services, size_t n)
{
	struct text out = {0};

	text_add(&out, "%s", "");
	for (size_t i = 0; i < n; i++)
		text_add(&out, "%s%s:%u", i ? " " : "", services[i].protocol == IPPROTO_UDP ? "udp" : "tcp",
			 services[i].port);
	return out.s;
}

static int check_devices(const char *list, struct why *why)
{
	if (!list[strspn(list, " \t")])
		return why_not(why, "list: names no device");
	for (char *name; (name = word_next(&list, " \t"));) {
		cleanup_free char *owned = name;
		const char *fault = netif_name_fault(name);
		if (fault)
			return why_not(why, "%s: %s", name, fault);
	}
	return 0;
}

int policy_parse_devices(const char *text, struct neighbour_devices *ret, struct why *why)
{
	const char *list = str_after(text, "list:");
	int r;

	if (str_eq(text, "detect"))
		*ret = (struct neighbour_devices){.how = NEIGHBOUR_DETECT};
	else if (str_eq(text, "all"))
		*ret = (struct neighbour_devices){.how = NEIGHBOUR_ALL};
	else if (!list)
		return why_not(why, "must be detect, all or list: and names of devices");
	else if ((r = check_devices(list, why)) < 0)
		return r;
	else
		*ret = (struct neighbour_devices){.how = NEIGHBOUR_LIST, .list = list};
	return 0;
}
