#include "checkpoint/preflight.h"

#include "checkpoint/census.h"
#include "checkpoint/descriptor.h"
#include "checkpoint/mounts.h"
#include "checkpoint/task.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* CRIU dumps one of each of these; mnt and net it dumps as many as there are. */
static const struct {
	enum task_ns ns, whole; /* what it has to equal in init */
	enum obstacle_kind kind;
} single_ns[] = {
	{TASK_NS_CGROUP, TASK_NS_CGROUP, OBSTACLE_NS_CGROUP},
	{TASK_NS_IPC, TASK_NS_IPC, OBSTACLE_NS_IPC},
	{TASK_NS_PID, TASK_NS_PID, OBSTACLE_NS_PID},
	{TASK_NS_TIME, TASK_NS_TIME, OBSTACLE_NS_TIME},
	{TASK_NS_TIME_FOR_CHILDREN, TASK_NS_TIME, OBSTACLE_NS_TIME},
	{TASK_NS_USER, TASK_NS_USER, OBSTACLE_NS_USER},
	{TASK_NS_UTS, TASK_NS_UTS, OBSTACLE_NS_UTS},
};

/* What CRIU makes anew, and the links that a module makes in each namespace, which it passes over (criu/net.c). */
static const char *const known_links[] = {"bridge", "macvlan", "sit", "tun", "venet", "veth"};
static const char *const fallback_links[] = {"gre0", "gretap0", "lo"};

static void judge_namespaces(const struct census *census, const struct task *task, struct obstacles *obstacles)
{
	for (size_t i = 0; i < countof(single_ns); i++) {
		ino_t own = task->ns[single_ns[i].ns], of_init = census->init.ns[single_ns[i].whole];
		if (own && of_init && own != of_init)
			task_object(task, obstacles, single_ns[i].kind, "");
	}
}

/* Who traces is told by the number that the guest knows, if it is one of the guest's. */
static void note_tracer(const struct census *census, const struct task *task, struct obstacles *obstacles)
{
	struct task tracer;
	bool inside = task_open(census->proc, task->tracer, census->init.levels, &tracer);
	cleanup_free char *object = inside ? str_fmt("by process %d (%s)", tracer.guest_pid, tracer.comm)
					   : str_fmt("by process %d of the node", task->tracer);
	if (inside)
		task_close(&tracer);
	task_object(task, obstacles, OBSTACLE_TRACED, object);
}

static void judge_task(const struct preflight *preflight, const struct census *census, const struct task *task,
		       struct obstacles *obstacles)
{
	if (task->session == 0)
		task_object(task, obstacles, OBSTACLE_SESSION, "");
	if (task->tracer)
		note_tracer(census, task, obstacles);
	judge_namespaces(census, task, obstacles);
	descriptors_judge(census, task, preflight->console, obstacles);
	mappings_judge(task, obstacles);
}

/* What descends from who entered goes with him, and of a zombie nothing is left to save but its exit code. */
static void judge_origin(const struct preflight *preflight, const struct census *census, const struct task *task,
			 struct obstacles *obstacles)
{
	if (task->zombie)
		return;
	switch (census_origin(census, task)) {
	case CENSUS_BORN:
		judge_task(preflight, census, task, obstacles);
		break;
	case CENSUS_ENTERED:
		task_object(task, obstacles, OBSTACLE_ENTERED, "");
		break;
	case CENSUS_CHILD_OF_ENTERED:
		break;
	}
}

static void judge_tasks(const struct preflight *preflight, const struct census *census, struct obstacles *obstacles)
{
	for (size_t i = 0; i < census->n; i++) {
		struct task task;
		if (!task_open(census->proc, census->members[i].pid, census->init.levels, &task))
			continue;
		judge_origin(preflight, census, &task, obstacles);
		task_close(&task);
	}
}

static bool is_among(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], word))
			return true;
	return false;
}

static void judge_links(const struct preflight *preflight, struct obstacles *obstacles)
{
	for (size_t i = 0; i < preflight->n_links; i++) {
		const struct preflight_link *link = &preflight->links[i];
		if (is_among(known_links, countof(known_links), link->kind) ||
		    is_among(fallback_links, countof(fallback_links), link->name))
			continue;
		cleanup_free char *object =
			str_fmt("%s: %s", link->name, link->kind[0] ? link->kind : "a device of the node");
		obstacle_add(obstacles, OBSTACLE_LINK, 0, "", object);
	}
}

int preflight_run(const struct preflight *preflight, struct obstacles *ret_obstacles, struct err *err)
{
	cleanup_census struct census census = {.init.fd = -1};
	struct obstacles obstacles = {0};

	int r = census_take(preflight->proc, preflight->cgroup, preflight->init, &census, err);
	if (r < 0)
		return r;
	judge_tasks(preflight, &census, &obstacles);
	mounts_judge(&census.mounts, preflight->external_mounts, preflight->enabled_fs, &obstacles);
	judge_links(preflight, &obstacles);
	*ret_obstacles = obstacles;
	return 0;
}
