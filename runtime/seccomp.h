/* Which system calls a VE may make. The only file that knows libseccomp.
 *
 * A deny list by table for a full distribution, with allow lists where only a few values of an argument are harmless
 * (socket families); the reasons stand beside the rows. Compiled once (in vzd) and installed many times. */
#pragma once

#include <linux/filter.h>

struct err;

/* Compile the table to a BPF program. The caller keeps it for ever (workers inherit it by fork). */
int seccomp_compile(struct sock_fprog *ret, struct err *err);

/* Install it in the calling thread, for good. Needs CAP_SYS_ADMIN in the current user namespace (no_new_privs is not
 * set: sudo must work in the VE). */
int seccomp_install(const struct sock_fprog *program, struct err *err);
