/* Which device nodes the processes of a group may open: a BPF_PROG_TYPE_CGROUP_DEVICE program made from a table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_insn;
struct err;

struct device_rule {
	char type; /* 'c' or 'b' */
	uint32_t major;
	uint32_t minor; /* DEVICE_ANY: all */
	bool read, write;
};
#define DEVICE_ANY UINT32_MAX

/* The program as instructions, for whoever wants to see it; the caller frees. */
struct bpf_insn *device_filter_program(const struct device_rule *rules, size_t n, size_t *ret_length);

/* Load the program: what a rule allows is allowed, all else (and mknod) is refused. Returns its fd; one serves many
 * groups. */
int device_filter_load(const struct device_rule *rules, size_t n, struct err *err);

/* Attach it to a group (a directory fd), for it and all below, in place of the one that the group has. */
int device_filter_attach(int cgroup_fd, int filter_fd, struct err *err);
