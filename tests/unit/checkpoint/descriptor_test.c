/* Descriptors and mappings, held by a process and found by what /proc shows of it. */
#include "tests/unit/unit.h"

#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "tests/unit/checkpoint/guest.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static int bind_unix(int type, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", place, name);
	int fd = socket(AF_UNIX, type, 0);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : fd;
}

static int deleted_file(const char *name)
{
	cleanup_free char *path = path_in_place(name);
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	return fd < 0 || unlink(path) < 0 ? -errno : fd;
}

/* All of this is saved by CRIU. */
static int hold_what_is_fine(void)
{
	int ends[2], epoll = epoll_create1(0), event = eventfd(0, 0);
	struct epoll_event interest = {.events = EPOLLIN};
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	sigset_t signals;
	sigemptyset(&signals);

	int r = result(pipe(ends) | socketpair(AF_UNIX, SOCK_STREAM, 0, ends) |
		       socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) |
		       epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest));
	if (r < 0 || signalfd(-1, &signals, 0) < 0 || timerfd_create(CLOCK_MONOTONIC, 0) < 0)
		return -EIO;
	int watch = inotify_init1(0);
	if (inotify_add_watch(watch, place, IN_CREATE) < 0)
		return -errno;
	fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);

	int listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(listener, 5) < 0)
		return -errno;
	static const int sockets[][3] = {
		{AF_INET, SOCK_STREAM, 0},
		{AF_INET, SOCK_DGRAM, 0},
		{AF_INET, SOCK_RAW, IPPROTO_ICMP},
		{AF_INET6, SOCK_STREAM, 0},
		{AF_INET6, SOCK_DGRAM, 0},
		{AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
		{AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE},
		{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
		{AF_NETLINK, SOCK_RAW, 0},
		{AF_PACKET, SOCK_RAW, 0},
		{AF_UNIX, SOCK_DGRAM, 0},
	};
	for (size_t i = 0; i < countof(sockets); i++)
		socket(sockets[i][0], sockets[i][1], sockets[i][2]);
	if (bind_unix(SOCK_STREAM, "stream") < 0 || bind_unix(SOCK_DGRAM, "datagram") < 0)
		return -EIO;

	int memfd = memfd_create("fine", 0), huge = memfd_create("huge", MFD_HUGETLB);
	if (ftruncate(memfd, 8192) < 0 || mmap(NULL, 8192, PROT_READ, MAP_SHARED, memfd, 0) == MAP_FAILED)
		return -errno;
	(void)huge;
	int deleted = deleted_file("deleted"), zero = open("/dev/zero", O_RDWR);
	if (deleted < 0 || ftruncate(deleted, 4096) < 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, deleted, 0) == MAP_FAILED ||
	    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, zero, 0) == MAP_FAILED ||
	    mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return -errno;
	int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	shmat(segment, NULL, 0);
	shmctl(segment, IPC_RMID, NULL);

	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (grantpt(master) < 0 || unlockpt(master) < 0 || open(ptsname(master), O_RDWR | O_NOCTTY) < 0)
		return -errno;
	cleanup_free char *fifo = path_in_place("fifo"), *deep = path_in_place("not.pressure");
	mkfifo(fifo, 0600);
	if (open(fifo, O_RDWR) < 0 || open(deep, O_CREAT | O_RDWR, 0600) < 0)
		return -errno;
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	waitpid(child, NULL, 0);
	if (pidfd < 0 || syscall(SYS_pidfd_open, getpid(), 0) < 0)
		return -errno;
	open("/proc/pressure/cpu", O_RDONLY);
	const char *const paths[] = {"/",	  "/proc/self/status", "/proc/self/ns/net", "/proc/self/ns/pid",
				     "/dev/full", "/dev/random"};
	for (size_t i = 0; i < countof(paths); i++)
		if (open(paths[i], O_RDONLY) < 0)
			return -errno;
	return open("/dev/ptmx", O_PATH) < 0 ? -errno : 0;
}

