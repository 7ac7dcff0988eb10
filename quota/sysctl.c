/* The kernel runs the program at each read and write of a file below /proc/sys, in whatever mount of proc. */
#include "quota/sysctl.h"

#include <stdlib.h>
#include <string.h>

#include "quota/bpf.h"
#include "runtime/base/err.h"

#define NAME_SIZE 64 /* of the longest name that we compare with, its end included */

/* Reading is always allowed. The name goes to the end of the stack. */
static void add_question(struct bpf_program *program, struct bpf_jumps *reading)
{
	bpf_read(program, BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_sysctl, write));
	bpf_jump32(program, BPF_JEQ, BPF_REG_2, 0, reading);
	bpf_compute_with(program, BPF_MOV, BPF_REG_2, BPF_REG_10);
	bpf_compute(program, BPF_ADD, BPF_REG_2, -NAME_SIZE);
	bpf_compute(program, BPF_MOV, BPF_REG_3, NAME_SIZE);
	bpf_compute(program, BPF_MOV, BPF_REG_4, 0);
	bpf_call(program, BPF_FUNC_sysctl_get_name);
}

int sysctl_filter_load(const char *const *names, size_t n, struct err *err)
{
	static const struct bpf_place place = {
		.type = BPF_PROG_TYPE_CGROUP_SYSCTL, .where = BPF_CGROUP_SYSCTL, .name = "openve_sysctl"};
	struct bpf_program program = {0};
	struct bpf_jumps reading = {0};

	add_question(&program, &reading);
	for (size_t i = 0; i < n; i++) {
		struct bpf_jumps other = {0};
		bpf_jump_unless(&program, BPF_REG_2, BPF_REG_10, -NAME_SIZE, names[i], strlen(names[i]), &other);
		bpf_answer(&program, false);
		bpf_land(&program, &other);
	}
	bpf_land(&program, &reading);
	bpf_answer(&program, true);

	int fd = bpf_load(&program, &place, err);
	free(program.insns);
	return fd;
}

int sysctl_filter_attach(int cgroup_fd, int filter_fd, struct err *err)
{
	return bpf_attach(cgroup_fd, filter_fd, BPF_CGROUP_SYSCTL, err);
}
