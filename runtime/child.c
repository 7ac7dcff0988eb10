#include "runtime/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/creds.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/caps.h"
#include "runtime/seccomp.h"
#include "templates/dist.h"

/* `container` is how systemd (CONTAINER_INTERFACE) and others learn where they are. */
static char *const init_environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/",
	"TERM=linux",
	"container=openve",
};

/* systemd's own init would wait for pressure on its cgroup, on a file that CRIU cannot open again
 * (systemd.resource-control(5)). */
static char *const dumpable_environment[] = {
	"MEMORY_PRESSURE_WATCH=/dev/null",
	"CPU_PRESSURE_WATCH=/dev/null",
	"IO_PRESSURE_WATCH=/dev/null",
};

static int report(const struct child *child, enum child_phase phase, int fd, const struct err *warning)
{
	struct child_message message = {.phase = phase, .err = *warning};
	char go;

	if (io_send(child->sync, &message, sizeof(message), &fd, fd >= 0 ? 1 : 0) < 0)
		return -EPIPE;
	return read(child->sync, &go, 1) == 1 ? 0 : -EPIPE;
}

/* The cgroup namespace's root is the group we are in now: clone3 puts us there only after it has copied the parent's.
 * The time namespace is entered at exec, its offsets must stand before. */
static int unshare_late(struct err *err)
{
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWTIME) < 0)
		return err_set(err, errno, "make the cgroup and time namespaces");
	return 0;
}

static int take_console(int slave, struct err *err)
{
	if (setsid() < 0)
		return err_set(err, errno, "start a session");
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(slave, fd) < 0)
			return err_set(err, errno, "make the console descriptor %d", fd);
	return 0;
}

static int limit_namespaces(struct err *err)
{
	cleanup_fd int proc = rootfs_proc(err);
	return proc < 0 ? proc : caps_limit_namespaces(proc, err);
}

/* The session keyring is inherited over clone and exec; a fresh, anonymous one holds nothing of the node's. */
static int leave_keyring(struct err *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return err_set(err, errno, "leave the node's session keyring");
	return 0;
}

int child_confine(const struct seccomp *seccomp, struct err *err)
{
	int r;

	umask(022);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_set(err, errno, "close what is not the VE's");
	if ((r = leave_keyring(err)) < 0 || (r = caps_limit_init(err)) < 0 || (r = caps_drop(err)) < 0)
		return r;
	return seccomp_install(seccomp, err);
}

static int build(const struct child *child, int *ret_master, int *ret_slave, struct err *err)
{
	int r;
	if ((r = creds_root(err)) < 0 || (r = rootfs_enter(&child->rootfs, err)) < 0 ||
	    (r = rootfs_console(ret_master, ret_slave, err)) < 0)
		return r;
	if (sethostname(child->hostname, strlen(child->hostname)) < 0)
		return err_is(err, ERR_BAD_HOSTNAME, err_set(err, errno, "set the host name \"%s\"", child->hostname));
	return limit_namespaces(err);
}

static int exec_init(const struct child *child, struct err *err)
{
	char *argv[] = {(char *)(uintptr_t)child->init, NULL};
	char *environment[countof(init_environment) + countof(dumpable_environment) + 1] = {0};

	memcpy(environment, init_environment, sizeof(init_environment));
	if (child->dumpable)
		memcpy(environment + countof(init_environment), dumpable_environment, sizeof(dumpable_environment));
	execve(child->init, argv, environment);
	return err_set(err, errno, "exec %s in the VE", child->init);
}

static int become_init(const struct child *child, struct err *err)
{
	cleanup_fd int master = -1, slave = -1;
	struct err warning = {0};

	int r = unshare_late(err);
	if (r < 0 || (r = report(child, CHILD_UNSHARED, -1, &warning)) < 0)
		return r;
	if ((r = build(child, &master, &slave, err)) < 0)
		return r;
	/* A full disk or a bad file is the VE's own trouble, and no reason not to start. */
	dist_write(child->rootfs.root, child->names, &warning);
	if ((r = report(child, CHILD_BUILT, master, &warning)) < 0)
		return r;
	if ((r = take_console(slave, err)) < 0 || (r = child_confine(child->seccomp, err)) < 0)
		return r;
	return exec_init(child, err);
}

void child_run(const struct child *child)
{
	struct child_message message = {.phase = CHILD_FAILED};

	if (become_init(child, &message.err) < 0 && message.err.kind != ERR_NONE)
		io_send(child->sync, &message, sizeof(message), NULL, 0);
	_exit(1);
}
