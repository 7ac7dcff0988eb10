/* System calls: those that nobody in a VE makes, sockets of every kind, and what a terminal can be made to do. */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/ioprio.h>
#include <linux/netlink.h>
#include <linux/reboot.h>
#include <netinet/in.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* Numbers without a name in the headers of C libraries of a few years ago; the same on all architectures. */
#define CALL_QUOTACTL_FD 443
#define CALL_LSM_LIST_MODULES 461
#define CALL_OF_THE_FUTURE 600

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"acct", SYS_acct},
	{"add_key", SYS_add_key},
	{"bpf", SYS_bpf},
	{"call 600", CALL_OF_THE_FUTURE},
	{"clock_settime", SYS_clock_settime},
	{"delete_module", SYS_delete_module},
	{"finit_module", SYS_finit_module},
	{"init_module", SYS_init_module},
	{"io_uring_enter", SYS_io_uring_enter},
	{"io_uring_register", SYS_io_uring_register},
	{"io_uring_setup", SYS_io_uring_setup},
	{"kexec_file_load", SYS_kexec_file_load},
	{"kexec_load", SYS_kexec_load},
	{"keyctl", SYS_keyctl},
	{"lsm_list_modules", CALL_LSM_LIST_MODULES},
	{"open_by_handle_at", SYS_open_by_handle_at},
	{"perf_event_open", SYS_perf_event_open},
	{"quotactl", SYS_quotactl},
	{"quotactl_fd", CALL_QUOTACTL_FD},
	{"request_key", SYS_request_key},
	{"settimeofday", SYS_settimeofday},
	{"swapoff", SYS_swapoff},
	{"swapon", SYS_swapon},
	{"syslog", SYS_syslog},
	{"userfaultfd", SYS_userfaultfd},
#ifdef __x86_64__
	{"getpid of x32", 0x40000000 | SYS_getpid},
	{"ioperm", SYS_ioperm},
	{"iopl", SYS_iopl},
#endif
};

/* All arguments are -1: a call that is not refused fails on them, with EFAULT, EBADF or EINVAL, and so gives itself
 * away. */
static void try_calls(struct attempt *attempt)
{
	for (size_t i = 0; i < countof(calls); i++)
		must_refuse(attempt, syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L), "%s", calls[i].name);
}

static void try_clock(struct attempt *attempt)
{
	struct timespec now;
	struct timex slew = {.modes = ADJ_TICK, .tick = 10000};

	clock_gettime(CLOCK_REALTIME, &now);
	must_refuse(attempt, clock_settime(CLOCK_REALTIME, &now), "clock_settime");
	must_refuse(attempt, adjtimex(&slew), "adjtimex");
	must_refuse(attempt, clock_adjtime(CLOCK_REALTIME, &slew), "clock_adjtime");
}

/* What reboot(2) does in a pid namespace is the VE's own power switch; these commands would be the node's. */
static void try_reboot(struct attempt *attempt)
{
	const unsigned commands[] = {LINUX_REBOOT_CMD_CAD_ON, LINUX_REBOOT_CMD_CAD_OFF, LINUX_REBOOT_CMD_KEXEC,
				     LINUX_REBOOT_CMD_SW_SUSPEND};

	for (size_t i = 0; i < countof(commands); i++)
		if (syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, commands[i], NULL) == 0)
			breach(attempt, "reboot command %#x", commands[i]);
}

static void try_priority(struct attempt *attempt)
{
	struct sched_param fifo = {.sched_priority = 1};

	must_refuse(attempt, sched_setscheduler(0, SCHED_FIFO, &fifo), "a real-time scheduler");
	must_refuse(attempt, setpriority(PRIO_PROCESS, 0, -1), "nice -1");
	must_refuse(attempt, syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)),
		    "real-time I/O");
}

static void try_socket(struct attempt *attempt, int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd >= 0 || errno != EAFNOSUPPORT)
		breach(attempt, "family %d type %d protocol %d: %s", family, type, protocol,
		       fd >= 0 ? "there is one" : strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void try_families(struct attempt *attempt)
{
	for (int family = 0; family < 64; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK ||
		    family == AF_PACKET)
			continue;
		for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++)
			try_socket(attempt, family, type, 0);
	}
}

