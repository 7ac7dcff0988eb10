/* Looking at processes that came from an image, before they run: are they held by what holds those that a start makes?
 * An image is sealed, so nobody but the node's root can have changed it; this is the second look. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

/* Its first process, when there are namespaces, of a VE whose uid 0 is `base` on the node: owner and map of the user
 * namespace. ERR_RESTORE names what is not as it should be, here and below. */
int verify_namespace(pid_t init, uint32_t base, struct err *err);

/* All processes of the group, when they are about to run: seccomp, capabilities. */
int verify_processes(const char *group, struct err *err);
