/* Which mounts stand in the way, by what /proc/PID/mountinfo says. */
#include "unit.h"

#include "checkpoint/mounts.h"
#include "checkpoint/task.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"

/* As a guest with an overlay, a device and a view of the node bound in, and systemd in it has it. */
#define ROOT                                                                                                           \
	"50 40 0:60 / / rw,relatime - overlay overlay rw,lowerdir=/x,upperdir=/y,workdir=/z,index=on,nfs_export=on\n"
#define GUEST                                                                                                          \
	ROOT "51 50 0:61 / /proc rw,nosuid - proc proc rw\n"                                                           \
	     "52 50 0:62 / /sys ro,nosuid - sysfs sysfs rw\n"                                                          \
	     "53 52 0:28 /vzd.service/ve-101/init /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"                 \
	     "54 50 0:63 / /dev rw - tmpfs tmpfs rw,size=4096k\n"                                                      \
	     "55 54 0:64 / /dev/pts rw - devpts devpts rw,gid=5\n"                                                     \
	     "56 54 0:65 / /dev/mqueue rw - mqueue mqueue rw\n"                                                        \
	     "57 54 0:5 /null /dev/null rw,nosuid - devtmpfs udev rw\n"                                                \
	     "58 54 0:24 /3 /dev/console rw - devpts devpts rw\n"                                                      \
	     "59 51 0:45 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n"                                       \
	     "60 51 0:5 /null /proc/kcore rw,nosuid - devtmpfs udev rw\n"                                              \
	     "61 51 0:61 /irq /proc/irq ro,nosuid - proc proc rw\n"                                                    \
	     "62 50 0:66 / /run rw shared:7 - tmpfs tmpfs rw\n"                                                        \
	     "63 50 0:60 /srv/www /var/www rw - overlay overlay rw,lowerdir=/x,index=on,nfs_export=on\n"               \
	     "64 62 0:66 /user /run/again rw - tmpfs tmpfs rw\n"                                                       \
	     "65 51 0:67 / /proc/sys/fs/binfmt_misc rw shared:9 - autofs systemd-1 rw,fd=33\n"

static const char *const external[] = {"/dev/null", "/dev/console", "/proc/meminfo", NULL};

/* What stands in the way in mount namespaces with these mounts, of process 1, 2 …; a line each. */
static char *judge(const char *const *spaces, size_t n, const char *const *enabled)
{
	struct mounts mounts = {0};
	struct err err = {0};
	cleanup_obstacles struct obstacles obstacles = {0};

	for (size_t i = 0; i < n; i++) {
		cleanup_scratch struct scratch scratch = scratch_new();
		struct task task = {.fd = scratch.fd, .guest_pid = (pid_t)i + 1, .comm = "sh"};
		task.ns[TASK_NS_MNT] = 100 + i;
		cleanup_fd int fd = openat(scratch.fd, "mountinfo", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, spaces[i], strlen(spaces[i])), strlen(spaces[i]));
		assert_int_equal(mounts_add(&mounts, &task, &err), 0);
	}
	mounts_sort(&mounts);
	mounts_judge(&mounts, external, enabled, &obstacles);
	mounts_done(&mounts);

	struct text text = {0};
	text_add(&text, "%s", "");
	for (size_t i = 0; i < obstacles.n; i++) {
		cleanup_free char *one = obstacle_text(&obstacles.items[i]);
		text_add(&text, "%s\n", one);
	}
	return text.s;
}

static void assert_judged(const char *mounts, const char *const *enabled, const char *expected)
{
	cleanup_free char *text = judge(&mounts, 1, enabled);
	assert_string_equal(text, expected);
}

#define FS "process 1 (sh) has a file system mounted that cannot be saved "
#define BIND "process 1 (sh) has something mounted that is not of its own file systems "

TEST(a_terminal_without_its_other_end_cannot_be_made_again)
{
	assert_judged("54 50 0:63 / /dev rw - tmpfs tmpfs rw\n55 54 0:64 / /dev/pts rw - devpts devpts rw\n"
		      "58 54 0:64 /0//deleted /dev/console rw - devpts devpts rw\n",
		      NULL,
		      "process 1 (sh) has a terminal mounted that nobody holds the other end of any more "
		      "(devpts on /dev/console)\n");
}

TEST(an_ordinary_guest_has_none)
{
	assert_judged(GUEST, NULL, "");
}

TEST(file_systems_that_criu_does_not_know)
{
	assert_judged(GUEST "70 50 0:80 / /mnt/a rw - fuse.sshfs me@there: rw\n", NULL, FS "(fuse on /mnt/a)\n");
	assert_judged(GUEST "70 50 0:80 / /mnt/b rw - nfs4 there:/x rw\n", NULL, FS "(nfs4 on /mnt/b)\n");
	assert_judged(GUEST "70 50 8:1 / /mnt/c rw - ext4 /dev/sda1 rw\n", NULL, FS "(ext4 on /mnt/c)\n");
	assert_judged(GUEST "70 50 0:80 / /mnt/d rw - 9p share rw\n", NULL, FS "(9p on /mnt/d)\n");
	assert_judged(GUEST "70 50 0:80 / /dev/hugepages rw shared:3 master:1 - hugetlbfs hugetlbfs rw\n", NULL,
		      FS "(hugetlbfs on /dev/hugepages)\n");
}

