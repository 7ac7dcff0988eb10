/* One process of the guest, as /proc shows it to the node. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "checkpoint/obstacle.h"

/* The namespaces that a process has but one of; mnt and net are the two of which CRIU dumps several. */
enum task_ns {
	TASK_NS_CGROUP,
	TASK_NS_IPC,
	TASK_NS_MNT,
	TASK_NS_NET,
	TASK_NS_PID,
	TASK_NS_TIME,
	TASK_NS_TIME_FOR_CHILDREN,
	TASK_NS_USER,
	TASK_NS_UTS,
	TASK_NS_COUNT
};

struct task {
	int fd; /* its directory in /proc: of this process, also when its number is another's by now */
	pid_t pid, parent, tracer; /* as /proc numbers them; tracer 0: none */
	size_t levels;		   /* how many PID namespaces it has a number in, from that of /proc */
	pid_t guest_pid;	   /* in the PID namespace of the guest's init */
	pid_t session;		   /* there; 0: the leader is outside */
	bool zombie;
	char comm[32];
	ino_t ns[TASK_NS_COUNT]; /* 0: this kernel has none */
};

/* Open process `pid`. `level` is how many PID namespaces the guest's init has a number in, 0 for init itself. False
 * when it has ended or is none of the guest. */
bool task_open(int proc, pid_t pid, size_t level, struct task *ret_task);
void task_close(struct task *task);

/* Is `pid` in this PID namespace? */
bool task_is_in(int proc, pid_t pid, ino_t pid_ns);

/* The name of a namespace in /proc/PID/ns. */
const char *task_ns_name(enum task_ns ns);

/* Note an obstacle of the task. */
void task_object(const struct task *task, struct obstacles *obstacles, enum obstacle_kind kind, const char *object);
