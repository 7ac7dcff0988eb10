/* A row says which file keeps a limit and how the limit is written there. Text is compared with text: what stays as it
 * is costs no system call, and a fresh group has what "no limit" reads as. */
#include "quota/limits.h"

#include <ctype.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "quota/cgroup.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define CPU_PERIOD_USEC 100000u
#define CPU_WEIGHT_MAX 10000u /* cgroup-v2.rst; the least is 1 */

/* Where the CPUs of a group come from. */
struct cpus {
	cpu_set_t online; /* the node's that groups may use */
	uint64_t first;	  /* position among them */
};

static char *amount(uint64_t limit, const struct cpus *unused)
{
	(void)unused;
	return limit == LIMIT_NONE ? mem_strdup("max") : str_fmt("%" PRIu64, limit);
}

static char *cpu_time(uint64_t percent, const struct cpus *unused)
{
	(void)unused;
	if (percent == LIMIT_NONE)
		return str_fmt("max %u", CPU_PERIOD_USEC);
	return str_fmt("%" PRIu64 " %u", percent * (CPU_PERIOD_USEC / 100), CPU_PERIOD_USEC);
}

static char *cpu_weight(uint64_t units, const struct cpus *unused)
{
	(void)unused;
	if (units == LIMIT_NONE)
		return mem_strdup("100");

	uint64_t weight = units / 10;
	return str_fmt("%" PRIu64, weight < 1 ? 1 : weight > CPU_WEIGHT_MAX ? CPU_WEIGHT_MAX : weight);
}

/* `count` CPUs in a row, going on at the front after the last one. Without hyper-threads those online may be 0, 2, 4,
 * so positions are counted, not numbers. All of them are no limit: an empty list would say so, too, but the kernel
 * takes none for a group with processes that has had another. */
static char *cpu_list(uint64_t count, const struct cpus *cpus)
{
	struct text list = {0};
	uint64_t online = (uint64_t)CPU_COUNT(&cpus->online), position = 0;

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus->online))
			continue;
		if ((position++ + online - cpus->first % online) % online < count)
			text_add(&list, "%s%u", list.len ? "," : "", cpu);
	}
	text_add(&list, "\n");
	return list.s;
}

/* The order is that of writing: memory which a smaller memory.max pushes out needs the swap that it is given. */
static const struct row {
	const char *controller;
	const char *file;
	size_t offset;						/* of the limit in struct limits */
	char *(*text)(uint64_t limit, const struct cpus *cpus); /* the caller frees */
} rows[] = {
	{"cpu", "cpu.max", offsetof(struct limits, cpulimit), cpu_time},
	{"cpu", "cpu.weight", offsetof(struct limits, cpuunits), cpu_weight},
	{"cpuset", "cpuset.cpus", offsetof(struct limits, cpus), cpu_list},
	{"memory", "memory.swap.max", offsetof(struct limits, swap), amount},
	{"memory", "memory.max", offsetof(struct limits, ram), amount},
	{"pids", "pids.max", offsetof(struct limits, numproc), amount},
};

/* What every group gets. Groups that a delegate makes cost the kernel memory, and time whenever it walks them. Out of
 * memory, a group dies as a whole: nobody has to find out which part of it is missing. */
static const struct fixed {
	const char *controller;
	const char *file;
	const char *text;
} fixed[] = {
	{"cgroup", "cgroup.max.depth", "64"},
	{"cgroup", "cgroup.max.descendants", "10000"},
};

static const struct limits no_limits = {
	.ram = LIMIT_NONE,
	.swap = LIMIT_NONE,
	.cpulimit = LIMIT_NONE,
	.cpuunits = LIMIT_NONE,
	.cpus = LIMIT_NONE,
	.numproc = LIMIT_NONE,
};

static char *parent_of(const char *group)
{
	const char *slash = strrchr(group, '/');
	return slash ? str_fmt("%.*s", (int)(slash - group), group) : mem_strdup(".");
}

/* "0-3,8" */
static void parse_cpus(const char *list, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (char *rest; isdigit((unsigned char)*list); list = *rest == ',' ? rest + 1 : rest) {
		unsigned long first = strtoul(list, &rest, 10);
		unsigned long last = *rest == '-' ? strtoul(rest + 1, &rest, 10) : first;
		for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
			CPU_SET(cpu, ret);
	}
}

/* Without the controller there is still a number of CPUs, which tells whether the limit is one. */
static void find_cpus(const char *parent, cpu_set_t *ret)
{
	cleanup_free char *list = NULL;
	if (cgroup_read(parent, "cpuset.cpus.effective", &list) < 0)
		list = str_fmt("0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	parse_cpus(list, ret);
}

static char *text_of(const struct row *row, const struct limits *limits, const cpu_set_t *online)
{
	uint64_t limit;
	memcpy(&limit, (const char *)limits + row->offset, sizeof(limit));
	return row->text(limit, &(struct cpus){.online = *online, .first = limits->cpu_first});
}

/* Write a file that is there only with its controller. Without it, what is no limit needs no file. */
static int write_limit(const char *group, const char *controller, const char *file, const char *text, bool limits,
		       struct err *err)
{
	struct err reason = {0};
	int r = cgroup_write(group, file, text, &reason);

	if (r == -ENOENT) {
		cleanup_free char *parent = parent_of(group);
		if (!cgroup_has_controller(parent, controller))
			return limits ? cgroup_no_controller(controller, err) : 0;
	}
	if (r < 0 && err->kind == ERR_NONE)
		*err = reason;
	return r;
}

static int apply_row(const char *group, const struct row *row, const struct limits *wanted, const struct limits *before,
		     const cpu_set_t *online, struct err *err)
{
	cleanup_free char *text = text_of(row, wanted, online);
	cleanup_free char *old = text_of(row, before, online);
	if (str_eq(text, old))
		return 0;

	cleanup_free char *unlimited = text_of(row, &no_limits, online);
	return write_limit(group, row->controller, row->file, text, !str_eq(text, unlimited), err);
}

static int apply_fixed(const char *group, struct err *err)
{
	for (size_t i = 0; i < countof(fixed); i++) {
		int r = write_limit(group, fixed[i].controller, fixed[i].file, fixed[i].text, false, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int limits_apply(const char *group, const struct limits *wanted, const struct limits *before, struct err *err)
{
	int r = before ? 0 : apply_fixed(group, err);
	if (r < 0)
		return r;
	if (!before)
		before = &no_limits;

	cpu_set_t online;
	CPU_ZERO(&online);
	if (wanted->cpus != LIMIT_NONE || before->cpus != LIMIT_NONE) {
		cleanup_free char *parent = parent_of(group);
		find_cpus(parent, &online);
	}

	for (size_t i = 0; i < countof(rows); i++) {
		r = apply_row(group, &rows[i], wanted, before, &online, err);
		if (r < 0)
			return r;
	}
	return 0;
}
