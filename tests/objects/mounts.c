/* Mounts made inside: in the VE's own mount namespace, and in one of this process. */
#include "tests/objects/helper.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Left over from a run before. */
static void clear(const char *place)
{
	umount2(place, MNT_DETACH);
	mkdir(place, 0755);
}

static bool prepare_tmpfs(struct held *held)
{
	clear("mount-tmpfs");
	if (mount("held", "mount-tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "size=1M,mode=0750") < 0)
		return skip(held, "no tmpfs can be mounted: %m");
	return ok(held, mkdir("mount-tmpfs/below", 0700) == 0, "mkdir: %m") &&
	       ok(held, file_write("mount-tmpfs/below/file", "in the tmpfs"), "write: %m") &&
	       ok(held, chown("mount-tmpfs/below/file", 1000, 1001) == 0, "chown: %m");
}

static bool check_tmpfs(struct held *held)
{
	struct statvfs fs = {0};
	struct stat st = {0};

	statvfs("mount-tmpfs", &fs);
	stat("mount-tmpfs/below/file", &st);
	return ok(held, file_says("/proc/self/mountinfo", "/mount-tmpfs "), "it is not mounted") &&
	       ok(held, file_says("mount-tmpfs/below/file", "in the tmpfs"), "its file is gone") &&
	       ok(held, st.st_uid == 1000 && st.st_gid == 1001, "its file belongs to %u:%u", st.st_uid, st.st_gid) &&
	       ok(held, fs.f_blocks * fs.f_frsize == 1 << 20, "its size is %lu", fs.f_blocks * fs.f_frsize) &&
	       ok(held, fs.f_flag & ST_NOSUID && fs.f_flag & ST_NODEV, "its flags are %#lx", fs.f_flag);
}

static bool spoil_tmpfs(struct held *held)
{
	(void)held;
	return unlink("mount-tmpfs/below/file") == 0;
}

/* A directory of the root that is mounted again, read-only. */
static bool prepare_bind(struct held *held)
{
	mkdir("mount-source", 0755);
	clear("mount-bind");
	if (!ok(held, file_write("mount-source/file", "bound"), "write: %m"))
		return false;
	if (mount("mount-source", "mount-bind", NULL, MS_BIND, NULL) < 0)
		return skip(held, "nothing can be bound: %m");
	return ok(held, mount(NULL, "mount-bind", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0, "remount: %m");
}

static bool check_bind(struct held *held)
{
	return ok(held, file_says("mount-bind/file", "bound"), "its file is gone") &&
	       ok(held, !file_write("mount-bind/file", "written"), "it can be written to") &&
	       ok(held, file_write("mount-source/more", "more") && file_says("mount-bind/more", "more"),
		  "what is new in the directory is not there");
}

static bool spoil_bind(struct held *held)
{
	(void)held;
	return umount("mount-bind") == 0;
}

static bool prepare_nested(struct held *held)
{
	mkdir("mount-nested", 0755);
	if (unshare(CLONE_NEWNS) < 0)
		return skip(held, "no mount namespace can be made: %m");
	return ok(held, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "make it private: %m") &&
	       ok(held, mount("nested", "mount-nested", "tmpfs", 0, "size=1M") == 0, "mount: %m") &&
	       ok(held, file_write("mount-nested/file", "nested"), "write: %m");
}

/* It is seen here, and nowhere else. */
static bool check_nested(struct held *held)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", getppid());
	return ok(held, file_says("mount-nested/file", "nested"), "its file is gone") &&
	       ok(held, file_says("/proc/self/mountinfo", "/mount-nested "), "it is not mounted") &&
	       ok(held, !file_says(path, "/mount-nested "), "it is mounted outside too");
}

static bool spoil_nested(struct held *held)
{
	(void)held;
	return umount("mount-nested") == 0;
}

struct kinds mounts_kinds(void)
{
	static const struct kind list[] = {
		{"mount-tmpfs", prepare_tmpfs, check_tmpfs, spoil_tmpfs},
		{"mount-bind", prepare_bind, check_bind, spoil_bind},
		{"mount-namespace", prepare_nested, check_nested, spoil_nested},
	};
	return (struct kinds){list, countof(list)};
}
