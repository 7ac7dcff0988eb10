#include "checkpoint/task.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/lines.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static const char *const ns_names[] = {
	[TASK_NS_CGROUP] = "cgroup",
	[TASK_NS_IPC] = "ipc",
	[TASK_NS_MNT] = "mnt",
	[TASK_NS_NET] = "net",
	[TASK_NS_PID] = "pid",
	[TASK_NS_TIME] = "time",
	[TASK_NS_TIME_FOR_CHILDREN] = "time_for_children",
	[TASK_NS_USER] = "user",
	[TASK_NS_UTS] = "uts",
};
_Static_assert(countof(ns_names) == TASK_NS_COUNT, "every namespace has its name");

const char *task_ns_name(enum task_ns ns)
{
	return ns_names[ns];
}

/* NSpid and NSsid list a number for each PID namespace, the outermost first. The one at `level`, or the last. */
static size_t number_at(char *list, size_t level, pid_t *ret_number)
{
	size_t n = 0;

	for (char *save, *word = strtok_r(list, "\t ", &save); word; word = strtok_r(NULL, "\t ", &save)) {
		n++;
		if (level == 0 || n == level)
			*ret_number = atoi(word);
	}
	return n;
}

/* proc_pid_status(5) */
static void read_line(struct task *task, size_t level, char *line)
{
	char *value = strchr(line, ':');
	if (!value)
		return;
	*value++ = '\0';
	value += strspn(value, "\t ");

	if (str_eq(line, "Name"))
		snprintf(task->comm, sizeof(task->comm), "%.*s", (int)sizeof(task->comm) - 1, value);
	else if (str_eq(line, "State"))
		task->zombie = *value == 'Z' || *value == 'X';
	else if (str_eq(line, "PPid"))
		task->parent = atoi(value);
	else if (str_eq(line, "TracerPid"))
		task->tracer = atoi(value);
	else if (str_eq(line, "NSpid"))
		task->levels = number_at(value, level, &task->guest_pid);
	else if (str_eq(line, "NSsid"))
		number_at(value, level, &task->session);
}

static bool read_status(struct task *task, size_t level)
{
	cleanup_fd int fd = openat(task->fd, "status", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;

	struct lines lines;
	lines_start(&lines, fd);
	for (char *line = lines_next(&lines); line; line = lines_next(&lines))
		read_line(task, level, line);
	return task->levels > 0 && task->levels >= level;
}

static void read_namespaces(struct task *task)
{
	for (size_t i = 0; i < TASK_NS_COUNT; i++) {
		char path[32];
		struct stat st;
		snprintf(path, sizeof(path), "ns/%s", ns_names[i]);
		task->ns[i] = fstatat(task->fd, path, &st, 0) == 0 ? st.st_ino : 0;
	}
}

bool task_open(int proc, pid_t pid, size_t level, struct task *ret_task)
{
	struct task task = {.pid = pid};
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	task.fd = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (task.fd < 0)
		return false;
	if (!read_status(&task, level)) {
		task_close(&task);
		return false;
	}
	read_namespaces(&task);
	*ret_task = task;
	return true;
}

void task_close(struct task *task)
{
	task->fd = fd_close(task->fd);
}

bool task_is_in(int proc, pid_t pid, ino_t pid_ns)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "%d/ns/pid", pid);
	return fstatat(proc, path, &st, 0) == 0 && st.st_ino == pid_ns;
}

void task_object(const struct task *task, struct obstacles *obstacles, enum obstacle_kind kind, const char *object)
{
	obstacle_add(obstacles, kind, task->guest_pid, task->comm, object);
}
