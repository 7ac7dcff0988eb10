/* What a VE may ask of the kernel. The program is interpreted here for every case there is, also those that this kernel
 * or this machine does not have, and then tried in children that have it installed. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/grant.h"
#include "runtime/seccomp.h"

#define X32 0x40000000u /* __X32_SYSCALL_BIT */
#define NEXT_CALL 470	/* the first that nobody looked at yet */

/* What the register of an int may hold above it. */
#define HIGH UINT64_C(0xdeadbeef00000000)

/* i386: arch/x86/entry/syscalls/syscall_32.tbl */
#define GETPID_32 20
#define SOCKETCALL_32 102
#define SOCKET_32 359
#define SOCKETPAIR_32 360
#define GETSOCKOPT_32 365
#define SETSOCKOPT_32 366

static struct seccomp_filters filters;
static struct seccomp seccomp = {&filters, GRANT_NETFILTER};

/* The errno that the program answers, 0 when it lets the call through, -1 when it does something else or runs astray.
 */
static int run(const struct sock_fprog *program, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < program->len; pc++) {
		const struct sock_filter *f = &program->filter[pc];
		bool jump = false;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + f->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			continue;
		case BPF_RET | BPF_K:
			if (f->k == SECCOMP_RET_ALLOW)
				return 0;
			return (f->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ? (int)(f->k & SECCOMP_RET_DATA)
										     : -1;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jump = a == f->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			jump = a > f->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			jump = a >= f->k;
			break;
		default:
			return -1;
		}
		pc += jump ? f->jt : f->jf;
	}
	return -1;
}

/* Of several that refuse the kernel takes the answer of the one that was installed last. */
static int interpret(const struct seccomp_data *data)
{
	const struct sock_fprog *programs[SECCOMP_PROGRAMS];
	size_t n = seccomp_programs(&seccomp, programs);

	while (n > 0) {
		int no = run(programs[--n], data);
		if (no != 0)
			return no;
	}
	return 0;
}

/* By the name of an i386 socket call libseccomp understands the one within socketcall(2). */
static int number(uint32_t arch, const char *call)
{
	if (arch == AUDIT_ARCH_I386 && str_eq(call, "socket"))
		return SOCKET_32;
	if (arch == AUDIT_ARCH_I386 && str_eq(call, "socketpair"))
		return SOCKETPAIR_32;
	if (arch == AUDIT_ARCH_I386 && str_eq(call, "getsockopt"))
		return GETSOCKOPT_32;
	if (arch == AUDIT_ARCH_I386 && str_eq(call, "setsockopt"))
		return SETSOCKOPT_32;
	return seccomp_syscall_resolve_name_arch(arch, call);
}

static int answer(uint32_t arch, const char *call, uint64_t a, uint64_t b, uint64_t c)
{
	struct seccomp_data data = {.arch = arch, .nr = number(arch, call), .args = {a, b, c}};
	return data.nr < 0 ? -1 : interpret(&data);
}

static int native(const char *call, uint64_t a, uint64_t b, uint64_t c)
{
	return answer(AUDIT_ARCH_X86_64, call, a, b, c);
}

struct promise {
	const char *call;
	int no;
};

static const struct promise refused[] = {
	{"_sysctl", ENOSYS},
	{"acct", EPERM},
	{"add_key", ENOSYS},
	{"bpf", EPERM},
	{"clock_settime", EPERM},
	{"clock_settime64", EPERM},
	{"delete_module", EPERM},
	{"finit_module", EPERM},
	{"init_module", EPERM},
	{"io_uring_enter", ENOSYS},
	{"io_uring_register", ENOSYS},
	{"io_uring_setup", ENOSYS},
	{"ioperm", EPERM},
	{"iopl", EPERM},
	{"kexec_file_load", EPERM},
	{"kexec_load", EPERM},
	{"keyctl", ENOSYS},
	{"lookup_dcookie", ENOSYS},
	{"lsm_get_self_attr", ENOSYS},
	{"lsm_list_modules", ENOSYS},
	{"lsm_set_self_attr", ENOSYS},
	{"nfsservctl", ENOSYS},
	{"open_by_handle_at", EPERM},
	{"perf_event_open", EPERM},
	{"quotactl", EPERM},
	{"quotactl_fd", EPERM},
	{"request_key", ENOSYS},
	{"settimeofday", EPERM},
	{"stime", EPERM},
	{"swapoff", EPERM},
	{"swapon", EPERM},
	{"sysfs", ENOSYS},
	{"syslog", EPERM},
	{"uselib", ENOSYS},
	{"userfaultfd", EPERM},
	{"ustat", ENOSYS},
	{"vm86", ENOSYS},
	{"vm86old", ENOSYS},
};