TEST(an_ordinary_process_has_no_obstacle)
{
	cleanup_guest struct guest guest = guest_new(hold_what_is_fine, false);

	assert_int_equal(guest.refused, 0);
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words, "");
}

static int io_uring(void)
{
	struct io_uring_params parameters = {0};
	return result(syscall(SYS_io_uring_setup, 4, &parameters));
}

static int hold_io_uring(void)
{
	int fd = io_uring();
	return fd < 0 ? fd : 0;
}

static int map_and_close(int fd, size_t size, off_t offset)
{
	if (fd < 0)
		return fd;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	int r = p == MAP_FAILED ? -errno : 0;
	close(fd);
	return r;
}

static int hold_mapped_io_uring(void)
{
	return map_and_close(io_uring(), 4096, IORING_OFF_SQ_RING);
}

static int hold_bpf(void)
{
	union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = result(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
	return fd < 0 ? fd : 0;
}

static int hold_perf(void)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .config = PERF_COUNT_SW_TASK_CLOCK};
	int fd = result(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
	return fd < 0 ? fd : 0;
}

static int hold_userfaultfd(void)
{
	int fd = result(syscall(SYS_userfaultfd, 0));
	return fd < 0 ? fd : 0;
}

static int hold_kernel_object(void)
{
	int fd = result(fsopen("tmpfs", 0));
	return fd < 0 ? fd : 0;
}

static int secret_memory(void)
{
	int fd = result(syscall(SYS_memfd_secret, 0));
	return fd < 0 || ftruncate(fd, 4096) == 0 ? fd : -errno;
}

static int hold_secret_memory(void)
{
	int fd = secret_memory();
	return fd < 0 ? fd : 0;
}

static int hold_mapped_secret_memory(void)
{
	return map_and_close(secret_memory(), 4096, 0);
}

/* The node of a device needs no device behind it to be opened as a path. */
static int hold_node(mode_t type, unsigned major, unsigned minor)
{
	cleanup_free char *path = path_in_place("node");
	return mknod(path, type | 0600, makedev(major, minor)) < 0 || open(path, O_PATH) < 0 ? -errno : 0;
}

static int hold_kvm(void)
{
	return hold_node(S_IFCHR, 10, 232);
}

static int hold_disk(void)
{
	return hold_node(S_IFBLK, 8, 0);
}

static int hold_tun(void)
{
	return hold_node(S_IFCHR, 10, 200);
}

static int hold_socket(int family, int type, int protocol)
{
	int fd = result(socket(family, type, protocol));
	return fd < 0 ? fd : 0;
}

static int hold_vsock(void)
{
	return hold_socket(AF_VSOCK, SOCK_STREAM, 0);
}

static int hold_mptcp(void)
{
	return hold_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
}

static int hold_alg(void)
{
	return hold_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static int hold_socket_path(void)
{
	cleanup_free char *path = path_in_place("bound");
	int fd = bind_unix(SOCK_STREAM, "bound");
	return fd < 0 ? fd : open(path, O_PATH) < 0 ? -errno : close(fd);
}

/* A file of a mount that is gone, of a device or terminal bound there, and so on. */
static int hold_detached(const char *source)
{
	cleanup_free char *path = path_in_place("file");
	int r = own_mounts(), fd = open(path, O_CREAT | O_RDWR, 0600);
	if (r < 0 || fd < 0)
		return r < 0 ? r : -errno;
	close(fd);
	if (mount(source, path, NULL, MS_BIND, NULL) < 0 || open(path, O_RDWR | O_NOCTTY) < 0)
		return -errno;
	return result(umount2(path, MNT_DETACH));
}

static int hold_outside_file(void)
{
	cleanup_free char *path = path_in_place("data");
	int r = mount_place("tmpfs", NULL);
	if (r < 0)
		return r;
	return open(path, O_CREAT | O_RDWR, 0600) < 0 ? -errno : result(umount2(place, MNT_DETACH));
}

static int hold_outside_null(void)
{
	return hold_detached("/dev/null");
}

static int hold_outside_terminal(void)
{
	return hold_detached(terminal);
}

static int hold_thread_pidfd(void)
{
	int fd = result(syscall(SYS_pidfd_open, getpid(), PIDFD_THREAD));
	return fd < 0 ? fd : 0;
}

static int hold_namespace_file(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY);
	if (unshare(CLONE_NEWNET) < 0 || open("/proc/self/ns/net", O_RDONLY) < 0)
		return -errno;
	return result(setns(home, CLONE_NEWNET));
}