static void try_protocols(struct attempt *attempt)
{
	const int families[] = {AF_INET, AF_INET6};
	const int protocols[] = {IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE, 115 /* L2TP */, 256 /* SMC */};

	for (size_t f = 0; f < countof(families); f++) {
		for (size_t p = 0; p < countof(protocols); p++)
			for (int type = SOCK_STREAM; type <= SOCK_DCCP; type++)
				try_socket(attempt, families[f], type, protocols[p]);
		try_socket(attempt, families[f], SOCK_SEQPACKET, 0);
		try_socket(attempt, families[f], SOCK_DCCP, 0);
	}
}

static void try_netlink(struct attempt *attempt)
{
	for (int protocol = 0; protocol < 64; protocol++)
		if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG && protocol != NETLINK_NETFILTER &&
		    protocol != NETLINK_KOBJECT_UEVENT && protocol != NETLINK_GENERIC)
			try_socket(attempt, AF_NETLINK, SOCK_RAW, protocol);
}

#ifdef __x86_64__
/* A kernel without the entry for i386 programs kills who uses it. */
static void no_entry(int signal)
{
	(void)signal;
	_exit(MOOT);
}

static long call32(long number, long a, long b, long c)
{
	long r;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static void try_i386(struct attempt *attempt)
{
	static const struct {
		const char *name;
		long number, a, b, answer;
	} calls32[] = {
		{"socket(AF_ALG)", 359, 38, SOCK_SEQPACKET, -EAFNOSUPPORT},
		{"socket(AF_VSOCK)", 359, 40, SOCK_STREAM, -EAFNOSUPPORT},
		{"socketcall(SOCKET)", 102, 1, 0, -EAFNOSUPPORT},
		{"socketcall(SOCKETPAIR)", 102, 8, 0, -EAFNOSUPPORT},
		{"stime", 25, -1, 0, -EPERM},
		{"clock_settime64", 404, -1, -1, -EPERM},
		{"keyctl", 288, -1, -1, -ENOSYS},
		{"bpf", 357, -1, -1, -EPERM},
		{"io_uring_setup", 425, -1, -1, -ENOSYS},
	};

	signal(SIGSEGV, no_entry);
	for (size_t i = 0; i < countof(calls32); i++) {
		long r = call32(calls32[i].number, calls32[i].a, calls32[i].b, 0);
		if (r != calls32[i].answer)
			breach(attempt, "%s: %ld", calls32[i].name, r);
	}
}
#else
static void try_i386(struct attempt *attempt)
{
	moot(attempt, "not an x86-64");
}
#endif

/* The kernel reads 32 bits of an ioctl's number, whatever stands above them. */
static void try_terminal(struct attempt *attempt)
{
	const unsigned long requests[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
	int master, slave, discipline = 2;

	if (openpty(&master, &slave, NULL, NULL, NULL) < 0) {
		moot(attempt, "no pseudo terminal to be had");
		return;
	}
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	for (size_t i = 0; i < countof(requests); i++)
		for (unsigned bit = 31; bit < 64; bit++) {
			unsigned long high = bit == 31 ? 0 : 1UL << bit;
			must_refuse(attempt, syscall(SYS_ioctl, slave, requests[i] | high, &discipline),
				    "ioctl %#lx with %#lx", requests[i], high);
		}
}

static void try_personality(struct attempt *attempt)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned long persona = 1UL << bit;
		if (persona != 8) /* PER_LINUX32 */
			must_refuse(attempt, syscall(SYS_personality, persona), "personality %#lx", persona);
	}
}

struct probes calls_probes(void)
{
	static const struct probe list[] = {
		{"calls that reach deep into the kernel or are the node's are refused", try_calls},
		{"the clock cannot be set", try_clock},
		{"reboot commands that would be the node's are refused", try_reboot},
		{"a VE gets no priority over others", try_priority},
		{"socket families but five do not exist", try_families},
		{"SCTP, DCCP, UDP-Lite, L2TP and SMC do not exist", try_protocols},
		{"netlink protocols but five do not exist", try_netlink},
		{"the entry for i386 programs leads past nothing", try_i386},
		{"terminals take no input from programs and load no disciplines", try_terminal},
		{"other personalities do not exist", try_personality},
	};
	return (struct probes){list, countof(list)};
}