/* Refused or not by their arguments. */
static const char *const chosen[] = {"getsockopt", "ioctl",	 "personality", "setsockopt",
				     "socket",	   "socketcall", "socketpair"};

static int promised(const char *call)
{
	for (size_t i = 0; i < countof(refused); i++)
		if (str_eq(refused[i].call, call))
			return refused[i].no;
	return 0;
}

static bool is_chosen(const char *call)
{
	for (size_t i = 0; i < countof(chosen); i++)
		if (str_eq(chosen[i], call))
			return true;
	return false;
}

static void check_calls(uint32_t arch)
{
	for (int nr = 0; nr < NEXT_CALL; nr++) {
		struct seccomp_data data = {.arch = arch, .nr = nr};
		cleanup_free char *call = seccomp_syscall_resolve_num_arch(arch, nr);

		if (call && is_chosen(call))
			continue;
		if (interpret(&data) != (call ? promised(call) : 0))
			fail_msg("%s (%d): %d", call ? call : "?", nr, interpret(&data));
	}
}

TEST(just_the_listed_calls_are_refused)
{
	check_calls(AUDIT_ARCH_X86_64);
	check_calls(AUDIT_ARCH_I386);
	for (size_t i = 0; i < countof(refused); i++) {
		bool known = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, refused[i].call) >= 0 ||
			     seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, refused[i].call) >= 0;
		assert_true(known);
	}
}

TEST(calls_of_later_kernels_do_not_exist)
{
	const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};

	for (size_t i = 0; i < countof(archs); i++)
		for (int nr = NEXT_CALL; nr < 2 * NEXT_CALL; nr++)
			assert_int_equal(interpret(&(struct seccomp_data){.arch = archs[i], .nr = nr}), ENOSYS);
}

TEST(x32_and_unknown_architectures_do_not_exist)
{
	for (unsigned nr = 0; nr < 600; nr++) {
		assert_int_equal(interpret(&(struct seccomp_data){.arch = AUDIT_ARCH_X86_64, .nr = (int)(X32 | nr)}),
				 ENOSYS);
		assert_int_equal(interpret(&(struct seccomp_data){.arch = AUDIT_ARCH_ARM, .nr = (int)nr % NEXT_CALL}),
				 ENOSYS);
	}
}

static bool family_allowed(uint32_t family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK ||
	       family == AF_PACKET;
}

static void check_family(uint32_t family)
{
	int no = family_allowed(family) ? 0 : EAFNOSUPPORT;
	int pair = family == AF_UNIX ? 0 : EAFNOSUPPORT;

	assert_int_equal(native("socket", family, SOCK_RAW, 0), no);
	assert_int_equal(native("socket", HIGH | family, SOCK_RAW, 0), no);
	assert_int_equal(answer(AUDIT_ARCH_I386, "socket", family, SOCK_RAW, 0), no);
	assert_int_equal(native("socketpair", family, SOCK_STREAM, 0), pair);
	assert_int_equal(native("socketpair", HIGH | family, SOCK_STREAM, 0), pair);
	assert_int_equal(answer(AUDIT_ARCH_I386, "socketpair", family, SOCK_STREAM, 0), pair);
}

TEST(only_five_socket_families_exist)
{
	for (uint32_t family = 0; family < 4096; family++)
		check_family(family);
	for (unsigned bit = 0; bit < 32; bit++)
		for (uint32_t low = 0; low < 64; low++)
			check_family(UINT32_C(1) << bit | low);
	check_family(UINT32_MAX);
}

static bool netlink_allowed(uint32_t protocol)
{
	return protocol == NETLINK_ROUTE || protocol == NETLINK_SOCK_DIAG || protocol == NETLINK_NETFILTER ||
	       protocol == NETLINK_KOBJECT_UEVENT || protocol == NETLINK_GENERIC;
}

