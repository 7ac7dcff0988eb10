/* The quota calls take the directory's descriptor (quotactl_fd, Linux 5.14) and go through the VFS, so that XFS and
 * ext4 are alike: limits in blocks of 1 KiB, usage in bytes, 0 for no limit. */
#include "quota/disk.h"

#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static int project_quota(int dirfd, unsigned command, uint32_t id, void *argument)
{
	return syscall(SYS_quotactl_fd, dirfd, QCMD(command, PRJQUOTA), id, argument) < 0 ? -errno : 0;
}

/* A file system that knows no quota, knows none for projects, or was mounted without it. */
static bool is_without_quota(int r)
{
	return r == -ENOSYS || r == -EINVAL || r == -ESRCH;
}

static int say_without_quota(struct err *err)
{
	err_say(err, ERR_QUOTA,
		"the file system keeps no project quota; it must be XFS, or ext4 made with -O quota,project, and be "
		"mounted with -o prjquota");
	return -ENOTSUP;
}

/* XFS can also count without enforcing. */
int disk_check(int dirfd, struct err *err)
{
	struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
	int r = project_quota(dirfd, Q_XGETQSTATV, 0, &state);

	if (is_without_quota(r) || (r == 0 && !(state.qs_flags & FS_QUOTA_PDQ_ENFD)))
		return say_without_quota(err);
	return r < 0 ? err_is(err, ERR_QUOTA, err_set(err, -r, "ask whether the file system keeps project quota")) : 0;
}

static int set_project(int dirfd, uint32_t id)
{
	cleanup_fd int dir = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;

	struct fsxattr attributes;
	if (ioctl(dir, FS_IOC_FSGETXATTR, &attributes) < 0)
		return -errno;
	attributes.fsx_projid = id;
	attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(dir, FS_IOC_FSSETXATTR, &attributes) < 0 ? -errno : 0;
}

int disk_join(int dirfd, uint32_t id, struct err *err)
{
	int r = set_project(dirfd, id);
	return r < 0 ? err_is(err, ERR_QUOTA, err_set(err, -r, "give a directory to quota project %u", id)) : 0;
}

/* No limit may round to 0, which is none. */
static uint64_t to_kernel(uint64_t limit, uint64_t unit)
{
	if (limit == DISK_NO_LIMIT)
		return 0;
	return limit <= unit ? 1 : (limit - 1) / unit + 1;
}

static uint64_t from_kernel(uint64_t limit, uint64_t unit)
{
	return limit == 0 || limit > UINT64_MAX / unit ? DISK_NO_LIMIT : limit * unit;
}

static bool is_unlimited(const struct disk_limits *limits)
{
	return limits->space_soft == DISK_NO_LIMIT && limits->space_hard == DISK_NO_LIMIT &&
	       limits->inodes_soft == DISK_NO_LIMIT && limits->inodes_hard == DISK_NO_LIMIT;
}

/* XFS leaves the limits as they are, and reports success, when a soft limit is above its hard one. */
static int check_order(const struct disk_limits *limits, struct err *err)
{
	if (limits->space_soft != DISK_NO_LIMIT && limits->space_soft > limits->space_hard)
		return err_say(err, ERR_BAD_VALUE, "the soft limit of disk space is above the hard one");
	if (limits->inodes_soft != DISK_NO_LIMIT && limits->inodes_soft > limits->inodes_hard)
		return err_say(err, ERR_BAD_VALUE, "the soft limit of inodes is above the hard one");
	return 0;
}

int disk_limit(int dirfd, uint32_t id, const struct disk_limits *limits, struct err *err)
{
	int r = check_order(limits, err);
	if (r < 0)
		return r;

	struct if_dqblk quota = {
		.dqb_bhardlimit = to_kernel(limits->space_hard, QIF_DQBLKSIZE),
		.dqb_bsoftlimit = to_kernel(limits->space_soft, QIF_DQBLKSIZE),
		.dqb_ihardlimit = to_kernel(limits->inodes_hard, 1),
		.dqb_isoftlimit = to_kernel(limits->inodes_soft, 1),
		.dqb_valid = QIF_LIMITS,
	};
	r = project_quota(dirfd, Q_SETQUOTA, id, &quota);
	if (is_without_quota(r))
		return is_unlimited(limits) ? 0 : say_without_quota(err);
	return r < 0 ? err_is(err, ERR_QUOTA, err_set(err, -r, "set the disk quota of project %u", id)) : 0;
}

int disk_usage(int dirfd, uint32_t id, struct disk_usage *ret, struct err *err)
{
	struct if_dqblk quota = {0};
	int r = project_quota(dirfd, Q_GETQUOTA, id, &quota);

	if (is_without_quota(r))
		return say_without_quota(err);
	if (r < 0 && r != -ENOENT) /* XFS, of a project that never had anything */
		return err_is(err, ERR_QUOTA, err_set(err, -r, "read the disk quota of project %u", id));

	*ret = (struct disk_usage){
		.space = quota.dqb_curspace,
		.inodes = quota.dqb_curinodes,
		.limits.space_soft = from_kernel(quota.dqb_bsoftlimit, QIF_DQBLKSIZE),
		.limits.space_hard = from_kernel(quota.dqb_bhardlimit, QIF_DQBLKSIZE),
		.limits.inodes_soft = from_kernel(quota.dqb_isoftlimit, 1),
		.limits.inodes_hard = from_kernel(quota.dqb_ihardlimit, 1),
	};
	return 0;
}
