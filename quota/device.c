/* The kernel runs the program at each open of a device node and each mknod in the group: it asks for a kind of access
 * to a type and number of device. The rules are tried one after the other. For a whiteout (character device 0:0) it
 * does not ask. */
#include "quota/device.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

/* Registers: the argument of the program, and the question taken apart. */
enum { CONTEXT = BPF_REG_1, TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

/* Instructions before the rules, of a rule, and after the rules, at most. */
#define LENGTH_BEFORE 6
#define LENGTH_OF_RULE 6
#define LENGTH_AFTER 2

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void add(struct program *program, struct bpf_insn insn)
{
	program->insns[program->n++] = insn;
}

static void add_load(struct program *program, unsigned reg, size_t offset)
{
	add(program, (struct bpf_insn){
			     .code = BPF_LDX | BPF_MEM | BPF_W,
			     .dst_reg = reg & 0xf,
			     .src_reg = CONTEXT,
			     .off = (int16_t)offset,
		     });
}

static void add_compute(struct program *program, unsigned operation, unsigned reg, int32_t n)
{
	add(program, (struct bpf_insn){.code = BPF_ALU | BPF_K | (operation & 0xf0), .dst_reg = reg & 0xf, .imm = n});
}

/* access_type has the type in its lower half, the access in the upper. */
static void add_question(struct program *program)
{
	add_load(program, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	add(program, (struct bpf_insn){.code = BPF_ALU | BPF_X | BPF_MOV, .dst_reg = ACCESS, .src_reg = TYPE});
	add_compute(program, BPF_AND, TYPE, 0xffff);
	add_compute(program, BPF_RSH, ACCESS, 16);
	add_load(program, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	add_load(program, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

static void add_answer(struct program *program, bool allowed)
{
	add_compute(program, BPF_MOV, BPF_REG_0, allowed);
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* Jump to instruction `target` if the comparison holds. */
static void add_jump(struct program *program, unsigned comparison, unsigned reg, uint32_t n, size_t target)
{
	add(program, (struct bpf_insn){
			     .code = BPF_JMP32 | BPF_K | (comparison & 0xf0),
			     .dst_reg = reg & 0xf,
			     .off = (int16_t)(target - program->n - 1),
			     .imm = (int32_t)n,
		     });
}

static void add_rule(struct program *program, const struct device_rule *rule)
{
	uint32_t type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
	uint32_t access = (rule->read ? BPF_DEVCG_ACC_READ : 0u) | (rule->write ? BPF_DEVCG_ACC_WRITE : 0u);
	size_t next = program->n + LENGTH_OF_RULE - (rule->minor == DEVICE_ANY ? 1 : 0);

	add_jump(program, BPF_JNE, TYPE, type, next);
	add_jump(program, BPF_JSET, ACCESS, ~access, next);
	add_jump(program, BPF_JNE, MAJOR, rule->major, next);
	if (rule->minor != DEVICE_ANY)
		add_jump(program, BPF_JNE, MINOR, rule->minor, next);
	add_answer(program, true);
}

struct bpf_insn *device_filter_program(const struct device_rule *rules, size_t n, size_t *ret_length)
{
	size_t longest = LENGTH_BEFORE + n * LENGTH_OF_RULE + LENGTH_AFTER;
	struct program program = {.insns = mem_zero(longest, sizeof(struct bpf_insn))};

	add_question(&program);
	for (size_t i = 0; i < n; i++)
		add_rule(&program, &rules[i]);
	add_answer(&program, false);

	*ret_length = program.n;
	return program.insns;
}

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

int device_filter_load(const struct device_rule *rules, size_t n, struct err *err)
{
	size_t length;
	cleanup_free struct bpf_insn *insns = device_filter_program(rules, n, &length);

	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes)); /* the kernel refuses padding that is not 0 */
	attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attributes.insns = (uintptr_t)insns;
	attributes.insn_cnt = (uint32_t)length;
	attributes.license = (uintptr_t)"GPL";
	strcpy(attributes.prog_name, "openve_devices"); /* in bpftool prog */

	int fd = bpf(BPF_PROG_LOAD, &attributes);
	if (fd < 0)
		return err_set(err, errno, "load the device filter into the kernel");
	return fd;
}

/* Without BPF_F_ALLOW_MULTI the kernel puts it in the place of the other one, and lets groups below have none. */
int device_filter_attach(int cgroup_fd, int filter_fd, struct err *err)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.target_fd = (uint32_t)cgroup_fd;
	attributes.attach_bpf_fd = (uint32_t)filter_fd;
	attributes.attach_type = BPF_CGROUP_DEVICE;

	if (bpf(BPF_PROG_ATTACH, &attributes) < 0)
		return err_set(err, errno, "attach the device filter to a cgroup");
	return 0;
}
