#include "tests/leaf/loop.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"

#define SIZE (512 << 20) /* XFS does not do with less than 300 MiB */
#define MAX_ARGUMENTS 16

const char *const loop_ext4[] = {"mkfs.ext4", "-q", "-O", "quota,project", NULL};
const char *const loop_xfs[] = {"mkfs.xfs", "-q", "-m", "reflink=1", NULL};

static int make_image(int dir, const char *const mkfs[], struct err *err)
{
	cleanup_fd int image = openat(dir, "image", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (image < 0 || ftruncate(image, SIZE) < 0)
		return err_set(err, errno, "create an image");

	const char *command[MAX_ARGUMENTS] = {NULL};
	size_t n = 0;
	for (; mkfs[n] && n < MAX_ARGUMENTS - 2; n++)
		command[n] = mkfs[n];
	command[n] = "image";
	return proc_run(dir, command, err);
}

/* A mount that is detached lives on in its descriptors. */
static int mount_image(int dir, const char *options, struct err *err)
{
	const char *const command[] = {"mount", "-o", options, "image", "root", NULL};

	if (mkdirat(dir, "root", 0700) < 0)
		return err_set(err, errno, "create a mount point");
	int r = proc_run(dir, command, err);
	if (r < 0)
		return r;

	int root = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *path = str_fmt("/proc/self/fd/%d/root", dir);
	if (umount2(path, MNT_DETACH) < 0)
		return err_set(err, errno, "detach %s", path);
	return root < 0 ? err_set(err, ENOENT, "open the mounted image") : root;
}

int loop_make(const char *const mkfs[], const char *options, struct err *err)
{
	char name[] = "/tmp/openve-test.XXXXXX";
	cleanup_fd int dir = mkdtemp(name) ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		return err_set(err, errno, "create %s", name);

	cleanup_free char *all = str_fmt("loop,%s", options);
	int r = make_image(dir, mkfs, err);
	if (r == 0)
		r = mount_image(dir, all, err);

	unlinkat(dir, "image", 0);
	unlinkat(dir, "root", AT_REMOVEDIR);
	rmdir(name);
	return r;
}
