/* Everything that no row refuses is allowed: the walls of a VE are the kernel's own checks against its user namespace.
 * The rows take away what those checks do not cover, what reaches deep into the kernel for the sake of few programs,
 * and what would only fail later. A refused call answers what its callers take for "this kernel does not have it" and
 * go on: ENOSYS where they probe, EPERM where they look at their privileges.
 *
 * Arguments are compared in their low 32 bits, because that is all the kernel looks at in an int: a filter that
 * compares 64 is walked around by setting bit 32. libseccomp can mask only when it compares for equality, so ranges of
 * values are cut into aligned blocks, as ranges of addresses are into prefixes. */
#include "runtime/seccomp.h"

#include <linux/in.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/grant.h"

/* The newest call that was looked at for this table: file_setattr, Linux 6.17. Later ones answer ENOSYS, as on the
 * kernel that programs were written for. Numbers from 424 on are the same for x86-64 and i386; those of x32 lie above
 * them all. */
#define NEWEST_CALL 469

#define SOCK_TYPE_MASK 0xf /* of socket(2)'s type argument; the rest are flags. include/linux/net.h */

#define VALUES (UINT64_C(1) << 32) /* that an argument of 32 bits can have */

struct condition {
	unsigned arg;
	uint32_t mask, value; /* met when the argument is `value` in the bits of `mask`; mask 0: no condition */
};

#define IS(n, x) {.arg = (n), .mask = UINT32_MAX, .value = (x)}
#define IS_TYPE(x) {.arg = 1, .mask = SOCK_TYPE_MASK, .value = (x)}
/* One of n values from x on; n is a power of 2, x a multiple of it. */
#define IS_AMONG(arg_, x, n) {.arg = (arg_), .mask = ~((n) - UINT32_C(1)), .value = (x)}

struct choice {
	unsigned arg;
	const uint32_t *values; /* that are let through, ascending */
	size_t n;
};

/* Packets are for DHCP clients, tcpdump and arping. */
static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

static const uint32_t netlink_protocols[] = {
	NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC,
};

static const uint32_t pair_families[] = {AF_UNIX};

/* The last asks for the current one. */
static const uint32_t personalities[] = {PER_LINUX, PER_LINUX32, 0xffffffff};

struct row {
	const char *calls; /* separated by spaces; those that an architecture does not have are skipped there */
	int no;		   /* the errno that callers see */
	const char *why;
	struct condition when[2]; /* refused only when all are met */
	struct choice only;	  /* and the argument is none of these */
	uint32_t unless;	  /* and none of these is granted; 0: whatever is */
};

#define WHEN(...) .when = {__VA_ARGS__}
#define ONLY(n, list) .only = {(n), (list), countof(list)}

#define OPTIONS "getsockopt setsockopt"
#define SYS_SETSOCKOPT 14 /* within socketcall(2): linux/net.h */
#define SYS_GETSOCKOPT 15