TEST(only_five_netlink_protocols_exist)
{
	const uint32_t types[] = {SOCK_RAW, SOCK_DGRAM, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK};

	for (size_t i = 0; i < countof(types); i++)
		for (uint32_t protocol = 0; protocol < 1024; protocol++) {
			bool ip = protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
			int no = netlink_allowed(protocol) && !ip ? 0 : EAFNOSUPPORT;
			assert_int_equal(native("socket", AF_NETLINK, types[i], protocol), no);
			assert_int_equal(native("socket", HIGH | AF_NETLINK, HIGH | types[i], HIGH | protocol), no);
			assert_int_equal(answer(AUDIT_ARCH_I386, "socket", AF_NETLINK, types[i], protocol), no);
		}
	assert_int_equal(native("socket", AF_NETLINK, SOCK_RAW, UINT32_MAX), EAFNOSUPPORT);
}

static bool ip_allowed(uint32_t family, uint32_t type, uint32_t protocol)
{
	bool ip = family == AF_INET || family == AF_INET6;

	return (type & 0xf) != SOCK_DCCP && !(ip && (type & 0xf) == SOCK_SEQPACKET) && protocol != IPPROTO_SCTP &&
	       protocol != IPPROTO_DCCP && protocol != IPPROTO_UDPLITE && protocol != 115 /* IPPROTO_L2TP */ &&
	       protocol != IPPROTO_SMC;
}

TEST(ip_is_tcp_udp_icmp_and_raw)
{
	const uint32_t ip_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_PACKET};
	const uint32_t flags[] = {0, SOCK_CLOEXEC, SOCK_CLOEXEC | SOCK_NONBLOCK};

	for (size_t f = 0; f < countof(ip_families); f++)
		for (uint32_t type = 0; type < 16 * countof(flags); type++)
			for (uint32_t protocol = 0; protocol < 512; protocol++) {
				uint32_t full = (type & 0xf) | flags[type >> 4];
				int no = ip_allowed(ip_families[f], type & 0xf, protocol) ? 0 : EAFNOSUPPORT;
				assert_int_equal(native("socket", ip_families[f], full, protocol), no);
				assert_int_equal(native("socket", HIGH | ip_families[f], HIGH | full, HIGH | protocol),
						 no);
			}
}

TEST(i386_cannot_make_sockets_past_the_filter)
{
	for (uint32_t sub = 0; sub < 32; sub++) {
		int no = sub == 1 /* SYS_SOCKET */ || sub == 8 /* SYS_SOCKETPAIR */	    ? EAFNOSUPPORT
			 : sub == 14 /* SYS_SETSOCKOPT */ || sub == 15 /* SYS_GETSOCKOPT */ ? ENOPROTOOPT
											    : 0;
		for (uint32_t pointer = 0; pointer < 0x10000; pointer += 0x111)
			assert_int_equal(answer(AUDIT_ARCH_I386, "socketcall", sub, pointer, pointer), no);
	}
}

TEST(terminals_take_no_input_from_programs)
{
	const uint64_t bad[] = {TIOCSTI, TIOCLINUX, TIOCSETD};

	for (size_t i = 0; i < countof(bad); i++) {
		assert_int_equal(native("ioctl", 0, bad[i], 0), EPERM);
		assert_int_equal(native("ioctl", 0, HIGH | bad[i], 0), EPERM);
		assert_int_equal(native("ioctl", 0, UINT64_C(1) << 32 | bad[i], 0), EPERM);
		assert_int_equal(answer(AUDIT_ARCH_I386, "ioctl", 0, bad[i], 0), EPERM);
	}
	for (uint64_t request = 0x5400; request < 0x5500; request++)
		if (request != TIOCSTI && request != TIOCLINUX && request != TIOCSETD)
			assert_int_equal(native("ioctl", 0, request, 0), 0);
}

TEST(personality_is_linux_or_linux32)
{
	for (unsigned bit = 0; bit < 32; bit++)
		for (uint32_t low = 0; low < 256; low++) {
			uint32_t persona = (UINT32_C(1) << bit) - 1 + low;
			int no = persona == PER_LINUX || persona == PER_LINUX32 || persona == UINT32_MAX ? 0 : EPERM;
			assert_int_equal(native("personality", persona, 0, 0), no);
			assert_int_equal(native("personality", HIGH | persona, 0, 0), no);
			assert_int_equal(answer(AUDIT_ARCH_I386, "personality", persona, 0, 0), no);
		}
	assert_int_equal(native("personality", UINT32_MAX, 0, 0), 0);
	assert_int_equal(native("personality", UINT32_MAX - 1, 0, 0), EPERM);
}

