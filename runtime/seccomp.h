/* Which system calls a VE may make. The only file that knows libseccomp.
 *
 * A deny list by table for a full distribution, with allow lists where only a few values of an argument are harmless
 * (socket families); the reasons stand beside the rows. Compiled once (in vzd) and installed many times. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Rows that what a VE is granted (runtime/grant.h) takes out of the table are programs of their own, beside the two
 * that most VEs need no other to. The kernel asks all that are installed, and the strictest answer counts. */
#define SECCOMP_PARTS 3
struct seccomp_filters {
	struct sock_fprog usual; /* for who is granted GRANT_NETFILTER at most */
	struct sock_fprog open;	 /* for all others, with the parts that hold for them */
	struct sock_fprog parts[SECCOMP_PARTS];
};

/* The filters for a VE. */
struct seccomp {
	const struct seccomp_filters *filters;
	uint32_t granted;
};

/* Compile the table to BPF programs. The caller keeps them for ever (workers inherit them by fork). */
int seccomp_compile(struct seccomp_filters *ret, struct err *err);

/* Which programs those are, in the order of installing. Returns how many. */
#define SECCOMP_PROGRAMS (1 + SECCOMP_PARTS)
size_t seccomp_programs(const struct seccomp *seccomp, const struct sock_fprog *ret[SECCOMP_PROGRAMS]);

/* Install them in the calling thread, for good. Needs CAP_SYS_ADMIN in the current user namespace (no_new_privs is not
 * set: sudo must work in the VE). */
int seccomp_install(const struct seccomp *seccomp, struct err *err);