static int hold_pressure(void)
{
	return open("/proc/pressure/memory", O_RDWR) < 0 ? -errno : 0;
}

static int hold_cgroup_pressure(void)
{
	cleanup_free char *path = path_in_place("cpu.pressure");
	int r = mount_place("cgroup2", NULL);
	return r < 0 ? r : open(path, O_RDWR) < 0 ? -errno : 0;
}

static int watch_overlay(const char *more)
{
	int r = mount_place("tmpfs", NULL);
	if (r < 0)
		return r;
	cleanup_free char *upper = path_in_place("upper"), *lower = path_in_place("lower"),
			  *merged = path_in_place("merged"), *file = path_in_place("lower/file"),
			  *options = str_fmt("lowerdir=%s:%s%s", upper, lower, more);
	if (mkdir(upper, 0700) < 0 || mkdir(lower, 0700) < 0 || mkdir(merged, 0700) < 0 || mkdir(file, 0700) < 0 ||
	    mount("overlay", merged, "overlay", 0, options) < 0)
		return -errno;
	cleanup_free char *watched = path_in_place("merged/file");
	return inotify_add_watch(inotify_init1(0), watched, IN_CREATE) < 0 ? -errno : 0;
}

static int hold_lost_watch(void)
{
	return watch_overlay("");
}

static int hold_found_watch(void)
{
	return watch_overlay(",redirect_dir=nofollow,nfs_export=on");
}