/* All that makes a difference, and what makes none. */
static const uint32_t grants[] = {GRANT_NETFILTER, GRANT_XTABLES, GRANT_BRIDGE, GRANT_TUN | GRANT_TRACKING};

static int grant_some(void **state)
{
	(void)state;
	seccomp.granted = GRANT_NETFILTER;
	return 0;
}

/* Run it for every set of grants. */
static void for_all_grants(void (*check)(void))
{
	for (uint32_t set = 0; set < 1u << countof(grants); set++) {
		seccomp.granted = 0;
		for (size_t i = 0; i < countof(grants); i++)
			seccomp.granted |= set >> i & 1 ? grants[i] : 0;
		check();
	}
}

static bool granted(uint32_t any)
{
	return seccomp.granted & any;
}

static void check_what_all_have(void)
{
	check_calls(AUDIT_ARCH_X86_64);
	check_calls(AUDIT_ARCH_I386);
	for (uint32_t family = 0; family < 64; family++)
		check_family(family);
	assert_int_equal(native("ioctl", 0, TIOCSTI, 0), EPERM);
	assert_int_equal(native("ioctl", 0, TIOCGWINSZ, 0), 0);
	assert_int_equal(native("socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 0);
}

TEST(whatever_is_granted_all_else_holds)
{
	for_all_grants(check_what_all_have);
}

static void check_netfilter(void)
{
	int no = granted(GRANT_NETFILTER) ? 0 : EAFNOSUPPORT;

	assert_int_equal(native("socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), no);
	assert_int_equal(native("socket", HIGH | AF_NETLINK, SOCK_RAW, HIGH | NETLINK_NETFILTER), no);
	assert_int_equal(answer(AUDIT_ARCH_I386, "socket", AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), no);
}

TEST(netfilter_is_for_who_is_granted_it)
{
	for_all_grants(check_netfilter);
}

/* Those of iptables 64 to 67 (ip6tables 64, 65, 68, 69: 66 and 67 are IPV6_RECVTCLASS and IPV6_TCLASS), of arptables 96
 * to 99, of ebtables 128 to 131, of IPVS from 1152 on. */
static bool is_xtables(uint32_t level, uint32_t option)
{
	if (level == IPPROTO_IPV6)
		return option == 64 || option == 65 || option == 68 || option == 69;
	return level == IPPROTO_IP &&
	       ((option >= 64 && option < 80) || (option >= 96 && option < 192) || (option >= 1024 && option < 2048));
}

static int option_answer(uint32_t level, uint32_t option)
{
	if (is_xtables(level, option))
		return granted(GRANT_XTABLES) ? 0 : ENOPROTOOPT;
	return level == IPPROTO_IP && option == 83 /* SO_IP_SET */ && !granted(GRANT_NETFILTER) ? ENOPROTOOPT : 0;
}

static void check_options(void)
{
	const uint32_t levels[] = {IPPROTO_IP,	 SOL_SOCKET,	    IPPROTO_TCP,
				   IPPROTO_IPV6, 255 /* SOL_RAW */, 263 /* SOL_PACKET */};

	for (size_t i = 0; i < countof(levels); i++)
		for (uint32_t option = 0; option < 4096; option++) {
			int no = option_answer(levels[i], option);
			assert_int_equal(native("setsockopt", 3, levels[i], option), no);
			assert_int_equal(native("getsockopt", 3, HIGH | levels[i], HIGH | option), no);
			assert_int_equal(answer(AUDIT_ARCH_I386, "setsockopt", 3, levels[i], option), no);
			assert_int_equal(answer(AUDIT_ARCH_I386, "getsockopt", 3, levels[i], option), no);
		}
}

TEST(the_old_interface_of_iptables_is_for_who_is_granted_it)
{
	for_all_grants(check_options);
}

static void check_bridges(void)
{
	int no = granted(GRANT_BRIDGE) ? 0 : EPERM;

	for (uint32_t request = 0x8900; request < 0x8a00; request++) {
		bool bridge = request == 0x8940 /* SIOCGIFBR */ || request == 0x8941 /* SIOCSIFBR */ ||
			      request == 0x89a0 /* SIOCBRADDBR */;
		assert_int_equal(native("ioctl", 3, request, 0), bridge ? no : 0);
		assert_int_equal(native("ioctl", 3, HIGH | request, 0), bridge ? no : 0);
		assert_int_equal(answer(AUDIT_ARCH_I386, "ioctl", 3, request, 0), bridge ? no : 0);
	}
}

TEST(bridges_are_for_who_is_granted_them)
{
	for_all_grants(check_bridges);
}

TEST(most_ves_have_one_program)
{
	const struct sock_fprog *programs[SECCOMP_PROGRAMS];
	const uint32_t usual[] = {GRANT_NETFILTER, GRANT_NETFILTER | GRANT_TRACKING | GRANT_TUN | GRANT_WIREGUARD};

	for (size_t i = 0; i < countof(usual); i++)
		assert_int_equal(seccomp_programs(&(struct seccomp){&filters, usual[i]}, programs), 1);
}

/* Run it in a child, with the filter or without. Returns its result (0 to 255), or -1 when it was killed. */
static int in_child(bool filtered, int (*body)(int), int arg)
{
	if (geteuid() != 0)
		skip();
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = {0};
		/* cmocka's handler would go on with the other tests in here. */
		signal(SIGSEGV, SIG_DFL);
		if (filtered && seccomp_install(&seccomp, &err) < 0)
			_exit(255);
		_exit(body(arg));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int try_family(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, 0);
	return fd < 0 ? errno : 0;
}

TEST(installed_it_leaves_the_allowed_families_alone)
{
	for (int family = 0; family < AF_MAX; family++) {
		int there = in_child(true, try_family, family);
		assert_int_equal(there,
				 family_allowed((uint32_t)family) ? in_child(false, try_family, family) : EAFNOSUPPORT);
	}
}

/* All arguments are -1: where nothing refuses it, the call fails on a bad address or descriptor and does nothing. */
static int try_call(int nr)
{
	return syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L) < 0 ? errno : 0;
}

static int try_netfilter(int unused)
{
	(void)unused;
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER) < 0 ? errno : 0;
}

TEST(installed_it_knows_who_is_granted_netfilter)
{
	seccomp.granted = 0;
	assert_int_equal(in_child(true, try_netfilter, 0), EAFNOSUPPORT);
	seccomp.granted = GRANT_NETFILTER | GRANT_XTABLES;
	assert_int_equal(in_child(true, try_netfilter, 0), in_child(false, try_netfilter, 0));
}

TEST(installed_it_refuses_the_listed_calls)
{
	for (size_t i = 0; i < countof(refused); i++) {
		int nr = seccomp_syscall_resolve_name(refused[i].call);
		if (nr >= 0)
			assert_int_equal(in_child(true, try_call, nr), refused[i].no);
	}
	assert_int_equal(in_child(true, try_call, (int)(X32 | SYS_getpid)), ENOSYS);
	assert_int_equal(in_child(true, try_call, NEXT_CALL), ENOSYS);
}

static int push_input(int high)
{
	int master, slave;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		return 254;
	long request = TIOCSTI | (high ? 1L << 32 : 0);
	return syscall(SYS_ioctl, slave, request, "x") < 0 ? errno : 0;
}

TEST(installed_it_refuses_terminal_input_with_high_bits_too)
{
	assert_int_equal(in_child(true, push_input, 0), EPERM);
	assert_int_equal(in_child(true, push_input, 1), EPERM);
}

/* The entry of i386 programs, which 64-bit ones can use as well. */
static long call32(long nr, long a, long b, long c)
{
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static int getpid32(int unused)
{
	(void)unused;
	return call32(GETPID_32, 0, 0, 0) == getpid() ? 0 : 1;
}

static int socket32(int family)
{
	long r = call32(SOCKET_32, family, SOCK_RAW, 0);
	return r < 0 ? (int)-r : 0;
}

/* The arguments' address is irrelevant to the filter, and the kernel would answer EFAULT. */
static int socketcall32(int sub)
{
	long r = call32(SOCKETCALL_32, sub, 0, 0);
	return r < 0 ? (int)-r : 0;
}

TEST(installed_it_holds_for_i386_calls)
{
	if (in_child(false, getpid32, 0) != 0)
		skip(); /* this kernel does not run i386 programs */

	assert_int_equal(in_child(true, getpid32, 0), 0);
	assert_int_equal(in_child(true, socket32, AF_INET), in_child(false, socket32, AF_INET));
	assert_int_equal(in_child(true, socket32, 38 /* AF_ALG */), EAFNOSUPPORT);
	assert_int_equal(in_child(true, socketcall32, 1 /* SYS_SOCKET */), EAFNOSUPPORT);
	assert_int_equal(in_child(true, socketcall32, 3 /* SYS_CONNECT */), EFAULT);
}

static void *nothing(void *arg)
{
	return arg;
}

static int run_true(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	int status;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static int live(int unused)
{
	pthread_t thread;
	int ends[2];
	struct open_how how = {.flags = O_RDONLY};

	(void)unused;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	if (run_true() != 0)
		return 2;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 || write(ends[0], "x", 1) != 1)
		return 3;
	if (socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) < 0 || socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0)
		return 4;
	if (syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)) < 0)
		return 5;
	if (personality(0xffffffff) < 0 || personality(PER_LINUX32) < 0)
		return 6;
	return 0;
}

