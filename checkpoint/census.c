#include "checkpoint/census.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/lines.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* Each level takes a descriptor. systemd nests half a dozen. */
#define DEPTH_MAX 100

static void add_member(struct census *census, const char *line)
{
	struct census_member member = {.pid = atoi(line)};
	if (member.pid <= 0)
		return;
	if ((census->n & (census->n - 1)) == 0)
		census->members = mem_grow(census->members, census->n ? 2 * census->n : 1, sizeof(*census->members));
	census->members[census->n++] = member;
}

/* In a threaded group reading fails with EOPNOTSUPP: its processes are listed by a group above. */
static void read_procs(struct census *census, int group)
{
	cleanup_fd int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;

	struct lines lines;
	lines_start(&lines, fd);
	for (const char *line = lines_next(&lines); line; line = lines_next(&lines))
		add_member(census, line);
}

static bool is_group(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

static int walk(struct census *census, int group, unsigned depth, struct err *err);

static int walk_children(struct census *census, DIR *dir, unsigned depth, struct err *err)
{
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!is_group(entry))
			continue;
		cleanup_fd int child = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r = child < 0 ? 0 : walk(census, child, depth + 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk(struct census *census, int group, unsigned depth, struct err *err)
{
	if (depth > DEPTH_MAX)
		return err_say(err, ERR_NO_RESOURCE, "cgroups are nested more than %d deep", DEPTH_MAX);
	read_procs(census, group);

	cleanup_fd int fd = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return depth > 0 && errno == ENOENT ? 0 : err_set(err, errno, "read a cgroup");
	steal_fd(&fd);

	int r = walk_children(census, dir, depth, err);
	closedir(dir);
	return r;
}

static int compare_members(const void *a, const void *b)
{
	const struct census_member *x = a, *y = b;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int compare_inodes(const void *a, const void *b)
{
	const ino_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static struct census_member *find(const struct census *census, pid_t pid)
{
	const struct census_member key = {.pid = pid};
	return census->n ? bsearch(&key, census->members, census->n, sizeof(key), compare_members) : NULL;
}

/* Most processes have all namespaces of init. */
static void add_namespaces(struct census *census, const struct task *task)
{
	for (size_t i = 0; i < TASK_NS_COUNT; i++) {
		if (task->pid != census->init.pid && task->ns[i] == census->init.ns[i])
			continue;
		census->namespaces = mem_grow(census->namespaces, census->n_namespaces + 1, sizeof(ino_t));
		census->namespaces[census->n_namespaces++] = task->ns[i];
	}
}

static int look_at(struct census *census, struct task *task, struct err *err)
{
	add_namespaces(census, task);
	int r = mounts_add(&census->mounts, task, err);
	task_close(task);
	return r;
}

static int look_at_init(struct census *census, pid_t init, struct err *err)
{
	if (!task_open(census->proc, init, 0, &census->init) || census->init.zombie) {
		task_close(&census->init);
		return err_set(err, ESRCH, "look at process %d", init);
	}
	return look_at(census, &census->init, err);
}

static int look_at_members(struct census *census, struct err *err)
{
	for (size_t i = 0; i < census->n; i++) {
		struct census_member *member = &census->members[i];
		struct task task;
		if (!task_open(census->proc, member->pid, census->init.levels, &task))
			continue;
		member->parent = task.parent;
		int r = look_at(census, &task, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take(struct census *census, int cgroup, pid_t init, struct err *err)
{
	int r = look_at_init(census, init, err);
	if (r == 0)
		r = walk(census, cgroup, 0, err);
	if (r < 0)
		return r;

	if (census->n > 0)
		qsort(census->members, census->n, sizeof(*census->members), compare_members);
	if (!find(census, init))
		return err_say(err, ERR_SYSTEM, "process %d is not in its cgroup", init);
	r = look_at_members(census, err);
	mounts_sort(&census->mounts);
	qsort(census->namespaces, census->n_namespaces, sizeof(ino_t), compare_inodes);
	return r;
}

int census_take(int proc, int cgroup, pid_t init, struct census *ret_census, struct err *err)
{
	struct census census = {.proc = proc, .init.fd = -1};

	int r = take(&census, cgroup, init, err);
	if (r < 0) {
		census_done(&census);
		return r;
	}
	*ret_census = census;
	return 0;
}

void census_done(struct census *census)
{
	free(census->members);
	free(census->namespaces);
	mounts_done(&census->mounts);
	*census = (struct census){.init.fd = -1};
}

bool census_has(const struct census *census, pid_t pid)
{
	return find(census, pid) || task_is_in(census->proc, pid, census->init.ns[TASK_NS_PID]);
}

bool census_has_namespace(const struct census *census, ino_t ns)
{
	return bsearch(&ns, census->namespaces, census->n_namespaces, sizeof(ns), compare_inodes);
}

enum census_origin census_origin(const struct census *census, const struct task *task)
{
	pid_t pid = task->pid, parent = task->parent;

	/* Parents form a tree, but they were not all looked at in one moment. */
	for (size_t steps = 0; pid != census->init.pid && steps <= census->n; steps++) {
		const struct census_member *member = find(census, parent);
		if (!member && parent != census->init.pid)
			return census_has(census, parent) ? CENSUS_BORN
			       : pid == task->pid	  ? CENSUS_ENTERED
							  : CENSUS_CHILD_OF_ENTERED;
		pid = parent;
		parent = member ? member->parent : 0;
	}
	return CENSUS_BORN;
}
