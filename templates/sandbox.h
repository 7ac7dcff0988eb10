/* A process that parses hostile bytes, and can reach nothing but the directory it fills.
 *
 * User, mount, pid, net, ipc, uts and cgroup namespaces of its own, made by the sandbox's own uid; one mount, which is
 * its root; no capability but those that have to do with files, and these only over its own ids; limits on its time and
 * what it writes; first to go when memory is short. It dies with us. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

struct sandbox {
	int root;      /* a directory; what is made in it belongs to ids 0 to 65535 on disk */
	uint32_t base; /* first of 65536 host ids that only sandboxes use */
	int in, out;   /* its stdin and stdout; it inherits no other descriptor, stderr is /dev/null */

	void (*work)(const void *ctx); /* what it does, in its root directory; it ends when this returns */
	const void *ctx;
};

/* Start it. Returns its pid once it is confined and at work. */
pid_t sandbox_start(const struct sandbox *sandbox, struct err *err);

/* Wait for its end. That it was killed is an error. */
int sandbox_wait(pid_t pid, struct err *err);