TEST(what_the_caller_enables_is_none)
{
	static const char *const enabled[] = {"hugetlbfs", "ramfs", NULL};

	assert_judged(GUEST "70 50 0:80 / /dev/hugepages rw - hugetlbfs hugetlbfs rw\n"
			    "71 50 0:81 / /run/credentials/journald ro - ramfs none rw\n",
		      enabled, "");
	assert_judged(GUEST "70 50 0:80 / /mnt rw - nfs there:/x rw\n", enabled, FS "(nfs on /mnt)\n");
}

TEST(file_systems_inside_that_criu_knows)
{
	assert_judged(GUEST "70 50 0:80 / /mnt/a rw - overlay overlay rw,lowerdir=/a:/b\n"
			    "71 50 0:81 / /mnt/b rw - tmpfs none rw\n"
			    "72 50 0:82 / /mnt/c rw - proc proc rw\n",
		      NULL, "");
}

TEST(binds_of_what_is_outside)
{
	assert_judged(GUEST "70 50 8:1 /srv/data /data rw - ext4 /dev/sda1 rw\n", NULL, BIND "(ext4 on /data)\n");
	assert_judged(GUEST "70 62 0:4 net:[4026532300] /run/netns/blue rw - nsfs nsfs rw\n", NULL,
		      BIND "(nsfs on /run/netns/blue)\n");
	assert_judged(GUEST "70 54 0:5 /zero /dev/zero rw - devtmpfs udev rw\n", NULL,
		      BIND "(devtmpfs on /dev/zero)\n");
}

TEST(parts_of_what_is_external_are_external)
{
	assert_judged(GUEST "70 50 0:5 /null /etc/null rw - devtmpfs udev rw\n", NULL, "");
	assert_judged(GUEST "70 50 0:5 /nullify /etc/null rw - devtmpfs udev rw\n", NULL,
		      BIND "(devtmpfs on /etc/null)\n");
}

TEST(a_file_of_the_cgroup_is_not_restored)
{
	assert_judged(GUEST
		      "70 53 0:28 /vzd.service/ve-101/init/a.service/memory.pressure /sys/fs/cgroup/a/memory.pressure "
		      "rw - cgroup2 cgroup2 rw\n",
		      NULL,
		      "process 1 (sh) has a file of its cgroup mounted, which cannot be restored "
		      "(cgroup2 on /sys/fs/cgroup/a/memory.pressure)\n");
}

TEST(names_with_blanks_are_read_as_they_are)
{
	assert_judged(GUEST "70 50 0:80 / /mnt/my\\040disk\\134 rw - vfat none rw\n", NULL,
		      FS "(vfat on /mnt/my disk\\)\n");
}

TEST(what_is_no_line_of_mountinfo_is_passed_over)
{
	assert_judged(GUEST "\nnonsense\n70 50\n71 50 0:80 / - nfs\n", NULL, "");
}

TEST(a_copy_of_the_mounts_is_judged_once)
{
	const char *spaces[] = {
		GUEST "70 50 0:80 / /mnt rw - nfs x rw\n",
		"150 140 0:60 / / rw - overlay overlay rw,nfs_export=on\n"
		"151 150 0:5 /null /dev/null rw - devtmpfs udev rw\n"
		"170 150 0:80 / /mnt rw - nfs x rw\n",
	};
	cleanup_free char *text = judge(spaces, 2, NULL);
	assert_string_equal(text, FS "(nfs on /mnt)\n");
}

/* CRIU knows what is external by its place, in the first mount namespace only. */
TEST(a_place_in_another_mount_namespace_makes_nothing_external)
{
	const char *spaces[] = {
		GUEST,
		"150 140 0:60 / / rw - overlay overlay rw,nfs_export=on\n"
		"151 150 0:90 / /dev/console rw - nfs x rw\n",
	};
	cleanup_free char *text = judge(spaces, 2, NULL);
	assert_string_equal(text, "process 2 (sh) has a file system mounted that cannot be saved (nfs on "
				  "/dev/console)\n");
}

/* A service with a root of its own: parts of that are fine. */
TEST(the_root_of_another_mount_namespace_is_a_root)
{
	const char *spaces[] = {
		GUEST "70 50 0:70 / /image rw - tmpfs none rw\n",
		"150 140 0:70 /sub / rw - tmpfs none rw\n"
		"151 150 0:70 /sub/etc /etc rw - tmpfs none rw\n",
	};
	cleanup_free char *text = judge(spaces, 2, NULL);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_without_its_other_end_cannot_be_made_again),
		cmocka_unit_test(an_ordinary_guest_has_none),
		cmocka_unit_test(file_systems_that_criu_does_not_know),
		cmocka_unit_test(what_the_caller_enables_is_none),
		cmocka_unit_test(file_systems_inside_that_criu_knows),
		cmocka_unit_test(binds_of_what_is_outside),
		cmocka_unit_test(parts_of_what_is_external_are_external),
		cmocka_unit_test(a_file_of_the_cgroup_is_not_restored),
		cmocka_unit_test(names_with_blanks_are_read_as_they_are),
		cmocka_unit_test(what_is_no_line_of_mountinfo_is_passed_over),
		cmocka_unit_test(a_copy_of_the_mounts_is_judged_once),
		cmocka_unit_test(a_place_in_another_mount_namespace_makes_nothing_external),
		cmocka_unit_test(the_root_of_another_mount_namespace_is_a_root),
	};
	return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
