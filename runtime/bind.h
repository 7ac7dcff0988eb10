/* What a VE sees of the node: device nodes and LXCFS's views. The one table of all binds from outside; the key names
 * each for checkpointing and never changes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum bind_kind {
	BIND_DEVICE,	/* a device node: verified to be that device */
	BIND_VIEW_FILE, /* a file of LXCFS */
	BIND_VIEW_DIR,
};

struct bind {
	const char *key;
	const char *source; /* on the node: a path, of a view one below LXCFS */
	const char *target; /* in the VE */
	enum bind_kind kind;
	uint32_t major, minor;
	uint32_t needs; /* a grant (runtime/grant.h); 0: none */
};

#define BIND_MAX 24

extern const struct bind bind_table[];
extern const size_t bind_count;

/* Open all of them as detached mounts: fds[i] is for bind_table[i], -1 for the views without `views` and for what is
 * not granted. LXCFS that does not answer is an error that says how to go on without. */
int bind_open(bool views, uint32_t granted, int fds[BIND_MAX], struct err *err);
void bind_close(int fds[BIND_MAX]);

/* Load the device filter: a VE that is granted this may open the devices above and its own terminals, nothing else.
 * Returns the program's fd. */
int bind_device_filter(uint32_t granted, struct err *err);