TEST(installed_it_leaves_ordinary_life_alone)
{
	assert_int_equal(in_child(true, live, 0), 0);
}

static int nest(int namespaces)
{
	return unshare(namespaces) < 0 ? errno : run_true();
}

/* Without the filter too, because in a chroot there are no user namespaces to be had (EPERM). */
TEST(installed_it_lets_namespaces_nest)
{
	const int namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP;

	assert_int_equal(in_child(true, nest, namespaces), 0);
	assert_int_equal(in_child(true, nest, CLONE_NEWUSER), in_child(false, nest, CLONE_NEWUSER));
}

static int install_again(int unused)
{
	struct err err = {0};

	(void)unused;
	return seccomp_install(&seccomp, &err) < 0 ? 1 : run_true();
}

TEST(filters_stack)
{
	assert_int_equal(in_child(true, install_again, 0), 0);
}

static int install_without_privilege(int unused)
{
	struct err err = {0};

	(void)unused;
	if (setresuid(65534, 65534, 65534) < 0)
		return 254;
	int r = seccomp_install(&seccomp, &err);
	return r == -EACCES && str_eq(err.text, "install the VE's system call filter: Permission denied") ? 0 : 1;
}

TEST(a_filter_that_cannot_be_installed_says_so)
{
	assert_int_equal(in_child(false, install_without_privilege, 0), 0);
}

