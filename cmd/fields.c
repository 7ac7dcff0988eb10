/* Widths, headers and units are those of vzctl 4's vzlist: KiB for disk space, pages for memory. */
#include "cmd/fields.h"

#include "cmd/record.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define PAGE 4096u
#define KIB 1024u

enum what {
	TEXT,
	CTID,
	SMART_NAME,
	LIST,
	FEATURES,
	NETFILTER,
	RATE,
	SENT,
	RECEIVED,
	DROPPED,
	LAVERAGE,
	UPTIME,
	CHECKPOINTABLE,
	CPULIMIT,
	CPUUNITS,
	CPUS,
	LAYOUT,
	DISABLED,
	ONBOOT,
	BOOTORDER,
	VSWAP,
	NUMPROC,
	PHYSPAGES,
	SWAPPAGES,
	DISKSPACE,
	DISKINODES,
};

enum { HELD, MAXHELD, BARRIER, LIMIT, FAILCNT, COUNTERS };
enum { USAGE, SOFT, HARD, DISK_COUNTERS };

/* clang-format off */
#define COUNTER_ROWS(name, header, what)               \
	{name, header, 10, what, 0, HELD},             \
	{name ".m", header ".M", 10, what, 0, MAXHELD}, \
	{name ".b", header ".B", 10, what, 0, BARRIER}, \
	{name ".l", header ".L", 10, what, 0, LIMIT},  \
	{name ".f", header ".F", 10, what, 0, FAILCNT}

#define DISK_ROWS(name, header, what)                \
	{name, header, 10, what, 0, USAGE},          \
	{name ".s", header ".S", 10, what, 0, SOFT}, \
	{name ".h", header ".H", 10, what, 0, HARD}

#define AT(member) offsetof(struct record, member)

const struct field field_table[] = {
	{"ctid", "CTID", 10, CTID, 0, 0},
	{"veid", "CTID", 10, CTID, 0, 0},
	{"vpsid", "CTID", 10, CTID, 0, 0},
	{"private", "PRIVATE", -32, TEXT, AT(private), 0},
	{"root", "ROOT", -32, TEXT, AT(root), 0},
	{"origin_sample", "ORIGIN_SAMPLE", -32, TEXT, AT(config.origin_sample), 0},
	{"hostname", "HOSTNAME", -32, TEXT, AT(config.hostname), 0},
	{"name", "NAME", -32, TEXT, AT(config.name), 0},
	{"smart_name", "SMARTNAME", 10, SMART_NAME, 0, 0},
	{"description", "DESCRIPTION", -32, TEXT, AT(config.description), 0},
	{"ostemplate", "OSTEMPLATE", -32, TEXT, AT(config.ostemplate), 0},
	{"ip", "IP_ADDR", -15, LIST, AT(lists[RECORD_IPS]), 0},
	{"nameserver", "NAMESERVER", -15, LIST, AT(config.nameserver), 0},
	{"searchdomain", "SEARCHDOMAIN", -15, LIST, AT(config.searchdomain), 0},
	{"status", "STATUS", -9, TEXT, AT(status), 0},
	COUNTER_ROWS("numproc", "NPROC", NUMPROC),
	COUNTER_ROWS("physpages", "PHYSP", PHYSPAGES),
	COUNTER_ROWS("swappages", "SWAPP", SWAPPAGES),
	DISK_ROWS("diskspace", "DSPACE", DISKSPACE),
	DISK_ROWS("diskinodes", "DINODES", DISKINODES),
	{"netif", "NET_INTERFACES", -32, LIST, AT(lists[RECORD_HOST_IFNAME]), 0},
	{"ifname", "IFNAME", -8, LIST, AT(lists[RECORD_IFNAME]), 0},
	{"host_ifname", "HOST_IFNAME", -16, LIST, AT(lists[RECORD_HOST_IFNAME]), 0},
	{"mac", "MAC", -17, LIST, AT(lists[RECORD_MAC]), 0},
	{"host_mac", "HOST_MAC", -17, LIST, AT(lists[RECORD_HOST_MAC]), 0},
	{"bridge", "BRIDGE", -15, LIST, AT(lists[RECORD_BRIDGE]), 0},
	{"gw", "GATEWAY", -15, LIST, AT(lists[RECORD_GW]), 0},
	{"netdev", "NETDEV", -15, LIST, AT(config.netdev), 0},
	{"ports", "PORTS", -24, LIST, AT(config.ports), 0},
	{"rate", "RATE", 10, RATE, 0, 0},
	{"sent", "SENT", 14, SENT, 0, 0},
	{"received", "RECEIVED", 14, RECEIVED, 0, 0},
	{"dropped", "DROPPED", 10, DROPPED, 0, 0},
	{"netfilter", "NETFILTER", -9, NETFILTER, 0, 0},
	{"features", "FEATURES", -15, FEATURES, AT(config.features), 0},
	{"laverage", "LAVERAGE", 14, LAVERAGE, 0, 0},
	{"uptime", "UPTIME", 15, UPTIME, 0, 0},
	{"checkpointable", "CKPT", -4, CHECKPOINTABLE, 0, 0},
	{"cpulimit", "CPULIM", 7, CPULIMIT, 0, 0},
	{"cpuunits", "CPUUNI", 7, CPUUNITS, 0, 0},
	{"cpus", "CPUS", 5, CPUS, 0, 0},
	{"layout", "LAYOUT", -7, LAYOUT, 0, 0},
	{"vswap", "VSWAP", 5, VSWAP, 0, 0},
	{"disabled", "DISABL", 6, DISABLED, 0, 0},
	{"onboot", "ONBOOT", 6, ONBOOT, 0, 0},
	{"bootorder", "BOOTORDER", 10, BOOTORDER, 0, 0},
};

