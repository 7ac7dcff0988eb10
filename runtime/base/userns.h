/* A user namespace that exists only as a map of ids, for idmapped mounts and sandboxes. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

#define USERNS_RANGE 65536u /* ids of a VE: 0 to 65535 inside */

/* A new user namespace in which 0..65535 are base..base+65535, for users and groups. Returns its fd. */
int userns_open(uint32_t base, struct err *err);

/* Write that map for a process that was just cloned with CLONE_NEWUSER (pid as we see it). */
int userns_map(pid_t pid, uint32_t base, struct err *err);
