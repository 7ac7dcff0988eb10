#include "runtime/netdev.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns/link.h"
#include "netns/netns.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/op.h"
#include "runtime/state.h"
#include "runtime/word.h"

/* ---- the namespace, kept ---- */

static char *pin_path(uint32_t ctid)
{
	return str_fmt(PATH_NETNS "/%u", ctid);
}

static bool is_pinned(const char *path)
{
	struct stat file, folder;
	return stat(path, &file) == 0 && stat(PATH_NETNS, &folder) == 0 && file.st_dev != folder.st_dev;
}

static int unpin(uint32_t ctid, struct err *err)
{
	cleanup_free char *path = pin_path(ctid);

	/* EINVAL: it is not mounted. */
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return err_set(err, errno, "let go of the VE's network namespace at %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove %s", path);
	return 0;
}

static bool is_of(const char *path, int netns)
{
	struct stat pinned, wanted;
	return is_pinned(path) && stat(path, &pinned) == 0 && fstat(netns, &wanted) == 0 &&
	       pinned.st_ino == wanted.st_ino;
}

static int pin(uint32_t ctid, int netns, struct err *err)
{
	cleanup_free char *path = pin_path(ctid);
	cleanup_free char *source = str_fmt("/proc/self/fd/%d", netns);

	int r = io_mkdir_all(AT_FDCWD, PATH_NETNS, 0700);
	if (r < 0)
		return err_set(err, -r, "make %s", PATH_NETNS);
	if (is_of(path, netns))
		return 0;
	r = unpin(ctid, err);
	if (r < 0)
		return r;
	cleanup_fd int file = open(path, O_CREAT | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0 || mount(source, path, NULL, MS_BIND, NULL) < 0)
		return err_set(err, errno, "keep the VE's network namespace at %s", path);
	return 0;
}