static int compile(void **state)
{
	struct err err = {0};

	(void)state;
	if (seccomp_compile(&filters, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int forget(void **state)
{
	(void)state;
	free(filters.usual.filter);
	free(filters.open.filter);
	for (size_t i = 0; i < countof(filters.parts); i++)
		free(filters.parts[i].filter);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(just_the_listed_calls_are_refused),
		cmocka_unit_test(calls_of_later_kernels_do_not_exist),
		cmocka_unit_test(x32_and_unknown_architectures_do_not_exist),
		cmocka_unit_test(only_five_socket_families_exist),
		cmocka_unit_test(only_five_netlink_protocols_exist),
		cmocka_unit_test(ip_is_tcp_udp_icmp_and_raw),
		cmocka_unit_test(i386_cannot_make_sockets_past_the_filter),
		cmocka_unit_test(terminals_take_no_input_from_programs),
		cmocka_unit_test(personality_is_linux_or_linux32),
		cmocka_unit_test_teardown(whatever_is_granted_all_else_holds, grant_some),
		cmocka_unit_test_teardown(netfilter_is_for_who_is_granted_it, grant_some),
		cmocka_unit_test_teardown(the_old_interface_of_iptables_is_for_who_is_granted_it, grant_some),
		cmocka_unit_test_teardown(bridges_are_for_who_is_granted_them, grant_some),
		cmocka_unit_test(most_ves_have_one_program),
		cmocka_unit_test(installed_it_leaves_the_allowed_families_alone),
		cmocka_unit_test_teardown(installed_it_knows_who_is_granted_netfilter, grant_some),
		cmocka_unit_test(installed_it_refuses_the_listed_calls),
		cmocka_unit_test(installed_it_refuses_terminal_input_with_high_bits_too),
		cmocka_unit_test(installed_it_holds_for_i386_calls),
		cmocka_unit_test(installed_it_leaves_ordinary_life_alone),
		cmocka_unit_test(installed_it_lets_namespaces_nest),
		cmocka_unit_test(filters_stack),
		cmocka_unit_test(a_filter_that_cannot_be_installed_says_so),
	};

	return cmocka_run_group_tests(tests, compile, forget);
}
