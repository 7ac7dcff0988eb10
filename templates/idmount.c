#include "templates/idmount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

/* A clone inherits the flags of its mount: on the node the pool is nosuid and nodev, in a VE its setuid programs must
 * work. A clone of a shared mount is a peer of it, and what is mounted on the one would appear on the other. */
int idmount_open(int dir, int userns, uint64_t attributes, struct err *err)
{
	cleanup_fd int mount = open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0)
		return err_set(err, errno, "clone the mount of a directory");

	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP | attributes,
		.attr_clr = (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) & ~attributes,
		.propagation = MS_PRIVATE,
		.userns_fd = (uint64_t)userns,
	};
	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_set(err, errno, "shift the ids of a mount (the file system must allow idmapped mounts)");
	return steal_fd(&mount);
}
