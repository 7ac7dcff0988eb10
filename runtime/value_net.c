/* The kinds that are about networks. Texts of lists are made canonical by whoever reads the list later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/shape.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/feature.h"
#include "runtime/netif.h"
#include "runtime/policy.h"
#include "runtime/publish.h"
#include "runtime/value_kind.h"
#include "runtime/word.h"

static const char blanks[] = " \t";

/* ---- lists ---- */

/* What a list's text looks like when it is canonical; the caller frees. */
typedef int canonical_t(const char *text, char **ret, struct why *why);

static bool is_word(const struct param *row, const char *text)
{
	for (size_t i = 0; row->words && row->words[i]; i++)
		if (str_eq(row->words[i], text))
			return true;
	return false;
}

static int check_alone(const struct input *in, const char *before, struct why *why)
{
	if (before[0] && !str_eq(before, in->text) && (is_word(in->row, before) || is_word(in->row, in->text)))
		return why_not(why, "`%s' stands alone", is_word(in->row, before) ? before : in->text);
	if (!in->text[0] && (in->row->flags & PARAM_EDIT))
		return why_not(why, "it is empty");
	if (strchr(in->text, '\n'))
		return why_not(why, "a value is one line");
	return 0;
}

/* An option after another of its name adds to what that one said. */
static int parse_list(const struct input *in, void *field, canonical_t *canonical, const char *separator,
		      struct why *why)
{
	char *const *old = field;
	const char *before = in->form == PARAM_FROM_OPTION && *old ? *old : "";
	cleanup_free char *list = NULL;

	int r = check_alone(in, before, why);
	if (r < 0)
		return r;
	if (is_word(in->row, in->text))
		return value_set_text(field, in->text);

	cleanup_free char *both = str_fmt("%s%s%s", before, before[0] ? separator : "", in->text);
	r = canonical(both, &list, why);
	return r < 0 ? r : value_set_text(field, list);
}

static int read_ips(const char *text, struct ips *ret, struct why *why)
{
	const char *bad;
	if (ips_parse(text, ret, &bad) < 0)
		return why_not(why, "%.*s is not an IP address", (int)strcspn(bad, blanks), bad);
	return 0;
}

static int canonical_addresses(const char *text, char **ret, struct why *why)
{
	cleanup_ips struct ips ips = {0};
	char address[IP_TEXT];

	int r = read_ips(text, &ips, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ips.n; i++) {
		const char *fault = ip_unusable(&ips.list[i]);
		if (fault)
			return why_not(why, "%s is %s", ip_print(&ips.list[i], address), fault);
	}
	*ret = ips_print(&ips);
	return 0;
}

int value_parse_addresses(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_addresses, " ", why);
}

/* A VE may have a name server of its own on a loopback address. */
static int canonical_nameservers(const char *text, char **ret, struct why *why)
{
	cleanup_ips struct ips ips = {0};

	if (strchr(text, '/'))
		return why_not(why, "the address of a name server has no prefix");
	int r = read_ips(text, &ips, why);
	if (r < 0)
		return r;
	*ret = ips_print(&ips);
	return 0;
}

int value_parse_nameservers(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_nameservers, " ", why);
}

static const char *domain_fault(const char *name)
{
	return value_is_hostname(name) ? NULL : "a domain is letters, digits and hyphens between dots (RFC 1123)";
}

/* Names, each once, each without a fault. */
static int canonical_names(const char *text, const char *(*fault_of)(const char *name), char **ret, struct why *why)
{
	cleanup_text struct text list = {0};
	const char *fault = NULL;
	char *name;

	text_add(&list, "%s", "");
	while (!fault && (name = word_next(&text, blanks))) {
		fault = fault_of(name);
		if (fault)
			why_not(why, "%s: %s", name, fault);
		else if (!words_have(list.s, name))
			text_add(&list, "%s%s", list.len ? " " : "", name);
		free(name);
	}
	if (fault)
		return -EINVAL;
	*ret = steal_ptr(list.s);
	return 0;
}

static int canonical_domains(const char *text, char **ret, struct why *why)
{
	return canonical_names(text, domain_fault, ret, why);
}

int value_parse_domains(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_domains, " ", why);
}

static int canonical_devices(const char *text, char **ret, struct why *why)
{
	return canonical_names(text, netif_name_fault, ret, why);
}

int value_parse_devices(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_devices, " ", why);
}

static int canonical_ports(const char *text, char **ret, struct why *why)
{
	cleanup_publishes struct publishes publishes = {0};

	int r = publishes_parse(text, &publishes, why);
	if (r == 0)
		*ret = publishes_print(&publishes);
	return r;
}

int value_parse_ports(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_ports, " ", why);
}

static int canonical_networks(const char *text, char **ret, struct why *why)
{
	cleanup_ips struct ips ips = {0};

	int r = policy_parse_networks(text, &ips, why);
	if (r == 0)
		*ret = ips_print(&ips);
	return r;
}

int value_parse_networks(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_networks, " ", why);
}

static int canonical_services(const char *text, char **ret, struct why *why)
{
	cleanup_free struct filter_service *services = NULL;
	size_t n;

	int r = policy_parse_services(text, &services, &n, why);
	if (r == 0)
		*ret = policy_print_services(services, n);
	return r;
}

int value_parse_services(const struct input *in, void *field, struct why *why)
{
	return parse_list(in, field, canonical_services, " ", why);
}

