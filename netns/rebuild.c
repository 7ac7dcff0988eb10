/* The tables as a whole: the rules, the operator's policy and all guests, in one transaction.
 *
 * Chains stay, and with them their place in the kernel: their rules are replaced, and a packet meets the old ones or
 * the new. Sets stay, too, so that counters go on and nobody takes an address that another has learned. Only where the
 * sets of another version stand in the way, everything goes and is made again. */
#include <stdint.h>
#include <string.h>

#include "netns/admission.h"
#include "netns/element.h"
#include "netns/filter.h"
#include "netns/nft.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

#define CONNECTIONS 65536u /* of one guest, if the operator has no opinion */
#define SHARES_MAX 512u
#define SHARE_MIN 128u /* in smaller ones chance makes some full long before the others */

static const char rules[] =
#include "netns/rules.inc"
	;

/* A table of its own tells by its comment who made the others, and by its owner that he lives. */
#define MARK "inet openve_version"

static char *version(void)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *p = rules; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	return str_fmt("OpenVE " OPENVE_VERSION ", rules %08x", hash);
}

static void add_mark(struct text *commands)
{
	cleanup_free char *comment = version();
	text_add(commands, "destroy table " MARK "\nadd table " MARK " { flags owner, persist; comment \"%s\"; }\n",
		 comment);
}

/* Does the mark say both? */
static bool is_marked(const char *what, const char *also)
{
	cleanup_free char *answer = NULL;
	struct err ignored = {0};

	return nft_run(PATH_FILTER, "list table " MARK, &answer, &ignored) == 0 && strstr(answer, what) &&
	       strstr(answer, also);
}

static bool is_of_this_version(void)
{
	cleanup_free char *comment = version();
	return is_marked(comment, "");
}

bool filter_intact(void)
{
	cleanup_free char *comment = version();
	return is_marked(comment, "flags owner");
}

/* ---- the rules ---- */

static void add_rules(struct text *commands, const struct filter_policy *policy)
{
	uint32_t connections = policy->connections ? policy->connections : CONNECTIONS;
	uint32_t shares = connections / SHARE_MIN;

	shares = shares < 1 ? 1 : shares > SHARES_MAX ? SHARES_MAX : shares;
	for (const char *p = rules; *p;) {
		size_t len = strcspn(p, "$");
		text_add_bytes(commands, p, len);
		p += len;
		const char *after;
		if ((after = str_after(p, "$SHARES")))
			text_add(commands, "%u", shares);
		else if ((after = str_after(p, "$SHARE")))
			text_add(commands, "%u", connections / shares);
		if (after)
			p = after;
	}
}

static void empty_sets(struct text *commands)
{
	size_t n;
	const struct element_set *sets = admission_sets(&n);

	for (size_t i = 0; i < n; i++)
		if (!sets[i].counts)
			text_add(commands, "flush %s %s\n", sets[i].is_map ? "map" : "set", sets[i].name);
	/* The limit stands in each of their elements. */
	text_add(commands, "flush set inet openve connections\nflush set inet openve connections_mac\n");
}

/* ---- counters of guests that are no more ---- */

/* In a listing each stands like this: `"venet101" counter packets 4 bytes 336`. */
static void find_stale(struct elements *stale, const struct element_set *set, const char *listing,
		       const struct elements *wanted)
{
	static const char mark[] = " counter packets ";

	for (const char *p = strstr(listing, mark); p; p = strstr(p + 1, mark)) {
		const char *key = p;
		while (key > listing && !strchr(" \t\n{", key[-1]))
			key--;
		char *name = str_fmt("%.*s", (int)(p - key), key);
		const struct element element = {.set = set, .key = name};
		if (elements_has(wanted, &element))
			free(name);
		else
			elements_add(stale, set, name, mem_strdup(""));
	}
}

static void remove_stale(struct text *commands, const struct elements *wanted)
{
	cleanup_elements struct elements stale = {0};
	size_t n;
	const struct element_set *sets = admission_sets(&n);

	for (size_t i = 0; i < n; i++) {
		cleanup_free char *command = str_fmt("list set %s", sets[i].name);
		cleanup_free char *listing = NULL;
		struct err ignored = {0};

		/* No such set: no table yet. */
		if (sets[i].counts && nft_run(PATH_FILTER, command, &listing, &ignored) == 0)
			find_stale(&stale, &sets[i], listing, wanted);
	}
	elements_print(commands, "destroy", &stale, NULL);
}

/* ---- both ways ---- */

static int rebuild_in_place(const struct filter_policy *policy, const struct elements *wanted, struct err *err)
{
	cleanup_text struct text commands = {0};

	text_add(&commands, "add table inet openve { flags owner, persist; }\n"
			    "add table bridge openve { flags owner, persist; }\n"
			    "flush table inet openve\n"
			    "flush table bridge openve\n");
	add_rules(&commands, policy);
	empty_sets(&commands);
	remove_stale(&commands, wanted);
	elements_print(&commands, "add", wanted, NULL);
	add_mark(&commands);
	return nft_run(PATH_FILTER, commands.s, NULL, err);
}

static int rebuild_anew(const struct filter_policy *policy, const struct elements *wanted, struct err *err)
{
	cleanup_text struct text commands = {0};

	text_add(&commands, "destroy table inet openve\ndestroy table bridge openve\n");
	add_rules(&commands, policy);
	elements_print(&commands, "add", wanted, NULL);
	add_mark(&commands);
	return nft_run(PATH_FILTER, commands.s, NULL, err);
}

/* ---- what is wanted ---- */

static bool is_nothing(const struct net_traffic *traffic)
{
	return memcmp(traffic, &(struct net_traffic){0}, sizeof(*traffic)) == 0;
}

/* Where the tables count the guest already, what they have counted. */
static int add_counting(struct elements *wanted, struct net_guest guest, struct err *err)
{
	struct net_traffic counted = {0};
	struct err ignored = {0};

	if (filter_traffic(&guest, &counted, &ignored) == 0 && !is_nothing(&counted))
		guest.traffic = counted;
	return admission_add_guest(wanted, &guest, err);
}

static int want(struct elements *wanted, const struct filter_policy *policy, const struct net_guest *guests, size_t n,
		bool ask_counters, struct err *err)
{
	int r = admission_add_node(wanted, err);

	admission_add_policy(wanted, policy);
	for (size_t i = 0; i < n && r == 0; i++)
		r = ask_counters ? add_counting(wanted, guests[i], err) : admission_add_guest(wanted, &guests[i], err);
	elements_sort(wanted);
	return r;
}

int filter_rebuild(const struct filter_policy *policy, const struct net_guest *guests, size_t n, struct err *err)
{
	cleanup_elements struct elements wanted = {0}, counted = {0};
	struct err in_the_way = {0};

	int r = want(&wanted, policy, guests, n, false, err);
	if (r < 0)
		return r;
	r = rebuild_in_place(policy, &wanted, &in_the_way);
	if (r == 0)
		return 0;
	if (is_of_this_version()) {
		*err = in_the_way;
		return r;
	}
	r = want(&counted, policy, guests, n, true, err);
	return r < 0 ? r : rebuild_anew(policy, &counted, err);
}
