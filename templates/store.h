/* The two layouts of a private area, and how a root comes from each. Ids lie unshifted on disk (0 to 65535 of the VE).
 *
 * overlay: PRIVATE/fs (upper) and PRIVATE/work over layers/DIGEST/root. private: PRIVATE is the root itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum layout { LAYOUT_OVERLAY, LAYOUT_PRIVATE };

/* Fill the fresh, empty directory `private` for that layout: an overlay's folders, or a copy (reflinked where the file
 * system can) of the layer's root, and write it to disk. `layers` is …/template/layers. */
int store_fill(int private, enum layout layout, int layers, const char *digest, struct err *err);

/* Make a private area mountable whose files were copied from elsewhere: a clone, a snapshot, another node. Files are
 * known to an overlay by handles of the file system they lie on; a copy's are wrong, and the kernel refuses to mount it
 * ("stale file handle"). Not while it is mounted. Idempotent; nothing to do for layout private. */
int store_adopt(int private, enum layout layout, struct err *err);

struct store_root {
	enum layout layout;
	int private;	    /* the private area */
	int layers;	    /* …/template/layers; overlay only */
	const char *digest; /* overlay only */
	uint32_t base;	    /* host id of the VE's 0 */
};

/* Build the root of a VE as a detached mount: ids shifted to base, nodev, not yet attached anywhere, private
 * propagation. The overlay has index=on,nfs_export=on so that inotify can be checkpointed. Returns the mount's fd
 * (fsmount/open_tree). Runs in a process of its own inside, so that the caller's namespaces and ids stay as they are.
 */
int store_mount(const struct store_root *root, struct err *err);