static const struct guest_case cases[] = {
	{"io_uring", hold_io_uring, OBSTACLE_IO_URING, HOLDER "an io_uring (anon_inode:[io_uring])\n"},
	{"mapped io_uring", hold_mapped_io_uring, OBSTACLE_IO_URING, HOLDER "an io_uring (anon_inode:[io_uring])\n"},
	{"bpf", hold_bpf, OBSTACLE_BPF, HOLDER "a BPF program or map (anon_inode:bpf-map)\n"},
	{"perf", hold_perf, OBSTACLE_PERF, HOLDER "a performance counter (anon_inode:[perf_event])\n"},
	{"userfaultfd", hold_userfaultfd, OBSTACLE_USERFAULTFD, HOLDER "a userfaultfd (anon_inode:[userfaultfd])\n"},
	{"kernel object", hold_kernel_object, OBSTACLE_KERNEL_OBJECT,
	 HOLDER "an object of the kernel that cannot be saved (anon_inode:[fscontext])\n"},
	{"secret memory", hold_secret_memory, OBSTACLE_SECRET_MEMORY,
	 HOLDER "secret memory (memfd_secret) (/secretmem (deleted))\n"},
	{"mapped secret memory", hold_mapped_secret_memory, OBSTACLE_SECRET_MEMORY,
	 HOLDER "secret memory (memfd_secret) (/secretmem (deleted))\n"},
	{"kvm", hold_kvm, OBSTACLE_DEVICE, HOLDER "a device that cannot be saved (PLACE/node)\n"},
	{"disk", hold_disk, OBSTACLE_DEVICE, HOLDER "a device that cannot be saved (PLACE/node)\n"},
	{"tun", hold_tun, OBSTACLE_DEVICE, NULL},
	{"vsock", hold_vsock, OBSTACLE_SOCKET, HOLDER "a socket of a protocol that cannot be saved (AF_VSOCK)\n"},
	{"mptcp", hold_mptcp, OBSTACLE_SOCKET, HOLDER "a socket of a protocol that cannot be saved (MPTCP)\n"},
	{"alg", hold_alg, OBSTACLE_SOCKET, HOLDER "a socket of a protocol that cannot be saved (ALG)\n"},
	{"socket path", hold_socket_path, OBSTACLE_SOCKET_PATH,
	 HOLDER "the file of a socket open as a mere path (PLACE/bound)\n"},
	{"outside file", hold_outside_file, OBSTACLE_OUTSIDE_FILE,
	 HOLDER "a file open that lies on none of its mounts (/data)\n"},
	{"outside /dev/null", hold_outside_null, OBSTACLE_OUTSIDE_FILE,
	 HOLDER "a file open that lies on none of its mounts (/)\n"},
	{"console", hold_outside_terminal, OBSTACLE_OUTSIDE_FILE, NULL},
	{"thread pidfd", hold_thread_pidfd, OBSTACLE_THREAD_PIDFD, HOLDER "a pidfd of a thread (anon_inode:[pidfd])\n"},
	{"namespace file", hold_namespace_file, OBSTACLE_NAMESPACE_FILE, "net:["},
	{"pressure", hold_pressure, OBSTACLE_PRESSURE,
	 HOLDER "a trigger on resource pressure, of which it will hear without end after the restore "
		"(/proc/pressure/memory)\n"},
	{"pressure of a cgroup", hold_cgroup_pressure, OBSTACLE_PRESSURE,
	 HOLDER "a trigger on resource pressure, of which it will hear without end after the restore "
		"(PLACE/cpu.pressure)\n"},
	{"watch", hold_lost_watch, OBSTACLE_INOTIFY,
	 HOLDER "a watch on a file that may not be found again (anon_inode:inotify)\n"},
	{"watch with nfs_export", hold_found_watch, OBSTACLE_INOTIFY, NULL},
};

TEST(what_criu_does_not_know_is_found_and_named)
{
	for (size_t i = 0; i < countof(cases); i++)
		guest_try(&cases[i]);
}

/* The same terminal is an obstacle when it is not the console that the caller knows of. */
TEST(a_terminal_of_the_node_is_outside)
{
	cleanup_guest struct guest guest = guest_new(hold_outside_terminal, false);

	if (is_refused(&guest, "terminal"))
		skip();
	guest.console = 0;
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words, HOLDER "a file open that lies on none of its mounts (/)\n");
}

/* Who is not in sight cannot be opened: it is inherited, as if it had come through a socket. */
static int hold_outside_pidfd(void)
{
	return result(dup3(INHERITED, 5, O_CLOEXEC)) < 0 ? -errno : close(INHERITED);
}

TEST(a_pidfd_of_who_is_outside)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	assert_int_equal(dup2(pidfd, INHERITED), INHERITED);
	cleanup_guest struct guest guest = guest_new(hold_outside_pidfd, false);
	close(INHERITED);
	close(pidfd);

	assert_int_equal(guest.refused, 0);
	cleanup_obstacles struct obstacles obstacles = look(&guest);
	assert_int_equal(obstacles.n, 1);
	assert_int_equal(obstacles.items[0].kind, OBSTACLE_OUTSIDE_PROCESS);
	assert_int_equal(obstacles.items[0].pid, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_process_has_no_obstacle),
		cmocka_unit_test(what_criu_does_not_know_is_found_and_named),
		cmocka_unit_test(a_terminal_of_the_node_is_outside),
		cmocka_unit_test(a_pidfd_of_who_is_outside),
	};

	if (geteuid() != 0) {
		print_message("[  SKIPPED ] only root may make guests\n");
		return 77;
	}
	return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
