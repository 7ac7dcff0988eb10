/* The kernel runs the program where it is about to run modprobe for somebody, in the process that made it so. What the
 * node's own processes ask for is not affected. */
#include "quota/autoload.h"

#include <stdlib.h>
#include <string.h>

#include "quota/bpf.h"
#include "quota/btf.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

#define NAME_SIZE 64 /* of a module, MODULE_NAME_LEN: include/linux/moduleparam.h */

/* The name, from the kernel's memory to the end of the stack. */
static void add_question(struct bpf_program *program)
{
	bpf_read(program, BPF_DW, BPF_REG_3, BPF_REG_1, 0);
	bpf_compute_with(program, BPF_MOV, BPF_REG_1, BPF_REG_10);
	bpf_compute(program, BPF_ADD, BPF_REG_1, -NAME_SIZE);
	bpf_compute(program, BPF_MOV, BPF_REG_2, NAME_SIZE);
	bpf_call(program, BPF_FUNC_probe_read_kernel_str);
}

int autoload_filter_load(const struct btf *btf, const char *const *names, size_t n, struct err *err)
{
	struct bpf_place place = {.type = BPF_PROG_TYPE_LSM, .where = BPF_LSM_CGROUP, .name = "openve_autoload"};
	struct bpf_program program = {0};

	int r = btf_function(btf, "bpf_lsm_kernel_module_request", &place.hook, err);
	if (r < 0)
		return r;

	add_question(&program);
	for (size_t i = 0; i < n; i++) {
		struct bpf_jumps next = {0};
		bpf_jump_unless(&program, BPF_REG_2, BPF_REG_10, -NAME_SIZE, names[i], strlen(names[i]), &next);
		bpf_answer(&program, true);
		bpf_land(&program, &next);
	}
	bpf_answer(&program, false);

	r = bpf_load(&program, &place, err);
	free(program.insns);
	return r;
}

int autoload_filter_attach(int cgroup_fd, int filter_fd, struct err *err)
{
	return bpf_attach(cgroup_fd, filter_fd, BPF_LSM_CGROUP, err);
}