static int open_pin(uint32_t ctid)
{
	cleanup_free char *path = pin_path(ctid);
	return is_pinned(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* ---- the record: "eth1=7= dev8=9=dummy": a device, its index in the VE, its kind ---- */

/* The part of an entry before its "=". */
static char *device_of(const char *entry)
{
	return str_fmt("%.*s", (int)strcspn(entry, "="), entry);
}

static int index_of(const char *entry)
{
	const char *number = strchr(entry, '=');
	return number ? atoi(number + 1) : 0;
}

static const char *kind_of(const char *entry)
{
	const char *last = strrchr(entry, '=');
	return last ? last + 1 : "";
}

static char *entry_of(const char *record, const char *device)
{
	for (char *entry; (entry = word_next(&record, " ")); free(entry)) {
		cleanup_free char *name = device_of(entry);
		if (str_eq(name, device))
			return entry;
	}
	return NULL;
}

/* The record with the device's entry replaced; `entry` NULL: without it. */
static int note(uint32_t ctid, struct state *state, const char *device, const char *entry, struct err *err)
{
	cleanup_text struct text text = {0};
	const char *rest = state->devices;

	for (char *old; (old = word_next(&rest, " ")); free(old)) {
		cleanup_free char *name = device_of(old);
		if (!str_eq(name, device))
			text_add(&text, "%s%s", text.len ? " " : "", old);
	}
	if (entry)
		text_add(&text, "%s%s", text.len ? " " : "", entry);
	free(state->devices);
	state->devices = steal_ptr(text.s);
	return state_save(ctid, state, err);
}

/* ---- one device ---- */

/* An end of a veth pair is no device of the node: whoever has the other end could give it back as whatever he likes. */
static int check_device(const struct netns *node, const char *device, struct err *err)
{
	char kind[LINK_KIND];

	if (link_kind(node, link_index(node, device), kind) < 0)
		return err_say(err, ERR_NETDEV, "the node has no network device %s", device);
	if (str_eq(kind, "veth"))
		return err_say(err, ERR_NETDEV,
			       "%s is an end of a veth pair; a VE gets such an interface with --netif_add", device);
	return 0;
}

int netdev_check(const char *devices, struct err *err)
{
	cleanup_netns struct netns node = {0};
	const char *rest = devices;

	int r = devices ? netns_open(NETNS_OWN, &node, err) : 0;
	for (char *device; r == 0 && (device = word_next(&rest, " ")); free(device))
		r = check_device(&node, device, err);
	return r;
}

/* Noted first without its index: should we die on the way, it is looked for by its name. */
static int give(uint32_t ctid, struct state *state, const struct netns *node, const struct netns *guest,
		const char *device, struct err *err)
{
	char kind[LINK_KIND];
	int r;

	if ((r = check_device(node, device, err)) < 0)
		return r;
	if ((r = link_kind(node, link_index(node, device), kind)) < 0)
		return err_set(err, -r, "look at %s", device);
	cleanup_free char *coming = str_fmt("%s=0=%s", device, kind);
	if ((r = note(ctid, state, device, coming, err)) < 0 || (r = pin(ctid, guest->fd, err)) < 0)
		return r;
	int index = link_move(node, device, guest, device, err);
	if (index < 0)
		return err_is(err, ERR_NETDEV, index);
	cleanup_free char *entry = str_fmt("%s=%d=%s", device, index, kind);
	return note(ctid, state, device, entry, err);
}

/* By its index, because the VE's root may have given it another name, and by its kind, because he may have given the
 * index to something of his own. */
static int find_device(const struct netns *netns, const char *entry, const char *device)
{
	char kind[LINK_KIND];
	int index = index_of(entry) ? index_of(entry) : link_index(netns, device);

	return index > 0 && link_kind(netns, index, kind) == 0 && str_eq(kind, kind_of(entry)) ? index : -ENODEV;
}

/* One that is not there has gone with a namespace that the VE had made: hardware comes back from there by itself, under
 * the name it had last. So does one that cannot be moved, when the VE's namespace goes. */
static int take_back(struct op *op, uint32_t ctid, struct state *state, const struct netns *node, const char *entry)
{
	cleanup_fd int pinned = open_pin(ctid);
	cleanup_free char *device = device_of(entry);
	cleanup_netns struct netns guest = {0};
	struct err err = {0};

	int r = pinned < 0 ? pinned : netns_open(pinned, &guest, &err);
	int index = r < 0 ? -ENODEV : find_device(&guest, entry, device);
	if (index > 0)
		link_move_index(&guest, index, node, device, &err);
	if (!link_exists(node, device))
		op_warn(op, "CT %u has not left device %s where it was put; it may come back under another name%s%s",
			ctid, device, err.text[0] ? ": " : "", err.text);
	return note(ctid, state, device, NULL, op->err);
}

static int return_all_but(struct op *op, uint32_t ctid, struct state *state, const struct netns *node,
			  const char *devices)
{
	cleanup_free char *record = mem_strdup(state->devices);
	const char *rest = record;
	int r = 0;

	for (char *entry; r == 0 && (entry = word_next(&rest, " ")); free(entry)) {
		cleanup_free char *device = device_of(entry);
		if (!words_have(devices, device))
			r = take_back(op, ctid, state, node, entry);
	}
	if (r == 0 && !state->devices)
		r = unpin(ctid, op->err);
	return r;
}

static int give_new(struct op *op, uint32_t ctid, struct state *state, const struct netns *node,
		    const struct netns *guest, const char *devices)
{
	const char *rest = devices;
	int r = 0;

	for (char *device; r == 0 && (device = word_next(&rest, " ")); free(device)) {
		cleanup_free char *entry = entry_of(state->devices, device);
		if (!entry)
			r = give(ctid, state, node, guest, device, op->err);
	}
	return r;
}

int netdev_change(struct op *op, uint32_t ctid, struct state *state, const struct netns *node,
		  const struct netns *guest, const char *devices)
{
	int r = give_new(op, ctid, state, node, guest, devices);
	return r < 0 || !state->devices ? r : return_all_but(op, ctid, state, node, devices);
}

int netdev_return(struct op *op, uint32_t ctid, struct state *state)
{
	cleanup_netns struct netns node = {0};

	if (!state->devices)
		return unpin(ctid, op->err);
	int r = netns_open(NETNS_OWN, &node, op->err);
	return r < 0 ? r : return_all_but(op, ctid, state, &node, NULL);
}