const size_t field_count = countof(field_table);

/* vzlist's other fields; a counter among them has its .m .b .l .f too. */
static const char *const unsupported[] = {
	"capability", "dcachesize", "dgramrcvbuf", "iolimit", "iopslimit",
	"ioprio", "kmemsize", "lockedpages", "mount_opts", "numfile",
	"numflock", "numiptent", "numothersock", "numpty", "numsiginfo", "numtcpsock",
	"oomguarpages", "othersockbuf", "privvmpages", "shmpages", "tcprcvbuf", "tcpsndbuf",
	"vm_overcommit", "vmguarpages",
};
/* clang-format on */

static bool given(const struct record *record, const char *key)
{
	return param_given(&config_table, param_by_key(&config_table, key), &record->config);
}

static uint64_t if_given(const struct record *record, const char *key, uint64_t number)
{
	return given(record, key) ? number : CELL_UNKNOWN;
}

static uint64_t in_units(uint64_t number, unsigned unit)
{
	return number == RECORD_UNKNOWN ? CELL_UNKNOWN : number / unit;
}

/* A limit that is not given is none. */
static uint64_t limit(const struct record *record, const char *key, uint64_t number, unsigned unit)
{
	return !given(record, key) || number == PARAM_UNLIMITED ? CELL_UNLIMITED : number / unit;
}

/* Of a VE that does not run nothing is held: JSON says 0, a column `-`. */
static struct cell counter(const struct record *record, const struct counter *counter, unsigned unit,
			   const uint64_t bounds[2], int part)
{
	bool running = record_running(record);
	const uint64_t numbers[COUNTERS] = {
		[HELD] = running ? in_units(counter->held, unit) : 0,
		[MAXHELD] = running ? in_units(counter->maxheld, unit) : 0,
		[BARRIER] = bounds[0],
		[LIMIT] = bounds[1],
		[FAILCNT] = running ? counter->failcnt : 0,
	};
	static const char *const names[] = {"held", "maxheld", "barrier", "limit", "failcnt"};

	if (part == HELD)
		return cell_group(names, numbers, countof(names), running);
	return cell_number(running || part == BARRIER || part == LIMIT ? numbers[part] : CELL_UNKNOWN);
}

