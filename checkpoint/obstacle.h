/* What stands in the way of a checkpoint: what CRIU does not dump, and whose owner misbehaves after a restore. One
 * table says of each kind what it is in words, whether it is fatal, and what helps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum obstacle_kind {
	OBSTACLE_IO_URING,
	OBSTACLE_BPF,
	OBSTACLE_PERF,
	OBSTACLE_USERFAULTFD,
	OBSTACLE_KERNEL_OBJECT, /* any other of anon_inode: that CRIU does not know */
	OBSTACLE_SECRET_MEMORY,
	OBSTACLE_DEVICE,
	OBSTACLE_SOCKET,
	OBSTACLE_SOCKET_PATH, /* the file of a unix socket, opened with O_PATH */
	OBSTACLE_OUTSIDE_FILE,
	OBSTACLE_OUTSIDE_PROCESS, /* a pidfd of one */
	OBSTACLE_THREAD_PIDFD,
	OBSTACLE_NAMESPACE_FILE,
	OBSTACLE_PRESSURE,
	OBSTACLE_INOTIFY,
	OBSTACLE_NS_CGROUP,
	OBSTACLE_NS_IPC,
	OBSTACLE_NS_PID,
	OBSTACLE_NS_TIME,
	OBSTACLE_NS_USER,
	OBSTACLE_NS_UTS,
	OBSTACLE_ENTERED,
	OBSTACLE_SESSION,
	OBSTACLE_TRACED,
	OBSTACLE_FS,
	OBSTACLE_BIND,
	OBSTACLE_PRESSURE_BIND,
	OBSTACLE_TERMINAL_BIND,
	OBSTACLE_LINK,
	OBSTACLE_COUNT
};

struct obstacle {
	enum obstacle_kind kind;
	pid_t pid;	  /* as the guest sees it; 0: no process, a link of the network */
	char comm[32];	  /* the process's name, printable */
	char object[160]; /* file, mount, link…, printable; "" where the kind says all */
};

/* A guest that is full of them is not listed to its end. */
#define OBSTACLES_MAX 64

struct obstacles {
	struct obstacle *items; /* OBSTACLES_MAX of them at most, in the order found; a fatal one, if there is any */
	size_t n;
	size_t left_off; /* how many more there are */
	size_t fatal;	 /* how many of all make a checkpoint fail or lose a process */
};

/* Note one; what is there already, of the same process and with the same object, is not noted again. `comm` and
 * `object` are the guest's words: what is not printable in them is replaced. */
void obstacle_add(struct obstacles *obstacles, enum obstacle_kind kind, pid_t pid, const char *comm,
		  const char *object);
void obstacles_done(struct obstacles *obstacles);
#define cleanup_obstacles __attribute__((cleanup(obstacles_done)))

/* Fatal, or only a warning: the checkpoint works, and something misbehaves afterwards. */
bool obstacle_is_fatal(enum obstacle_kind kind);
/* What helps, as an order: "stop …". */
const char *obstacle_remedy(enum obstacle_kind kind);

/* "process 12 (redis-server) has an io_uring (anon_inode:[io_uring])"; the caller frees. */
char *obstacle_text(const struct obstacle *obstacle);
