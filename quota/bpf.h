/* Programs for the kernel's BPF machine, put together an instruction at a time, and the way into the kernel for those
 * that decide for a group: bpf(2), Documentation/bpf/standardization/instruction-set.rst. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct bpf_program {
	struct bpf_insn *insns; /* the caller frees */
	size_t n;
};

/* Jumps that wait for the place where they lead. */
struct bpf_jumps {
	size_t from[16];
	size_t n;
};

/* reg = what lies at from + offset; `size` is BPF_B, BPF_H, BPF_W or BPF_DW. The stack ends at BPF_REG_10. */
void bpf_read(struct bpf_program *program, unsigned size, unsigned reg, unsigned from, ptrdiff_t offset);
/* And the other way. */
void bpf_write(struct bpf_program *program, unsigned size, unsigned to, ptrdiff_t offset, unsigned reg);

/* reg = reg OPERATION n, with BPF_MOV as well. In the second the upper half becomes 0. */
void bpf_compute(struct bpf_program *program, unsigned operation, unsigned reg, int32_t n);
void bpf_compute32(struct bpf_program *program, unsigned operation, unsigned reg, uint32_t n);
void bpf_compute_with(struct bpf_program *program, unsigned operation, unsigned reg, unsigned other);

/* Jump ahead if the comparison holds; in the last, of the lower halves. */
void bpf_jump(struct bpf_program *program, unsigned comparison, unsigned reg, int32_t n, struct bpf_jumps *ahead);
void bpf_jump_with(struct bpf_program *program, unsigned comparison, unsigned reg, unsigned other,
		   struct bpf_jumps *ahead);
void bpf_jump32(struct bpf_program *program, unsigned comparison, unsigned reg, uint32_t n, struct bpf_jumps *ahead);
/* Jump ahead unless these bytes lie at from + offset, which is a multiple of 4. Uses `reg`. */
void bpf_jump_unless(struct bpf_program *program, unsigned reg, unsigned from, ptrdiff_t offset, const void *bytes,
		     size_t n, struct bpf_jumps *ahead);
/* All of them lead to what comes next. */
void bpf_land(struct bpf_program *program, struct bpf_jumps *jumps);

/* The head of a loop, which the kernel leaves for `ahead` after 8 million rounds (may_goto, Linux 6.9); and back to it.
 */
size_t bpf_loop(struct bpf_program *program, struct bpf_jumps *ahead);
void bpf_again(struct bpf_program *program, size_t loop);

void bpf_call(struct bpf_program *program, enum bpf_func_id helper);
/* BPF_REG_0 = where the group's own value in the storage lies. */
void bpf_own_value(struct bpf_program *program, int storage_fd);
/* BPF_REG_0 = where the table's value for the key at BPF_REG_2 lies, 0 when it has none. */
void bpf_look_up(struct bpf_program *program, int table_fd);
/* The end: the program's answer is yes or no. */
void bpf_answer(struct bpf_program *program, bool yes);

/* A place for a value of each group that a program decides for, all zero at first. Returns its fd. */
int bpf_storage(size_t size, const char *name, struct err *err);
/* Replace the group's value at once. The program must be attached. */
int bpf_storage_set(int storage_fd, int cgroup_fd, enum bpf_attach_type where, const void *value, struct err *err);

/* A table of up to n values by key, for programs to look up. Returns its fd. */
int bpf_table(size_t key_size, size_t value_size, size_t n, const char *name, struct err *err);
int bpf_table_set(int table_fd, const void *key, const void *value, struct err *err);

/* What kind of program it is, and what its answers decide. */
struct bpf_place {
	enum bpf_prog_type type;
	enum bpf_attach_type where;
	uint32_t hook;	  /* BPF_LSM_CGROUP: BTF id of the security hook, see quota/btf.h */
	const char *name; /* in `bpftool prog`: 15 characters at most */
};

/* Have the kernel check and compile it. Returns its fd; one serves many groups. */
int bpf_load(const struct bpf_program *program, const struct bpf_place *place, struct err *err);

/* Let it decide for a group (a directory fd) and all below, in place of the one of its kind that the group has. */
int bpf_attach(int cgroup_fd, int program_fd, enum bpf_attach_type where, struct err *err);
