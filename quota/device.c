/* The kernel runs the program at each open of a device node and each mknod in the group: it asks for a kind of access
 * to a type and number of device. The rules are tried one after the other. For a whiteout (character device 0:0) it
 * does not ask. */
#include "quota/device.h"

#include <linux/bpf.h>
#include <stdlib.h>

#include "quota/bpf.h"
#include "runtime/base/err.h"

/* Registers: the argument of the program, and the question taken apart. */
enum { CONTEXT = BPF_REG_1, TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

/* access_type has the type in its lower half, the access in the upper. */
static void add_question(struct bpf_program *program)
{
	bpf_read(program, BPF_W, TYPE, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	bpf_read(program, BPF_W, ACCESS, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	bpf_compute32(program, BPF_AND, TYPE, 0xffff);
	bpf_compute32(program, BPF_RSH, ACCESS, 16);
	bpf_read(program, BPF_W, MAJOR, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, major));
	bpf_read(program, BPF_W, MINOR, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

static void add_rule(struct bpf_program *program, const struct device_rule *rule)
{
	uint32_t type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
	uint32_t access = (rule->read ? BPF_DEVCG_ACC_READ : 0u) | (rule->write ? BPF_DEVCG_ACC_WRITE : 0u);
	struct bpf_jumps next = {0};

	bpf_jump32(program, BPF_JNE, TYPE, type, &next);
	bpf_jump32(program, BPF_JSET, ACCESS, ~access, &next);
	bpf_jump32(program, BPF_JNE, MAJOR, rule->major, &next);
	if (rule->minor != DEVICE_ANY)
		bpf_jump32(program, BPF_JNE, MINOR, rule->minor, &next);
	bpf_answer(program, true);
	bpf_land(program, &next);
}

struct bpf_insn *device_filter_program(const struct device_rule *rules, size_t n, size_t *ret_length)
{
	struct bpf_program program = {0};

	add_question(&program);
	for (size_t i = 0; i < n; i++)
		add_rule(&program, &rules[i]);
	bpf_answer(&program, false);

	*ret_length = program.n;
	return program.insns;
}

int device_filter_load(const struct device_rule *rules, size_t n, struct err *err)
{
	static const struct bpf_place place = {
		.type = BPF_PROG_TYPE_CGROUP_DEVICE, .where = BPF_CGROUP_DEVICE, .name = "openve_devices"};
	struct bpf_program program = {0};

	program.insns = device_filter_program(rules, n, &program.n);
	int fd = bpf_load(&program, &place, err);
	free(program.insns);
	return fd;
}

int device_filter_attach(int cgroup_fd, int filter_fd, struct err *err)
{
	return bpf_attach(cgroup_fd, filter_fd, BPF_CGROUP_DEVICE, err);
}
