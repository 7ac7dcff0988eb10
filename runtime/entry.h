/* Getting a process of ours into a running VE, confined as what lives there is: what a command (runtime/enter.h) and an
 * errand (runtime/errand.h) have in common. */
#pragma once

#include <stdint.h>

struct err;

/* How long one may take until it is ready. Once it has joined the user namespace, root of the VE may stop it: it is not
 * waited for for ever. */
#define ENTRY_TIMEOUT_MS 10000

/* Make BASE/ve-CTID/exec/N, a group for it below the VE's limits and beside its init's, so that it can be killed with
 * all that it starts. The caller frees *ret_group, and takes the group away in the end. */
int entry_group(const char *ve_group, char **ret_group, struct err *err);

/* Kill what is in the group and remove it; NULL is none. What hangs in the kernel, deaf to a kill, is left and goes
 * with the VE. */
void entry_clear(const char *group);

/* Clone into the VE's pid namespace and the group. `ve` is a pidfd of the VE's init, `flags` are clone3(2)'s. Returns 0
 * in the child, its pid in the parent. Until it has joined the other namespaces the child is the node's root in sight
 * of the VE, which can do nothing to it: it is not dumpable, and nobody's there. */
int entry_clone(int ve, const char *group, uint64_t flags, int *ret_pidfd, struct err *err);

/* In the child: join the other namespaces and become root of the VE, standing in its root directory. */
int entry_join(int ve, struct err *err);
