/* A BPF program on a kprobe of reboot_pid_ns(struct pid_namespace *, int cmd), which the kernel calls when a process
 * that may do so calls reboot(2) outside of the first pid namespace. It costs nothing until that happens. */
#include "runtime/reboots.h"

#include <asm/ptrace.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

#define FUNCTION "reboot_pid_ns"
#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"
#define NOTES_MAX 1024 /* the oldest go first */

/* A VE's init is gone within moments of it; an older note is of a pid namespace inside, a container of the VE's own. */
#define FRESH_NSEC 10000000000ull

/* Where the second argument of a function is found at its entry. */
#if defined(__x86_64__)
#define SECOND_ARGUMENT offsetof(struct pt_regs, rsi)
#elif defined(__aarch64__)
#define SECOND_ARGUMENT offsetof(struct user_pt_regs, regs[1])
#else
#error "where does this architecture pass the second argument of a function?"
#endif

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int make_notes(void)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes)); /* the kernel refuses padding that is not 0 */
	attributes.map_type = BPF_MAP_TYPE_LRU_HASH;
	attributes.key_size = sizeof(uint64_t);
	attributes.value_size = sizeof(uint64_t);
	attributes.max_entries = NOTES_MAX;
	strcpy(attributes.map_name, "openve_reboots");
	return bpf(BPF_MAP_CREATE, &attributes);
}

/* if (cmd != RESTART && cmd != RESTART2) return 0; notes[ancestor_cgroup_id(depth)] = now; return 0; */
static int load_observer(int notes, unsigned depth)
{
	enum { R0 = BPF_REG_0, R1, R2, R3, R4 };
	/* clang-format off */
	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = R2, .src_reg = R1, .off = (int16_t)SECOND_ARGUMENT},
		{.code = BPF_JMP32 | BPF_JEQ | BPF_K, .dst_reg = R2, .off = 1, .imm = (int32_t)LINUX_REBOOT_CMD_RESTART},
		{.code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = R2, .off = 13, .imm = (int32_t)LINUX_REBOOT_CMD_RESTART2},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = R1, .imm = (int32_t)depth},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_ancestor_cgroup_id},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = R0, .off = -8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_ns},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = R0, .off = -16},
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = R1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = notes},
		{0}, /* the upper half of that immediate */
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = R2, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = R2, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = R3, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = R3, .imm = -16},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = R4, .imm = BPF_ANY},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_update_elem},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = R0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	/* clang-format on */
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_KPROBE;
	attributes.insns = (uintptr_t)insns;
	attributes.insn_cnt = countof(insns);
	attributes.license = (uintptr_t)"GPL";
	strcpy(attributes.prog_name, "openve_reboots");
	return bpf(BPF_PROG_LOAD, &attributes);
}

static int kprobe_type(void)
{
	cleanup_free char *text = NULL;

	int r = io_read_file(AT_FDCWD, KPROBE_TYPE, &text, NULL);
	return r < 0 ? r : (int)strtol(text, NULL, 10);
}

/* The event is opened for one CPU, but a program on a kprobe runs wherever the function is called. */
static int attach(int program)
{
	struct perf_event_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	int type = kprobe_type();
	if (type < 0)
		return type;
	attributes.type = (uint32_t)type;
	attributes.size = sizeof(attributes);
	attributes.kprobe_func = (uintptr_t)FUNCTION;

	cleanup_fd int probe = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (probe < 0 || ioctl(probe, PERF_EVENT_IOC_SET_BPF, program) < 0 ||
	    ioctl(probe, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return -errno;
	return steal_fd(&probe);
}

static int open_observer(struct reboots *reboots, unsigned depth, struct err *err)
{
	cleanup_fd int notes = make_notes();
	if (notes < 0)
		return err_set(err, errno, "make a BPF map");
	cleanup_fd int program = load_observer(notes, depth);
	if (program < 0)
		return err_set(err, errno, "load the observer of reboots");
	int probe = attach(program);
	if (probe < 0)
		return err_set(err, -probe, "attach the observer of reboots to " FUNCTION);

	*reboots = (struct reboots){.notes = steal_fd(&notes), .probe = probe, .depth = depth};
	return 0;
}

static unsigned depth_of(const char *group)
{
	unsigned depth = 1;
	for (const char *p = group; *p; p++)
		depth += *p == '/';
	return depth;
}

/* The id of a group is the inode number of its directory. */
int reboots_observe(struct reboots *reboots, const char *group, uint64_t *ret_id, struct err *err)
{
	cleanup_free char *path = str_fmt(PATH_CGROUP "/%s", group);
	unsigned depth = depth_of(group);
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(err, errno, "look at %s", path);
	int r = reboots->notes < 0 ? open_observer(reboots, depth, err) : 0;
	if (r < 0)
		return r;
	if (depth != reboots->depth)
		return err_set(err, EXDEV, "%s lies not where the other VEs' groups do", group);
	*ret_id = st.st_ino;
	return 0;
}

void reboots_close(struct reboots *reboots)
{
	reboots->notes = fd_close(reboots->notes);
	reboots->probe = fd_close(reboots->probe);
}

bool reboots_noted(const struct reboots *reboots, uint64_t id)
{
	uint64_t when = 0;
	struct timespec now;
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)reboots->notes;
	attributes.key = (uintptr_t)&id;
	attributes.value = (uintptr_t)&when;
	if (bpf(BPF_MAP_LOOKUP_ELEM, &attributes) < 0)
		return false;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - when < FRESH_NSEC;
}
