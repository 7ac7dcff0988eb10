#include "checkpoint/obstacle.h"

#include <stdlib.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

enum { WARNING, FATAL };

/* The words follow "process 12 (name) has". */
static const struct row {
	const char *words;
	int severity;
	const char *remedy;
} rows[] = {
	[OBSTACLE_IO_URING] = {"an io_uring", FATAL,
			       "stop the process, or configure it to use epoll or threads for its I/O"},
	[OBSTACLE_BPF] = {"a BPF program or map", FATAL, "stop the process"},
	[OBSTACLE_PERF] = {"a performance counter", FATAL, "stop the profiler"},
	[OBSTACLE_USERFAULTFD] = {"a userfaultfd", FATAL, "stop the process"},
	[OBSTACLE_KERNEL_OBJECT] = {"an object of the kernel that cannot be saved", FATAL, "stop the process"},
	[OBSTACLE_SECRET_MEMORY] = {"secret memory (memfd_secret)", FATAL, "stop the process"},
	[OBSTACLE_DEVICE] = {"a device that cannot be saved", FATAL, "stop the process"},
	[OBSTACLE_SOCKET] = {"a socket of a protocol that cannot be saved", FATAL, "stop the process"},
	[OBSTACLE_SOCKET_PATH] = {"the file of a socket open as a mere path", FATAL, "stop the process"},
	[OBSTACLE_OUTSIDE_FILE] = {"a file open that lies on none of its mounts", FATAL,
				   "stop or restart the process: it holds a file of the node's, or of a file "
				   "system that was unmounted under it"},
	[OBSTACLE_OUTSIDE_PROCESS] = {"a pidfd of a process of the node's", FATAL, "stop the process"},
	[OBSTACLE_THREAD_PIDFD] = {"a pidfd of a thread", FATAL, "stop the process"},
	[OBSTACLE_NAMESPACE_FILE] = {"a namespace open that no process is in", FATAL, "stop or restart the process"},
	[OBSTACLE_PRESSURE] = {"a trigger on resource pressure, of which it will hear without end after the restore",
			       WARNING,
			       "for a service of systemd set MemoryPressureWatch=off; for systemd itself set "
			       "MEMORY_PRESSURE_WATCH=/dev/null in its environment; or restart it after the restore"},
	[OBSTACLE_INOTIFY] = {"a watch on a file that may not be found again", WARNING,
			      "mount the overlay with index=on,nfs_export=on, or stop the process"},
	[OBSTACLE_NS_CGROUP] = {"a cgroup namespace of its own", FATAL,
				"for a service of systemd set ProtectControlGroups=no"},
	[OBSTACLE_NS_IPC] = {"an IPC namespace of its own", FATAL, "for a service of systemd set PrivateIPC=no"},
	[OBSTACLE_NS_PID] = {"a PID namespace of its own", FATAL,
			     "for a service of systemd set PrivatePIDs=no; stop containers inside"},
	[OBSTACLE_NS_TIME] = {"a time namespace of its own", FATAL, "stop the process"},
	[OBSTACLE_NS_USER] = {"a user namespace of its own", FATAL,
			      "for a service of systemd set PrivateUsers=no; stop containers and sandboxes inside"},
	[OBSTACLE_NS_UTS] = {"a UTS namespace of its own", FATAL, "for a service of systemd set ProtectHostname=no"},
	[OBSTACLE_ENTERED] = {"entered from outside and would be lost", FATAL,
			      "end the session that it belongs to, or let --force do so"},
	[OBSTACLE_SESSION] = {"a session whose leader is outside", FATAL,
			      "stop the process, and start it with setsid or as a service"},
	[OBSTACLE_TRACED] = {"a debugger attached", FATAL, "detach the debugger (gdb, strace)"},
	[OBSTACLE_FS] = {"a file system mounted that cannot be saved", FATAL, "unmount it"},
	[OBSTACLE_BIND] = {"something mounted that is not of its own file systems", FATAL, "unmount it"},
	[OBSTACLE_PRESSURE_BIND] = {"a file of its cgroup mounted, which cannot be restored", FATAL,
				    "for a service of systemd set MemoryPressureWatch=off and "
				    "ProtectControlGroups=no"},
	[OBSTACLE_TERMINAL_BIND] = {"a terminal mounted that nobody holds the other end of any more", FATAL,
				    "restart the container: its console was lost with a vzd that nobody kept it for"},
	[OBSTACLE_LINK] = {"a link of a kind that cannot be saved", FATAL, "remove the link"},
};
_Static_assert(countof(rows) == OBSTACLE_COUNT, "every kind has its row");

bool obstacle_is_fatal(enum obstacle_kind kind)
{
	return rows[kind].severity == FATAL;
}

const char *obstacle_remedy(enum obstacle_kind kind)
{
	return rows[kind].remedy;
}

/* Printable ASCII only: what a terminal does with the rest is up to who named the file. */
static void copy_printable(char *to, size_t size, const char *from)
{
	size_t i;
	for (i = 0; i < size - 1 && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

static bool is_noted(const struct obstacles *obstacles, const struct obstacle *obstacle)
{
	for (size_t i = 0; i < obstacles->n; i++) {
		const struct obstacle *noted = &obstacles->items[i];
		if (noted->kind == obstacle->kind && noted->pid == obstacle->pid &&
		    str_eq(noted->object, obstacle->object))
			return true;
	}
	return false;
}

void obstacle_add(struct obstacles *obstacles, enum obstacle_kind kind, pid_t pid, const char *comm, const char *object)
{
	struct obstacle obstacle = {.kind = kind, .pid = pid};

	copy_printable(obstacle.comm, sizeof(obstacle.comm), comm);
	copy_printable(obstacle.object, sizeof(obstacle.object), object);
	if (is_noted(obstacles, &obstacle))
		return;

	obstacles->fatal += obstacle_is_fatal(kind);
	if (obstacles->n == OBSTACLES_MAX) {
		obstacles->left_off++;
		if (obstacle_is_fatal(kind) && obstacles->fatal == 1)
			obstacles->items[OBSTACLES_MAX - 1] = obstacle;
		return;
	}
	obstacles->items = mem_grow(obstacles->items, obstacles->n + 1, sizeof(obstacle));
	obstacles->items[obstacles->n++] = obstacle;
}

void obstacles_done(struct obstacles *obstacles)
{
	free(obstacles->items);
	*obstacles = (struct obstacles){0};
}

char *obstacle_text(const struct obstacle *obstacle)
{
	struct text text = {0};

	if (obstacle->pid)
		text_add(&text, "process %d (%s) has ", obstacle->pid, obstacle->comm);
	else
		text_add(&text, "the network has ");
	text_add(&text, "%s", rows[obstacle->kind].words);
	if (obstacle->object[0])
		text_add(&text, " (%s)", obstacle->object);
	return text.s;
}