int value_parse_neighbours(const struct input *in, void *field, struct why *why)
{
	struct neighbour_devices devices;

	int r = policy_parse_devices(in->text, &devices, why);
	return r < 0 ? r : value_set_text(field, in->text);
}

static int canonical_interfaces(const char *text, char **ret, struct why *why)
{
	cleanup_netifs struct netifs netifs = {0};

	int r = netifs_parse(text, &netifs, why);
	if (r == 0)
		*ret = netifs_print(&netifs);
	return r;
}

/* vzctl's option has a form of its own. */
int value_parse_interfaces(const struct input *in, void *field, struct why *why)
{
	cleanup_netifs struct netifs netifs = {0};
	char *const *old = field;

	if (in->form != PARAM_FROM_OPTION)
		return parse_list(in, field, canonical_interfaces, ";", why);
	int r = netifs_parse(*old ? *old : "", &netifs, why);
	if (r == 0)
		r = netifs_parse_option(&netifs, in->text, why);
	if (r < 0)
		return r;
	cleanup_free char *text = netifs_print(&netifs);
	return value_set_text(field, text);
}

/* An option names what there is; a file is kept. */
int value_parse_features(const struct input *in, void *field, struct why *why)
{
	char *const *old = field;
	bool option = in->form == PARAM_FROM_OPTION;
	cleanup_free char *said = NULL, *list = NULL;

	int r = features_parse(in->text, option, &said, why);
	if (r < 0)
		return r;
	cleanup_free char *both = str_fmt("%s %s", option && *old ? *old : "", said);
	r = features_parse(both, false, &list, why);
	return r < 0 ? r : value_set_text(field, list);
}

/* ---- single ones ---- */

int value_parse_device(const struct input *in, void *field, struct why *why)
{
	const char *fault = in->text[0] ? netif_name_fault(in->text) : NULL;
	return fault ? why_not(why, "%s", fault) : value_set_text(field, in->text);
}

int value_parse_mac(const struct input *in, void *field, struct why *why)
{
	char text[MAC_TEXT];
	struct mac mac;

	if (mac_parse(in->text, &mac) < 0)
		return why_not(why, "a MAC address is six bytes like 00:18:51:ab:cd:ef");
	const char *fault = netif_mac_fault(&mac);
	return fault ? why_not(why, "%s", fault) : value_set_text(field, mac_print(&mac, text));
}

static int parse_gateway(const struct input *in, int family, void *field, struct why *why)
{
	const char *what = family == AF_INET ? "IPv4" : "IPv6";
	char text[IP_TEXT];
	struct ip ip;

	if (!in->text[0])
		return value_set_text(field, NULL);
	if (strchr(in->text, '/') || ip_parse(in->text, &ip) < 0 || ip.family != family)
		return why_not(why, "not an %s address", what);
	return value_set_text(field, ip_print(&ip, text));
}

int value_parse_gateway(const struct input *in, void *field, struct why *why)
{
	return parse_gateway(in, AF_INET, field, why);
}

int value_parse_gateway6(const struct input *in, void *field, struct why *why)
{
	return parse_gateway(in, AF_INET6, field, why);
}

/* ---- rates ---- */

#define KBIT 1000ull

/* "10M": kilobits without a suffix. */
static int read_rate(const char *text, uint64_t *ret, struct why *why)
{
	static const char suffixes[] = "KMG";
	cleanup_free char *digits = mem_strdup(text);
	size_t len = strlen(digits);
	uint64_t n, unit = KBIT;

	const char *suffix = len ? strchr(suffixes, digits[len - 1] & ~0x20) : NULL;
	if (suffix && *suffix) {
		digits[len - 1] = '\0';
		for (const char *s = suffixes; s < suffix; s++)
			unit *= 1000;
	}
	int r = str_u64(digits, &n);
	if (r == -EINVAL)
		return why_not(why, "%s is not a number of kilobits, nor one with a suffix K, M or G", text);
	if (r < 0 || __builtin_mul_overflow(n, unit, &n) || (n && (n < SHAPE_MIN || n > SHAPE_MAX)))
		return why_not(why, "a rate is 0 for none, or %llu to %llu kilobits a second", SHAPE_MIN / KBIT,
			       SHAPE_MAX / KBIT);
	*ret = n;
	return 0;
}

/* Virtuozzo's "DEVICE:CLASS:KBITS", of which one DEVICE and one CLASS are here. */
int value_parse_rate(const struct input *in, void *field, struct why *why)
{
	cleanup_free char *copy = mem_strdup(in->text);
	char *rate = copy, *device = NULL, *class = NULL;

	if (strchr(copy, ':')) {
		device = strsep(&rate, ":");
		class = strsep(&rate, ":");
	}
	if (device && !rate)
		return why_not(why, "a rate is KBITS or *:1:KBITS");
	if (device && !str_eq(device, "*") && !str_eq(device, "venet0"))
		return why_not(why, "a rate is for each interface there is: * in place of %s", device);
	if (class && !str_eq(class, "1"))
		return why_not(why, "there is one class of traffic, 1");
	return read_rate(rate, field, why);
}

char *value_print_rate(const struct param *row, const void *object)
{
	const uint64_t *rate = value_field(row, object);
	return str_fmt("*:1:%llu", *rate / KBIT);
}
