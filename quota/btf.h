/* What the running kernel's functions and structures are, as it tells itself: /sys/kernel/btf/vmlinux
 * (Documentation/bpf/btf.rst). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct btf;
struct err;

int btf_open(struct btf **ret, struct err *err);
void btf_close(struct btf **btf);
#define cleanup_btf __attribute__((cleanup(btf_close)))

/* The id of a function. */
int btf_function(const struct btf *btf, const char *name, uint32_t *ret_id, struct err *err);

/* Where in the structure a member lies, in bytes. "a.b" is a member of a member. */
int btf_offset(const struct btf *btf, const char *structure, const char *member, ptrdiff_t *ret_offset,
	       struct err *err);
