/* The namespace's process does nothing but end: its zombie keeps the namespace, takes the maps and needs no killing. It
 * shares our memory and we sleep until it is gone (vfork), so that no page table is copied on the way to a VE's start.
 */
#include "runtime/base/userns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static int end_at_once(void *unused)
{
	(void)unused;
	return 0;
}

/* No exit signal: the caller's SIGCHLD handling does not hear of it, and cannot reap it before us. */
static pid_t clone_zombie(void)
{
	char stack[16384] __attribute__((aligned(16)));
	return clone(end_at_once, stack + sizeof(stack), CLONE_NEWUSER | CLONE_VM | CLONE_VFORK, NULL);
}

static int open_process(pid_t pid, struct err *err)
{
	cleanup_free char *path = str_fmt("/proc/%d", pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open %s", path);
	return fd;
}

static int write_maps(int process, uint32_t base, struct err *err)
{
	static const char *const files[] = {"uid_map", "gid_map"};
	cleanup_free char *map = str_fmt("0 %u %u\n", base, USERNS_RANGE);

	for (size_t i = 0; i < countof(files); i++) {
		int r = io_write_kernel(process, files[i], map);
		if (r < 0)
			return err_set(err, -r, "give a user namespace the ids from %u: write %s", base, files[i]);
	}
	return 0;
}

int userns_map(pid_t pid, uint32_t base, struct err *err)
{
	cleanup_fd int process = open_process(pid, err);
	if (process < 0)
		return process;
	return write_maps(process, base, err);
}

static int open_mapped(pid_t pid, uint32_t base, struct err *err)
{
	cleanup_fd int process = open_process(pid, err);
	if (process < 0)
		return process;

	int r = write_maps(process, base, err);
	if (r < 0)
		return r;

	int fd = openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open the user namespace of process %d", pid);
	return fd;
}

int userns_open(uint32_t base, struct err *err)
{
	pid_t pid = clone_zombie();
	if (pid < 0)
		return err_set(err, errno, "make a user namespace");

	int fd = open_mapped(pid, base, err);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return fd;
}
