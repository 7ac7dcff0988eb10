#include "runtime/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/lock.h"
#include "runtime/ve.h"

#define CTID_FIRST 101 /* below is reserved by OpenVZ's convention */

struct range {
	uint32_t ctid, base;
};

struct ranges {
	struct range *items;
	size_t n;
};

static void ranges_done(struct ranges *ranges)
{
	free(ranges->items);
}
#define cleanup_ranges __attribute__((cleanup(ranges_done)))

static void ranges_add(struct ranges *ranges, uint32_t ctid, uint32_t base)
{
	ranges->items = mem_grow(ranges->items, ranges->n + 1, sizeof(*ranges->items));
	ranges->items[ranges->n++] = (struct range){ctid, base};
}

static int ranges_parse(char *text, struct ranges *ranges, struct err *err)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		uint32_t ctid, base, count;
		char tail;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (sscanf(line, "%u:%u:%u%c", &ctid, &base, &count, &tail) != 3 || count != USERNS_RANGE)
			return err_say(
				err, ERR_BAD_CONFIG,
				"%s: bad line \"%s\": expected CTID:BASE:65536, as in the configuration's LOCAL_UID",
				PATH_IDMAP, line);
		ranges_add(ranges, ctid, base);
	}
	return 0;
}

static int ranges_load(struct ranges *ranges, struct err *err)
{
	cleanup_free char *text = NULL;

	int r = io_read_file(AT_FDCWD, PATH_IDMAP, &text, NULL);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, -r, "read %s", PATH_IDMAP);
	return ranges_parse(text, ranges, err);
}

static int ranges_save(const struct ranges *ranges, struct err *err)
{
	cleanup_text struct text text = {0};

	text_add(&text, "# Id ranges of VEs. Written by vzd.\n");
	for (size_t i = 0; i < ranges->n; i++)
		text_add(&text, "%u:%u:%u\n", ranges->items[i].ctid, ranges->items[i].base, USERNS_RANGE);

	int r = io_replace_file(AT_FDCWD, PATH_IDMAP, text.s, text.len, 0644);
	return r < 0 ? err_set(err, -r, "write %s", PATH_IDMAP) : 0;
}

static const struct range *by_ctid(const struct ranges *ranges, uint32_t ctid)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (ranges->items[i].ctid == ctid)
			return &ranges->items[i];
	return NULL;
}

static const struct range *by_base(const struct ranges *ranges, uint32_t base)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (ranges->items[i].base == base)
			return &ranges->items[i];
	return NULL;
}

/* The one that goes with the number, if it is free: nodes that number their VEs apart then do not collide when VEs
 * move, and a VE that runs can only move to where its range is free. */
static int free_base(const struct ranges *ranges, uint32_t ctid, uint32_t *ret_base, struct err *err)
{
	uint32_t own = IDMAP_FIRST + ctid % ((IDMAP_LAST - IDMAP_FIRST) / USERNS_RANGE + 1) * USERNS_RANGE;

	if (!by_base(ranges, own)) {
		*ret_base = own;
		return 0;
	}
	for (uint32_t base = IDMAP_FIRST; base <= IDMAP_LAST; base += USERNS_RANGE) {
		if (!by_base(ranges, base)) {
			*ret_base = base;
			return 0;
		}
	}
	return err_say(err, ERR_NO_RESOURCE,
		       "all %u id ranges of the node are taken: destroy a VE that is no longer needed",
		       (IDMAP_LAST - IDMAP_FIRST) / USERNS_RANGE + 1);
}

static int check_free(const struct ranges *ranges, uint32_t ctid, struct err *err)
{
	if (!by_ctid(ranges, ctid))
		return 0;
	return err_say(err, ERR_CONFIG_EXISTS, "CTID %u is taken: it has an id range in %s", ctid, PATH_IDMAP);
}

static uint32_t free_ctid(const struct ranges *ranges)
{
	uint32_t ctid = CTID_FIRST;
	while (by_ctid(ranges, ctid) || ve_configured(ctid))
		ctid++;
	return ctid;
}

int idmap_claim(uint32_t *ctid, uint32_t *ret_base, struct err *err)
{
	cleanup_ranges struct ranges ranges = {0};
	cleanup_fd int lock = lock_node("idmap", err);
	if (lock < 0)
		return lock;

	int r = ranges_load(&ranges, err);
	if (r == 0 && *ctid)
		r = check_free(&ranges, *ctid, err);
	if (r < 0)
		return r;

	uint32_t claimed = *ctid ? *ctid : free_ctid(&ranges), base = 0;
	r = free_base(&ranges, claimed, &base, err);
	if (r < 0)
		return r;
	ranges_add(&ranges, claimed, base);
	r = ranges_save(&ranges, err);
	if (r < 0)
		return r;
	*ctid = claimed;
	*ret_base = base;
	return 0;
}

int idmap_claim_range(uint32_t ctid, uint32_t base, struct err *err)
{
	cleanup_ranges struct ranges ranges = {0};
	cleanup_fd int lock = lock_node("idmap", err);
	if (lock < 0)
		return lock;

	int r = ranges_load(&ranges, err);
	if (r == 0)
		r = check_free(&ranges, ctid, err);
	if (r < 0)
		return r;
	if (base < IDMAP_FIRST || base > IDMAP_LAST || base % USERNS_RANGE)
		return err_say(err, ERR_BAD_CONFIG, "LOCAL_UID=\"%u\" is not a range of ids for VEs", base);
	const struct range *other = by_base(&ranges, base);
	if (other)
		return err_say(err, ERR_NO_RESOURCE, "its id range, LOCAL_UID=\"%u\", is CT %u's here", base,
			       other->ctid);
	ranges_add(&ranges, ctid, base);
	return ranges_save(&ranges, err);
}

int idmap_check(uint32_t ctid, uint64_t base, struct err *err)
{
	cleanup_ranges struct ranges ranges = {0};

	int r = ranges_load(&ranges, err);
	if (r < 0)
		return r;
	const struct range *own = by_ctid(&ranges, ctid);
	if (!own || own->base != base)
		return err_say(
			err, ERR_BAD_CONFIG,
			"LOCAL_UID=\"%llu\" is not the id range of CTID %u in %s: another VE could share its ids",
			(unsigned long long)base, ctid, PATH_IDMAP);
	return 0;
}

int idmap_release(uint32_t ctid, struct err *err)
{
	cleanup_ranges struct ranges ranges = {0};
	cleanup_fd int lock = lock_node("idmap", err);
	if (lock < 0)
		return lock;

	int r = ranges_load(&ranges, err);
	if (r < 0)
		return r;

	size_t kept = 0;
	for (size_t i = 0; i < ranges.n; i++)
		if (ranges.items[i].ctid != ctid)
			ranges.items[kept++] = ranges.items[i];
	if (kept == ranges.n)
		return 0;
	ranges.n = kept;
	return ranges_save(&ranges, err);
}

int idmap_all(uint32_t **ret, size_t *ret_n, struct err *err)
{
	cleanup_ranges struct ranges ranges = {0};

	int r = ranges_load(&ranges, err);
	if (r < 0)
		return r;

	*ret = mem_zero(ranges.n, sizeof(**ret));
	*ret_n = ranges.n;
	for (size_t i = 0; i < ranges.n; i++)
		(*ret)[i] = ranges.items[i].ctid;
	return 0;
}
