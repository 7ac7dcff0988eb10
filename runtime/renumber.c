#include "runtime/renumber.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/config.h"
#include "runtime/guest.h"
#include "runtime/netif.h"
#include "runtime/value.h"

/* A number that is another one stays. */
static void move_number(struct kvfile *file, const char *key, uint32_t from, uint32_t to)
{
	const char *text = kvfile_get(file, key);
	cleanup_free char *number = str_fmt("%u", to);
	uint32_t n;

	if (text && str_u32(text, &n) == 0 && n == from)
		kvfile_set(file, key, number);
}

static int move_interfaces(struct kvfile *file, const struct renumber *renumber, struct err *err)
{
	const char *text = kvfile_get(file, "NETIF");
	cleanup_netifs struct netifs netifs = {0};
	struct why why;

	if (!text || !text[0] || renumber->from == renumber->to)
		return 0;
	if (netifs_parse(text, &netifs, &why) < 0 || netifs_renumber(&netifs, renumber->from, renumber->to, &why) < 0)
		return err_say(err, ERR_BAD_CONFIG, "NETIF=\"%s\": %s", text, why.text);
	cleanup_free char *moved = netifs_print(&netifs);
	kvfile_set(file, "NETIF", moved);
	return 0;
}

int renumber_config(struct kvfile *config, const struct renumber *renumber, struct err *err)
{
	move_number(config, "VEID", renumber->from, renumber->to);
	return move_interfaces(config, renumber, err);
}

static int interfaces_of(uint32_t ctid, const struct kvfile *facts, struct net_guest *ret, struct err *err)
{
	cleanup_config struct ve_config network = {0};

	int r = param_load_some(&config_table, PARAM_NETWORK, 0, &network, facts, "the image", err);
	return r < 0 ? r : guest_of(ctid, &network, ret, err);
}

/* The name on the node after the move; one that is no interface's stays. */
static const char *moved_name(const char *name, size_t len, const struct net_guest *before,
			      const struct net_guest *after)
{
	for (size_t i = 0; i < before->n_interfaces && i < after->n_interfaces; i++) {
		const char *known = before->interfaces[i].host_name;
		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return after->interfaces[i].host_name;
	}
	return NULL;
}

/* Words NAME-ON-THE-NODE=NAME-IN-THE-VE, as an image has them. */
static char *move_links(const char *links, const struct net_guest *before, const struct net_guest *after)
{
	cleanup_free char *copy = mem_strdup(links);
	char *rest = copy, *word;
	struct text moved = {0};

	text_add(&moved, "%s", "");
	while ((word = strsep(&rest, " "))) {
		size_t len = strcspn(word, "=");
		const char *name = moved_name(word, len, before, after);
		text_add(&moved, "%s%s%s", moved.len ? " " : "", name ? name : "", name ? word + len : word);
	}
	return moved.s;
}

int renumber_image(struct kvfile *facts, const struct renumber *renumber, struct err *err)
{
	cleanup_net_guest struct net_guest before = {0}, after = {0};
	const char *links = kvfile_get(facts, "LINKS");
	int r;

	if ((r = interfaces_of(renumber->from, facts, &before, err)) < 0 ||
	    (r = move_interfaces(facts, renumber, err)) < 0 ||
	    (r = interfaces_of(renumber->to, facts, &after, err)) < 0)
		return r;
	cleanup_free char *moved = move_links(links ? links : "", &before, &after);
	kvfile_set(facts, "LINKS", moved);
	move_number(facts, "CTID", renumber->from, renumber->to);
	move_number(facts, "LOCAL_UID", renumber->from_base, renumber->to_base);
	return 0;
}