static const struct row rows[] = {
	/* Memory that no limit of the VE accounts for. */
	{"add_key keyctl request_key", ENOSYS, "keys are kernel memory outside of memory.max"},

	/* Deep parts of the kernel that few programs need. In a user namespace most are closed already; a mistake in
	 * that check, or a sysctl of the node that opens one, must not be enough. */
	{"io_uring_enter io_uring_register io_uring_setup", ENOSYS, "a second system call table, which no filter sees"},
	{"bpf", EPERM, "programs in the kernel"},
	{"perf_event_open", EPERM, "looks into the node's CPUs"},
	{"userfaultfd", EPERM, "stops the kernel in the middle of a copy, which makes races easy to win"},
	{"open_by_handle_at", EPERM, "opens files by inode number, outside of any root directory"},
	{"lsm_get_self_attr lsm_list_modules lsm_set_self_attr", ENOSYS, "the node's security modules"},

	/* The node's, never a VE's. adjtimex and clock_adjtime stay: reading is how programs learn whether the clock is
	 * right, and for writing the kernel asks for the node's CAP_SYS_TIME. */
	{"clock_settime clock_settime64 settimeofday stime", EPERM, "the clock is the node's"},
	{"delete_module finit_module init_module", EPERM, "modules are the node's"},
	{"kexec_file_load kexec_load", EPERM, "boots another kernel"},
	{"ioperm iopl", EPERM, "I/O ports are the node's"},
	{"swapoff swapon", EPERM, "swap space is the node's"},
	{"acct", EPERM, "process accounting is the node's"},
	{"quotactl quotactl_fd", EPERM, "disk quotas are the node's"},
	{"syslog", EPERM, "the kernel log is the node's"},

	/* Relics, gone or going from the kernel. */
	{"_sysctl lookup_dcookie nfsservctl sysfs uselib ustat vm86 vm86old", ENOSYS, "superseded long ago"},
	{"personality", EPERM, "emulation of other systems, which nobody tests", ONLY(0, personalities)},

	{"ioctl", EPERM, "types on a terminal, which may be that of whoever entered", WHEN(IS(1, TIOCSTI))},
	{"ioctl", EPERM, "pastes into a terminal", WHEN(IS(1, TIOCLINUX))},
	{"ioctl", EPERM, "loads line disciplines, made for hardware that no VE has", WHEN(IS(1, TIOCSETD))},

	/* A family, protocol or type that is asked for makes the kernel load its module, and most of those are seldom
	 * looked at. All have one errno: on i386 libseccomp gives each rule, less its family, to socketcall(2) as well,
	 * whose arguments are in memory and cannot be seen. What is left is that socketcall makes no sockets at all;
	 * socket(2) does. */
	{"socket", EAFNOSUPPORT, "this family is not for VEs", ONLY(0, families)},
	{"socketpair", EAFNOSUPPORT, "only unix sockets come in pairs", ONLY(0, pair_families)},
	{"socket", EAFNOSUPPORT, "this netlink protocol is not for VEs", WHEN(IS(0, AF_NETLINK)),
	 ONLY(2, netlink_protocols)},
	{"socket", EAFNOSUPPORT, "SCTP", WHEN(IS(2, IPPROTO_SCTP))},
	{"socket", EAFNOSUPPORT, "SCTP, by its type", WHEN(IS(0, AF_INET), IS_TYPE(SOCK_SEQPACKET))},
	{"socket", EAFNOSUPPORT, "SCTP, by its type", WHEN(IS(0, AF_INET6), IS_TYPE(SOCK_SEQPACKET))},
	{"socket", EAFNOSUPPORT, "DCCP", WHEN(IS(2, IPPROTO_DCCP))},
	{"socket", EAFNOSUPPORT, "DCCP, by its type", WHEN(IS_TYPE(SOCK_DCCP))},
	{"socket", EAFNOSUPPORT, "UDP-Lite", WHEN(IS(2, IPPROTO_UDPLITE))},
	{"socket", EAFNOSUPPORT, "L2TP", WHEN(IS(2, IPPROTO_L2TP))},
	{"socket", EAFNOSUPPORT, "SMC, over TCP's own family", WHEN(IS(2, IPPROTO_SMC))},

	/* What a VE has by NETFILTER and FEATURES. The socket options of iptables and its kin begin with 64
	 * (linux/netfilter_ipv4/ip_tables.h, …/netfilter_ipv6/ip6_tables.h, …/netfilter_arp/arp_tables.h,
	 * …/netfilter_bridge/ebtables.h, linux/ip_vs.h); nftables has none. SO_ORIGINAL_DST, 80, only asks. */
	{"socket", EAFNOSUPPORT, "netfilter", WHEN(IS(0, AF_NETLINK), IS(2, NETLINK_NETFILTER)),
	 .unless = GRANT_NETFILTER},
	{OPTIONS, ENOPROTOOPT, "ipset", WHEN(IS(1, IPPROTO_IP), IS(2, 83)), .unless = GRANT_NETFILTER},
	{OPTIONS, ENOPROTOOPT, "iptables", WHEN(IS(1, IPPROTO_IP), IS_AMONG(2, 64, 16)), .unless = GRANT_XTABLES},
	{OPTIONS, ENOPROTOOPT, "arptables", WHEN(IS(1, IPPROTO_IP), IS_AMONG(2, 96, 32)), .unless = GRANT_XTABLES},
	{OPTIONS, ENOPROTOOPT, "ebtables", WHEN(IS(1, IPPROTO_IP), IS_AMONG(2, 128, 64)), .unless = GRANT_XTABLES},
	{OPTIONS, ENOPROTOOPT, "IPVS", WHEN(IS(1, IPPROTO_IP), IS_AMONG(2, 1024, 1024)), .unless = GRANT_XTABLES},
	{OPTIONS, ENOPROTOOPT, "ip6tables", WHEN(IS(1, IPPROTO_IPV6), IS_AMONG(2, 64, 2)), .unless = GRANT_XTABLES},
	{OPTIONS, ENOPROTOOPT, "ip6tables", WHEN(IS(1, IPPROTO_IPV6), IS_AMONG(2, 68, 2)), .unless = GRANT_XTABLES},
	{"socketcall", ENOPROTOOPT, "iptables, by arguments in memory", WHEN(IS(0, SYS_SETSOCKOPT)),
	 .unless = GRANT_XTABLES},
	{"socketcall", ENOPROTOOPT, "iptables, by arguments in memory", WHEN(IS(0, SYS_GETSOCKOPT)),
	 .unless = GRANT_XTABLES},
	{"ioctl", EPERM, "makes a bridge", WHEN(IS(1, SIOCBRADDBR)), .unless = GRANT_BRIDGE},
	{"ioctl", EPERM, "makes a bridge, as of old", WHEN(IS_AMONG(1, SIOCGIFBR, 2)), .unless = GRANT_BRIDGE},
};

