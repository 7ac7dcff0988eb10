/* The steps that bring a VE up; read backwards they take it down. */
#pragma once

#include <stdbool.h>

#include "runtime/launch.h"
#include "runtime/op.h"
#include "runtime/state.h"
#include "runtime/ve.h"

struct kvfile;
struct network_options;

/* What the steps know and hold. Nothing of it is needed to undo but `ve` and `state`. */
struct running {
	struct ve *ve;
	struct state state;
	struct launched launched;
	int root;	 /* the VE's root, detached, for its first process; -1 */
	bool keep_mount; /* taking down leaves the root mounted */

	/* Of one that comes back from an image: its directory, name and facts, and how its links come up. */
	int image;
	const char *image_name;
	struct kvfile *facts;
	bool stay_frozen; /* its processes do not go on yet */
	bool image_stays; /* it may be brought back from it again, with the files that go with it */
	const struct network_options *network;
};

#define RUNNING_NONE {.root = -1, .launched = {.sync = -1, .pidfd = -1, .console = -1}, .image = -1}

void running_done(struct running *running);
#define cleanup_running __attribute__((cleanup(running_done)))

/* record, mount, quota, cgroup, devices, launch, network, go */
extern const struct step running_steps[];
extern const size_t running_step_count;

/* The same with processes from an image: record, mount, quota, cgroup, devices, links, restore */
extern const struct step reborn_steps[];
extern const size_t reborn_step_count;

/* Take down whatever there is of a VE that its record speaks of. */
int running_take_down(struct op *op, struct ve *ve, bool keep_mount);

/* Put its group under guard in its own network namespace, which is `netns`. */
int running_guard_home(struct op *op, const struct running *running, int netns);

/* Mount the root of a VE that does not run on its root area, with ids as they lie on disk: root of the node writes
 * there as root of the VE. */
int running_mount_for_node(struct op *op, const struct ve *ve);
int running_umount(struct op *op, const struct ve *ve);

/* The limits of its configuration, as the kernel takes them. */
struct limits;
struct disk_limits;
struct limits running_limits(const struct ve *ve);
struct disk_limits running_disk_limits(const struct ve *ve);

/* Set the disk limits on the private area; "none" on a file system without quota is success. */
int running_limit_disk(struct op *op, const struct ve *ve);
