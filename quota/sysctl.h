/* Which of the kernel's settings below /proc/sys the processes of a group may not change: a BPF program of type
 * CGROUP_SYSCTL. */
#pragma once

#include <stddef.h>

struct err;

/* What begins with one of these names ("net/ipv4/ipfrag_") cannot be written, whoever owns it. Returns the program's
 * fd; one serves many groups. */
int sysctl_filter_load(const char *const *names, size_t n, struct err *err);

/* Attach it to a group (a directory fd), for it and all below, in place of the one that the group has. */
int sysctl_filter_attach(int cgroup_fd, int filter_fd, struct err *err);