static const uint32_t parts[SECCOMP_PARTS] = {GRANT_NETFILTER, GRANT_XTABLES, GRANT_BRIDGE};

#define USUAL GRANT_NETFILTER
#define UNUSUAL (GRANT_XTABLES | GRANT_BRIDGE)

/* A call of one row on its way into libseccomp. */
struct rule {
	scmp_filter_ctx filter;
	const struct row *row;
	int call; /* libseccomp's number, which it translates for each architecture */
};

static int add_rule(const struct rule *rule, struct condition last, struct err *err)
{
	const struct condition conditions[] = {rule->row->when[0], rule->row->when[1], last};
	struct scmp_arg_cmp compare[countof(conditions)];
	unsigned n = 0;

	for (size_t i = 0; i < countof(conditions); i++)
		if (conditions[i].mask)
			compare[n++] = SCMP_CMP64(conditions[i].arg, SCMP_CMP_MASKED_EQ, conditions[i].mask,
						  conditions[i].value);

	int r = seccomp_rule_add_array(rule->filter, SCMP_ACT_ERRNO((unsigned)rule->row->no), rule->call, n, compare);
	return r < 0 ? err_set(err, -r, "refuse %s in VEs (%s)", rule->row->calls, rule->row->why) : 0;
}

/* From `start` up to, not including, `end`: at each value the largest aligned block that begins there and fits. */
static int add_range(const struct rule *rule, uint64_t start, uint64_t end, struct err *err)
{
	while (start < end) {
		uint64_t size = start ? start & -start : VALUES;
		while (size > end - start)
			size /= 2;

		int r = add_rule(rule, (struct condition){rule->row->only.arg, (uint32_t)-size, (uint32_t)start}, err);
		if (r < 0)
			return r;
		start += size;
	}
	return 0;
}

static int add_all_but(const struct rule *rule, const struct choice *only, struct err *err)
{
	uint64_t start = 0;

	for (size_t i = 0; i < only->n; i++) {
		int r = add_range(rule, start, only->values[i], err);
		if (r < 0)
			return r;
		start = only->values[i] + UINT64_C(1);
	}
	return add_range(rule, start, VALUES, err);
}

static int add_call(scmp_filter_ctx filter, const struct row *row, const char *call, struct err *err)
{
	const struct rule rule = {filter, row, seccomp_syscall_resolve_name(call)};

	if (rule.call == __NR_SCMP_ERROR)
		return err_say(err, ERR_SYSTEM, "cannot refuse %s in VEs: this libseccomp does not know it", call);
	if (row->only.n > 0)
		return add_all_but(&rule, &row->only, err);
	return add_rule(&rule, (struct condition){0}, err);
}

