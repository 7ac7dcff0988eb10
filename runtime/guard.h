/* What holds a VE's processes back by their group: which devices they open, which modules they make the kernel load,
 * what they ask for over netlink, which settings they change. BPF programs, loaded once, in vzd; a VE's root cannot
 * take them off. */
#pragma once

#include <stdint.h>

#include "quota/netlink.h"

struct err;

/* Nothing but fds. */
struct guard {
	int devices;	 /* filter of devices for VEs without tun */
	int devices_tun; /* and with it */
	int autoload;
	int sysctl;
	struct netlink_filter netlink;
};

#define GUARD_NONE {-1, -1, -1, -1, {-1, -1}}

/* `base` is the group that all VEs' groups are below. A kernel that has none of this, or is told not to use it, is an
 * error with the remedy. */
int guard_load(const char *base, struct guard *ret, struct err *err);

/* Put a group (a directory fd) and all below under guard, with what is granted (runtime/grant.h) everywhere. */
int guard_attach(const struct guard *guard, int cgroup_fd, uint32_t granted, struct err *err);

/* Also allow what is granted only in the VE's own network namespace, which is `netns`. */
int guard_at_home(const struct guard *guard, int cgroup_fd, uint32_t granted, int netns, struct err *err);