static struct cell disk(const struct record *record, const char *key, const struct disk_counter *counter,
			const struct bounds *bounds, unsigned unit, int part)
{
	const uint64_t numbers[DISK_COUNTERS] = {
		[USAGE] = in_units(counter->usage, unit),
		[SOFT] = limit(record, key, bounds->barrier, unit),
		[HARD] = limit(record, key, bounds->limit, unit),
	};
	static const char *const names[] = {"usage", "softlimit", "hardlimit"};

	if (!given(record, key) && counter->usage == RECORD_UNKNOWN)
		return cell_text(NULL);
	if (part == USAGE)
		return cell_group(names, numbers, countof(names), true);
	return cell_number(numbers[part]);
}

static struct cell numproc(const struct record *r, int part)
{
	const uint64_t bounds[] = {
		limit(r, "NUMPROC", r->config.numproc.barrier, 1),
		limit(r, "NUMPROC", r->config.numproc.limit, 1),
	};
	return counter(r, &r->numproc, 1, bounds, part);
}

/* The barrier of RAM and of swap is always 0. */
static struct cell memory(const struct record *r, const char *key, const struct counter *held, uint64_t bytes, int part)
{
	const uint64_t bounds[] = {0, limit(r, key, bytes, PAGE)};
	return counter(r, held, PAGE, bounds, part);
}

static struct cell load(const struct record *r)
{
	if (r->load[0] < 0)
		return cell_text(NULL);
	return (struct cell){.kind = CELL_LOAD, .load = {r->load[0], r->load[1], r->load[2]}};
}

/* Both families together, bytes first. */
static struct cell traffic(const struct record *r, const struct net_count *v4, const struct net_count *v6)
{
	static const char *const names[] = {"bytes", "packets"};
	const uint64_t numbers[] = {v4->bytes + v6->bytes, v4->packets + v6->packets};

	return r->has_traffic ? cell_group(names, numbers, countof(names), true) : cell_text(NULL);
}

static struct cell dropped(const struct record *r)
{
	static const char *const names[] = {"packets", "bytes"};
	const uint64_t numbers[] = {r->traffic.dropped.packets, r->traffic.dropped.bytes};

	return r->has_traffic ? cell_group(names, numbers, countof(names), true) : cell_text(NULL);
}

static const char *netfilter(const struct record *r)
{
	const struct param *row = param_by_key(&config_table, "NETFILTER");
	return param_given(&config_table, row, &r->config) ? row->words[r->config.netfilter] : NULL;
}

static const char *layout(const struct record *r)
{
	return param_by_key(&config_table, "VE_LAYOUT")->words[r->config.layout];
}

struct cell field_get(const void *record, const struct field *field)
{
	const struct record *r = record;

