/* Capabilities, resource limits and ceilings that a VE's processes are born with: tables. Knows libcap. */
#pragma once

#include <stdint.h>

struct err;

/* Take the capabilities that no VE has out of the bounding set and out of the process, empty the inheritable and
 * ambient sets. Runs in the VE's user namespace, as its root, before exec. */
int caps_drop(struct err *err);

/* Those that no VE has, a bit each (1 << CAP_…). */
uint64_t caps_dropped(void);

/* Prepare the process that creates the VE's user namespace, or that is about to enter it, while it still has the node's
 * CAP_SYS_RESOURCE: hard limits are raised to what the VE's processes get, and the limits that are ceilings for all in
 * a user namespace (user_namespaces(7): NPROC, MEMLOCK, SIGPENDING, MSGQUEUE) are set. */
int caps_limit_creator(struct err *err);

/* What init and whatever enters start with, every rlimit there is (NOFILE, CORE, STACK …). Needs no privilege after
 * that. */
int caps_limit_init(struct err *err);

/* Ceilings in /proc/sys/user/max_* of the VE's own user namespace; `proc` is the VE's proc. They can be written only
 * while the process has CAP_SYS_RESOURCE there, which caps_drop takes away for good. */
int caps_limit_namespaces(int proc, struct err *err);
