#include "runtime/external.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint/criu.h"
#include "netns/net.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/bind.h"
#include "runtime/rootfs.h"

void externals_done(struct externals *externals)
{
	for (size_t i = 0; i < externals->n; i++)
		free(externals->words[i]);
	free(externals->words);
	*externals = (struct externals){0};
}

/* Takes the word over. */
static void add(struct externals *externals, char *word)
{
	externals->words = mem_grow(externals->words, externals->n + 2, sizeof(*externals->words));
	externals->words[externals->n++] = word;
	externals->words[externals->n] = NULL;
}

static bool is_granted(const struct bind *bind, uint32_t granted)
{
	return !bind->needs || bind->needs & granted;
}

void externals_mount_points(uint32_t granted, struct externals *ret)
{
	for (size_t i = 0; i < bind_count; i++)
		if (is_granted(&bind_table[i], granted))
			add(ret, str_fmt("/%s", bind_table[i].target));
	for (size_t i = 0; i < rootfs_mask_count; i++)
		if (rootfs_masks[i].kind != MASK_READONLY)
			add(ret, str_fmt("/%s", rootfs_masks[i].path));
}

/* The mount point is the key, too: it never changes. */
void externals_dumped(uint32_t granted, struct externals *ret)
{
	cleanup_externals struct externals points = {0};

	externals_mount_points(granted, &points);
	for (size_t i = 0; i < points.n; i++)
		add(ret, str_fmt("mnt[%s]:%s", points.words[i], points.words[i]));
}

static void add_mount(struct externals *externals, const char *target, const char *source)
{
	add(externals, str_fmt("mnt[/%s]:%s", target, source));
}

static void add_binds(uint32_t granted, bool views, struct externals *ret)
{
	for (size_t i = 0; i < bind_count; i++) {
		const struct bind *bind = &bind_table[i];
		bool device = bind->kind == BIND_DEVICE;
		if (!is_granted(bind, granted) || (!device && !views))
			continue;
		cleanup_free char *source = str_fmt("%s%s", device ? "" : PATH_LXCFS "/", bind->source);
		add_mount(ret, bind->target, source);
	}
}

static void add_masks(struct externals *ret)
{
	for (size_t i = 0; i < rootfs_mask_count; i++) {
		const struct mask *mask = &rootfs_masks[i];
		if (mask->kind != MASK_READONLY)
			add_mount(ret, mask->path, mask->kind == MASK_FILE ? "/dev/null" : CRIU_EMPTY);
	}
}

/* A word "KEY=VALUE" of a list; the value ends with the word. */
static char *value_in(const char *list, const char *key)
{
	cleanup_free char *head = str_fmt("%s=", key);

	for (const char *word = list ? list + strspn(list, " ") : ""; *word; word += strspn(word, " ")) {
		size_t len = strcspn(word, " ");
		if (len > strlen(head) && memcmp(word, head, strlen(head)) == 0)
			return str_fmt("%.*s", (int)(len - strlen(head)), word + strlen(head));
		word += len;
	}
	return NULL;
}

static int add_links(const struct net_guest *guest, const char *links, struct externals *ret, struct err *err)
{
	for (size_t i = 0; i < guest->n_interfaces; i++) {
		const struct net_interface *interface = &guest->interfaces[i];
		cleanup_free char *name = value_in(links, interface->host_name);
		char parked[NET_NAME];

		if (!name)
			return err_say(err, ERR_RESTORE, "the image has no interface %s (%s)", interface->name,
				       interface->host_name);
		net_parked(interface, parked);
		add(ret, str_fmt("netdev[%s]:%s", name, parked));
	}
	return 0;
}

int externals_restored(uint32_t granted, bool views, const struct net_guest *guest, const char *links,
		       struct externals *ret, struct err *err)
{
	add_binds(granted, views, ret);
	add_masks(ret);
	return add_links(guest, links, ret, err);
}