static int add_row(scmp_filter_ctx filter, const struct row *row, struct err *err)
{
	cleanup_free char *calls = mem_strdup(row->calls);
	char *rest = calls, *call;

	while ((call = strsep(&rest, " "))) {
		int r = add_call(filter, row, call, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Which rows a program has, by their column `unless`. */
typedef bool chooser(uint32_t unless, uint32_t what);

static bool is_part(uint32_t unless, uint32_t what)
{
	return unless == what;
}

/* All that holds for who is granted this and nothing else. */
static bool holds_with(uint32_t unless, uint32_t what)
{
	return !(unless & what);
}

/* i386 programs are at home on x86-64; of x32, a third set of entries into the same kernel, nothing is let in. */
static int describe(scmp_filter_ctx filter, chooser *has, uint32_t what, struct err *err)
{
	int r;
	if ((r = seccomp_arch_add(filter, SCMP_ARCH_X86)) < 0 ||
	    (r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS))) < 0 ||
	    (r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) < 0) /* a binary tree of calls */
		return err_set(err, -r, "prepare the system call filter");

	for (size_t i = 0; i < countof(rows); i++)
		if (has(rows[i].unless, what) && (r = add_row(filter, &rows[i], err)) < 0)
			return r;
	return 0;
}

/* libseccomp's program with ours before it, which answers the calls of kernels to come. */
static int export(scmp_filter_ctx filter, struct sock_fprog *ret, struct err *err)
{
	const struct sock_filter newer[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	size_t size = 0;

	int r = seccomp_export_bpf_mem(filter, NULL, &size);
	if (r < 0)
		return err_set(err, -r, "compile the system call filter");

	size_t n = countof(newer) + size / sizeof(struct sock_filter);
	if (n > BPF_MAXINSNS)
		return err_set(err, E2BIG, "compile the system call filter to %zu instructions", n);

	cleanup_free struct sock_filter *program = mem_zero(n, sizeof(*program));
	memcpy(program, newer, sizeof(newer));
	r = seccomp_export_bpf_mem(filter, program + countof(newer), &size);
	if (r < 0)
		return err_set(err, -r, "compile the system call filter");

	*ret = (struct sock_fprog){.len = (unsigned short)n, .filter = steal_ptr(program)};
	return 0;
}

static int compile(chooser *has, uint32_t what, struct sock_fprog *ret, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return err_set(err, ENOMEM, "prepare the system call filter");

	int r = describe(filter, has, what, err);
	if (r == 0)
		r = export(filter, ret, err);
	seccomp_release(filter);
	return r;
}

int seccomp_compile(struct seccomp_filters *ret, struct err *err)
{
	int r;

	if ((r = compile(holds_with, USUAL, &ret->usual, err)) < 0 || (r = compile(is_part, 0, &ret->open, err)) < 0)
		return r;
	for (size_t i = 0; i < countof(parts); i++)
		if ((r = compile(is_part, parts[i], &ret->parts[i], err)) < 0)
			return r;
	return 0;
}

/* Of the parts, the usual one lacks that of what is usual. */
size_t seccomp_programs(const struct seccomp *seccomp, const struct sock_fprog *ret[SECCOMP_PROGRAMS])
{
	const struct seccomp_filters *filters = seccomp->filters;
	bool usual = !(seccomp->granted & UNUSUAL);
	size_t n = 0;

	ret[n++] = usual ? &filters->usual : &filters->open;
	for (size_t i = 0; i < countof(parts); i++)
		if (!(parts[i] & seccomp->granted) && (!usual || parts[i] & USUAL))
			ret[n++] = &filters->parts[i];
	return n;
}

int seccomp_install(const struct seccomp *seccomp, struct err *err)
{
	const struct sock_fprog *programs[SECCOMP_PROGRAMS];
	size_t n = seccomp_programs(seccomp, programs);

	for (size_t i = 0; i < n; i++)
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, programs[i]) < 0)
			return err_set(err, errno, "install the VE's system call filter");
	return 0;
}
