#include "runtime/traffic.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns/filter.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/op.h"

#define FOLDER "traffic"

static const struct {
	const char *key; /* "PACKETS BYTES" */
	size_t at;
} rows[] = {
	{"SENT4", offsetof(struct net_traffic, sent4)},		{"SENT6", offsetof(struct net_traffic, sent6)},
	{"RECEIVED4", offsetof(struct net_traffic, received4)}, {"RECEIVED6", offsetof(struct net_traffic, received6)},
	{"DROPPED", offsetof(struct net_traffic, dropped)},
};

static char *file_name(uint32_t ctid)
{
	return str_fmt(FOLDER "/%u", ctid);
}

static int read_count(const char *text, struct net_count *ret)
{
	unsigned long long packets, bytes;

	if (sscanf(text, "%llu %llu", &packets, &bytes) != 2)
		return -EINVAL;
	*ret = (struct net_count){.packets = packets, .bytes = bytes};
	return 0;
}

/* What the file lacks, or has in another form, counts from zero. */
int traffic_load(const struct host *host, uint32_t ctid, struct net_traffic *ret, struct err *err)
{
	cleanup_free char *name = file_name(ctid);
	cleanup_kvfile struct kvfile *file = NULL;
	struct net_traffic traffic = {0};

	int r = kvfile_load(host->pool, name, &file, err);
	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 0; file && i < countof(rows); i++) {
		const char *text = kvfile_get(file, rows[i].key);
		if (text)
			read_count(text, (struct net_count *)((char *)&traffic + rows[i].at));
	}
	*ret = traffic;
	return 0;
}

static char *print(const struct net_traffic *traffic)
{
	struct text text = {0};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct net_count *count = (const void *)((const char *)traffic + rows[i].at);
		text_add(&text, "%s=\"%ju %ju\"\n", rows[i].key, count->packets, count->bytes);
	}
	return text.s;
}

static int save(struct op *op, uint32_t ctid, const struct net_guest *guest)
{
	struct net_traffic traffic = {0};

	int r = filter_traffic(guest, &traffic, op->err);
	if (r < 0)
		return r;
	cleanup_free char *name = file_name(ctid);
	cleanup_free char *text = print(&traffic);
	if (mkdirat(op->host->pool, FOLDER, 0700) < 0 && errno != EEXIST)
		return err_set(op->err, errno, "make %s in the pool", FOLDER);
	r = io_replace_file(op->host->pool, name, text, strlen(text), 0600);
	return r < 0 ? err_set(op->err, -r, "write %s in the pool", name) : 0;
}

void traffic_save(struct op *op, uint32_t ctid, const struct net_guest *guest)
{
	struct err *outer = op->err, err = {0};

	op->err = &err;
	if (save(op, ctid, guest) < 0)
		op_warn(op, "the traffic of CT %u is not kept: %s", ctid, err.text);
	op->err = outer;
}

int traffic_forget(const struct host *host, uint32_t ctid, struct err *err)
{
	cleanup_free char *name = file_name(ctid);

	if (unlinkat(host->pool, name, 0) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove %s from the pool", name);
	return 0;
}