	switch ((enum what)field->what) {
	case TEXT:
		return cell_text(*(char *const *)((const char *)record + field->at));
	case CTID:
		return cell_number(r->ctid);
	case SMART_NAME:
		return r->config.name ? cell_text(r->config.name) : cell_number(r->ctid);
	case LIST:
		return (struct cell){.kind = CELL_LIST, .text = *(char *const *)((const char *)record + field->at)};
	case FEATURES:
		return (struct cell){.kind = CELL_FLAGS, .text = r->config.features};
	case NETFILTER:
		return cell_text(netfilter(r));
	case RATE: /* Kbit/s, as in RATE */
		return cell_number(r->config.rate ? r->config.rate / 1000 : CELL_UNKNOWN);
	case SENT:
		return traffic(r, &r->traffic.sent4, &r->traffic.sent6);
	case RECEIVED:
		return traffic(r, &r->traffic.received4, &r->traffic.received6);
	case DROPPED:
		return dropped(r);
	case LAVERAGE:
		return load(r);
	case UPTIME:
		return (struct cell){.kind = CELL_UPTIME, .seconds = record_running(r) ? r->uptime : -1};
	case CHECKPOINTABLE:
		return r->has_checkpointable ? cell_bool(r->checkpointable) : cell_text(NULL);
	case CPULIMIT:
		return cell_number(if_given(r, "CPULIMIT", r->config.cpulimit));
	case CPUUNITS:
		return cell_number(if_given(r, "CPUUNITS", r->config.cpuunits));
	case CPUS:
		return cell_count(r->config.cpus);
	case LAYOUT:
		return cell_text(layout(r));
	case ONBOOT: /* vzctl has no word for "as it was" */
		return r->config.onboot == ONBOOT_AUTO ? cell_text(NULL) : cell_bool(r->config.onboot == ONBOOT_YES);
	case BOOTORDER:
		return cell_number(if_given(r, "BOOTORDER", r->config.bootorder));
	case DISABLED:
		return cell_bool(r->config.disabled);
	case VSWAP: /* vzctl's question: is memory limited as a whole? */
		return cell_bool(given(r, "PHYSPAGES") && r->config.ram != PARAM_UNLIMITED);
	case NUMPROC:
		return numproc(r, field->part);
	case PHYSPAGES:
		return memory(r, "PHYSPAGES", &r->physpages, r->config.ram, field->part);
	case SWAPPAGES:
		return memory(r, "SWAPPAGES", &r->swappages, r->config.swap, field->part);
	case DISKSPACE:
		return disk(r, "DISKSPACE", &r->diskspace, &r->config.diskspace, KIB, field->part);
	case DISKINODES:
		return disk(r, "DISKINODES", &r->diskinodes, &r->config.diskinodes, 1, field->part);
	}
	return cell_text(NULL);
}

static bool is_unsupported(const char *name)
{
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < countof(unsupported); i++)
		if (strlen(unsupported[i]) == len && strncmp(unsupported[i], name, len) == 0)
			return true;
	return false;
}

int field_find(const char *name, const char *what, const struct field **ret, struct err *err)
{
	for (size_t i = 0; i < field_count; i++) {
		if (str_eq(field_table[i].name, name)) {
			*ret = &field_table[i];
			return 0;
		}
	}
	if (is_unsupported(name))
		return err_say(err, ERR_NOT_SUPPORTED, "Field `%s' is not supported yet", name);
	return err_say(err, ERR_BAD_VALUE, "%s: %s", what, name);
}

int field_parse(const char *names, bool json, const struct field ***ret, size_t *ret_n, struct err *err)
{
	cleanup_free const struct field **fields = NULL;
	cleanup_free char *copy = mem_strdup(names);
	size_t n = 0;
	char *rest = copy, *name;

	while ((name = strsep(&rest, ","))) {
		const struct field *field;
		int r = field_find(name, "Unknown field", &field, err);
		if (r < 0)
			return r;
		if (json && field->part != 0)
			return err_say(err, ERR_BAD_VALUE, "Field `%s' is not available in JSON output", name);
		fields = mem_grow(fields, n + 1, sizeof(struct field *));
		fields[n++] = field;
	}
	*ret = steal_ptr(fields);
	*ret_n = n;
	return 0;
}

unsigned field_needs(const struct field *field)
{
	if (field->what == CHECKPOINTABLE)
		return FIELD_CHECKPOINTABLE;
	return field->what == SENT || field->what == RECEIVED || field->what == DROPPED ? FIELD_TRAFFIC : 0;
}

void field_json(const struct field ***ret, size_t *ret_n)
{
	const struct field **fields = mem_zero(field_count, sizeof(struct field *));
	size_t n = 0;

	for (size_t i = 0; i < field_count; i++)
		if (field_table[i].part == 0 && !field_needs(&field_table[i]))
			fields[n++] = &field_table[i];
	*ret = fields;
	*ret_n = n;
}
