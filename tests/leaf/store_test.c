/* Roots of VEs made from private areas and template layers, against the kernel. Runs as root on a node. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "quota/disk.h"
#include "runtime/base/creds.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "templates/store.h"
#include "tests/leaf/pool_env.h"

#define VE_BASE 0x40000000u
#define OTHER_BASE 0x40010000u
#define PROJECT 815

/* Make a private area and its root, and attach it at top/root. */
struct ve {
	char *name;
	int private;
	int mount;
	char *root;
};

static void make_private(struct env *env, struct ve *ve, const char *name, enum layout layout, const char *digest)
{
	cleanup_free char *path = str_fmt("private/%s", name);
	struct err err = {0};

	env->layers = env->layers > 0 ? env->layers : open_at(env->templates, "layers");
	assert_int_equal(mkdirat(env->pool, path, 0700), 0);
	ve->name = mem_strdup(name);
	ve->private = open_at(env->pool, path);
	assert_ok(disk_join(ve->private, PROJECT, &err), &err);
	assert_ok(store_fill(ve->private, layout, env->layers, digest, &err), &err);
}

static void mount_private(struct env *env, struct ve *ve, enum layout layout, const char *digest, uint32_t base)
{
	struct err err = {0};
	struct store_root root = {layout, ve->private, env->layers, digest, base};

	ve->mount = store_mount(&root, &err);
	assert_ok(ve->mount, &err);
	ve->root = str_fmt("%s/root-%s", env->top, ve->name);
	mkdir(ve->root, 0700);
	if (move_mount(ve->mount, "", AT_FDCWD, ve->root, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail_msg("move_mount: %s", strerror(errno));
}

static void unmount(struct ve *ve)
{
	close(ve->mount);
	assert_int_equal(umount2(ve->root, 0), 0);
	free(ve->root);
}

static void done_with(struct ve *ve)
{
	close(ve->private);
	free(ve->name);
}

/* What root of a VE does in its root directory; 0, or the number of what failed. */
static int live_in(void)
{
	if (mkdir("/fresh", 0755) < 0)
		return 1;
	cleanup_fd int fd = open("/etc/passwd", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, "tenant\n", 7) != 7)
		return 2;
	if (rename("/home", "/people") < 0)
		return 3;
	if (unlink("/sbin/init") < 0)
		return 4;
	if (chown("/fresh", 5, 65535) < 0)
		return 5;
	if (access("/etc/same", R_OK) < 0 || mknod("/n", S_IFCHR | 0600, makedev(1, 3)) == 0)
		return 6;
	struct statvfs fs;
	if (statvfs("/", &fs) < 0 || fs.f_flag & ST_NOSUID || !(fs.f_flag & ST_NODEV))
		return 7;
	if (fs.f_blocks * fs.f_frsize != 64 * MIB || fs.f_files != 2000)
		return 8;
	return 0;
}

/* As the runtime does it: ids given from outside, the root's clone attached inside. */
static int be_in_ve(int tree, int sock, uint32_t base)
{
	struct err err = {0};
	char go;

	if (creds_borrow(base, &err) < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 101;
	if (write(sock, "r", 1) != 1 || read(sock, &go, 1) != 1)
		return 102;
	if (creds_root(&err) < 0)
		return 103;
	if (move_mount(tree, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return 104;
	if (chroot("/mnt") < 0 || chdir("/") < 0)
		return 105;
	return live_in();
}

static int live_in_ve(const struct ve *ve, uint32_t base)
{
	int status, ends[2];
	char ready;
	struct err err = {0};

	cleanup_fd int tree = open_tree(ve->mount, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_true(tree >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(be_in_ve(tree, ends[1], base));
	assert_int_equal(read(ends[0], &ready, 1), 1);
	assert_ok(userns_map(pid, base, &err), &err);
	assert_int_equal(write(ends[0], "g", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ends[0]);
	close(ends[1]);
	return WEXITSTATUS(status);
}

static char *mounts_of(void)
{
	char *text = NULL;
	assert_int_equal(io_read_file(AT_FDCWD, "/proc/self/mountinfo", &text, NULL), 0);
	return text;
}

static void a_root_is_the_ves_own(void **state, enum layout layout, const char *fs)
{
	struct env *env = *state;
	struct template template = {0};
	struct ve ve = {0};
	struct err err = {0};
	const struct disk_limits limits = {64 * MIB, 64 * MIB, 2000, 2000};

	import_good(env, &template);
	cleanup_free char *before = mounts_of();
	make_private(env, &ve, "101", layout, template.digest);
	assert_ok(disk_limit(ve.private, PROJECT, &limits, &err), &err);
	mount_private(env, &ve, layout, template.digest, VE_BASE);
	assert_int_equal(getuid() + geteuid() + getgid() + getegid(), 0);
	assert_int_equal(stat_at(AT_FDCWD, ve.root).st_uid, VE_BASE);
	assert_int_equal(live_in_ve(&ve, VE_BASE), 0);
	unmount(&ve);
	cleanup_free char *after = mounts_of();
	assert_string_equal(before, after);

	/* On disk, ids are the VE's own. */
	cleanup_fd int disk = open_at(ve.private, fs);
	assert_int_equal(stat_at(disk, "fresh").st_uid, 5);
	assert_int_equal(stat_at(disk, "fresh").st_gid, 65535);
	assert_int_equal(stat_at(disk, "etc/passwd").st_uid, 0);
	assert_int_equal(stat_at(disk, "people").st_uid, 1000);
	assert_text(disk, "etc/passwd", "root\ntenant\n");

	cleanup_free char *layer = str_fmt("%s/root/etc/passwd", template.digest);
	assert_text(env->layers, layer, "root\n");
	done_with(&ve);
	template_done(&template);
}

static void an_overlay_is_the_ves_own(void **state)
{
	a_root_is_the_ves_own(state, LAYOUT_OVERLAY, "fs");
}

static void a_private_root_is_the_ves_own(void **state)
{
	a_root_is_the_ves_own(state, LAYOUT_PRIVATE, ".");
}

static void a_private_area_is_mounted_once(void **state)
{
	struct env *env = *state;
	struct template template = {0};
	struct ve ve = {0};
	struct err err = {0};

	import_good(env, &template);
	make_private(env, &ve, "101", LAYOUT_OVERLAY, template.digest);
	mount_private(env, &ve, LAYOUT_OVERLAY, template.digest, VE_BASE);
	const struct store_root root = {LAYOUT_OVERLAY, ve.private, env->layers, template.digest, VE_BASE};
	assert_int_equal(store_mount(&root, &err), -EBUSY);
	assert_says(&err, ERR_MOUNT, "still mounted somewhere");
	unmount(&ve);
	done_with(&ve);
	template_done(&template);
}

static void a_layer_that_is_gone_is_named(void **state)
{
	struct env *env = *state;
	struct template template = {0};
	struct ve ve = {0};
	struct err err = {0};

	import_good(env, &template);
	make_private(env, &ve, "101", LAYOUT_OVERLAY, template.digest);
	const struct store_root root = {LAYOUT_OVERLAY, ve.private, env->layers, "feed", VE_BASE};
	assert_int_equal(store_mount(&root, &err), -ENOENT);
	assert_says(&err, ERR_MOUNT, "open the template layer feed");
	done_with(&ve);
	template_done(&template);
}

/* A clone has its own ids and the files of the original, also what is one file under two names. */
static void a_copied_private_area_is_adopted(void **state)
{
	struct env *env = *state;
	struct template template = {0};
	struct ve ve = {0}, copy = {.name = (char *)(uintptr_t)"102"};
	struct err err = {0};
	const struct disk_limits limits = {64 * MIB, 64 * MIB, 2000, 2000};
	static const char *const clone[] = {"cp", "-a", "--reflink=always", "101", "102", NULL};

	import_good(env, &template);
	make_private(env, &ve, "101", LAYOUT_OVERLAY, template.digest);
	assert_ok(disk_limit(ve.private, PROJECT, &limits, &err), &err);
	mount_private(env, &ve, LAYOUT_OVERLAY, template.digest, VE_BASE);
	assert_int_equal(live_in_ve(&ve, VE_BASE), 0);
	unmount(&ve);

	cleanup_fd int private = open_at(env->pool, "private");
	assert_ok(proc_run(private, clone, &err), &err);
	copy.private = open_at(private, "102");
	const struct store_root root = {LAYOUT_OVERLAY, copy.private, env->layers, template.digest, OTHER_BASE};
	assert_int_equal(store_mount(&root, &err), -ESTALE);

	err = (struct err){0};
	assert_ok(store_adopt(copy.private, LAYOUT_OVERLAY, &err), &err);
	assert_ok(store_adopt(copy.private, LAYOUT_OVERLAY, &err), &err);
	mount_private(env, &copy, LAYOUT_OVERLAY, template.digest, OTHER_BASE);
	cleanup_fd int there = open_at(AT_FDCWD, copy.root);
	assert_int_equal(stat_at(there, "people").st_uid, OTHER_BASE + 1000);
	assert_text(there, "etc/passwd", "root\ntenant\n");
	assert_text(there, "etc/same", "root\ntenant\n");
	close(steal_fd(&there));
	unmount(&copy);
	close(copy.private);
	done_with(&ve);
	template_done(&template);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(an_overlay_is_the_ves_own),	test(a_private_root_is_the_ves_own),
		test(a_private_area_is_mounted_once),	test(a_layer_that_is_gone_is_named),
		test(a_copied_private_area_is_adopted),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
