/* Which modules the processes of a group may make the kernel load by asking for what is in them: a BPF program at the
 * security hook kernel_module_request. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct btf;
struct err;

/* What begins with one of these names may be loaded, nothing else. The names are the kernel's, which modprobe(8) finds
 * as aliases in the modules. Returns the program's fd; one serves many groups. */
int autoload_filter_load(const struct btf *btf, const char *const *names, size_t n, struct err *err);

/* Attach it to a group (a directory fd), for it and all below, in place of the one that the group has. */
int autoload_filter_attach(int cgroup_fd, int filter_fd, struct err *err);
