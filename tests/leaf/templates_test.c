/* The pool, archives that become templates, and the sandbox they are unpacked in, against the kernel. Runs as root on a
 * node. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "quota/disk.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "templates/sandbox.h"
#include "templates/shipment.h"
#include "tests/leaf/pool_env.h"

/* ---- the pool */

static void a_pool_is_an_xfs_closed_to_others(void **state)
{
	struct env *env = *state;
	static const char *const folders[] = {"root", "private", "template", "dump", "snapshot"};
	struct statvfs flags;
	struct statfs fs;
	struct err err = {0};

	assert_int_equal(fstatfs(env->pool, &fs), 0);
	assert_int_equal(fs.f_type, XFS_SUPER_MAGIC);
	assert_int_equal(fstatvfs(env->pool, &flags), 0);
	assert_int_equal(flags.f_flag & (ST_NOSUID | ST_NODEV), ST_NOSUID | ST_NODEV);
	assert_ok(disk_check(env->pool, &err), &err);
	for (size_t i = 0; i < countof(folders); i++)
		assert_int_equal(stat_at(env->pool, folders[i]).st_mode, S_IFDIR | 0700);
}

static void a_pool_that_is_there_is_used(void **state)
{
	struct env *env = *state;
	const struct pool_config config = {.dir = env->pool_dir, .image = "/nonexistent/image"};
	struct err err = {0};
	int heard = 0;

	cleanup_fd int again = pool_open(&config, hear, &heard, &err);
	assert_ok(again, &err);
	assert_int_equal(heard, 0);
	assert_int_equal(stat_at(again, ".").st_dev, stat_at(env->pool, ".").st_dev);
}

static void a_pool_outlives_its_mount_and_its_loop_device_does_not(void **state)
{
	struct env *env = *state;
	cleanup_free char *dir = str_fmt("%s/second", env->top), *image = str_fmt("%s/second.img", env->top);
	const struct pool_config config = {.dir = dir, .image = image};
	struct err err = {0};

	int pool = pool_open(&config, NULL, NULL, &err);
	assert_ok(pool, &err);
	dev_t device = stat_at(pool, ".").st_dev;
	cleanup_free char *backing = str_fmt("/sys/dev/block/%u:%u/loop/backing_file", major(device), minor(device));
	assert_int_equal(access(backing, F_OK), 0);
	write_text(pool, "note", "kept");
	close(pool);
	assert_int_equal(umount2(dir, 0), 0);
	assert_int_equal(access(backing, F_OK), -1);

	pool = pool_open(&config, NULL, NULL, &err);
	assert_ok(pool, &err);
	assert_text(pool, "note", "kept");
	close(pool);
	assert_int_equal(umount2(dir, 0), 0);
}

static void a_pool_hides_no_files(void **state)
{
	struct env *env = *state;
	cleanup_free char *dir = str_fmt("%s/full", env->top), *image = str_fmt("%s/full.img", env->top);
	const struct pool_config config = {.dir = dir, .image = image};
	struct err err = {0};

	assert_int_equal(mkdir(dir, 0755), 0);
	cleanup_fd int fd = open_at(AT_FDCWD, dir);
	write_text(fd, "precious", "x");
	assert_true(pool_open(&config, NULL, NULL, &err) < 0);
	assert_says(&err, ERR_QUOTA, "would hide what it holds (precious");
	assert_int_equal(access(image, F_OK), -1);
}

static void a_pool_does_not_promise_more_than_there_is(void **state)
{
	struct env *env = *state;
	cleanup_free char *dir = str_fmt("%s/big", env->top), *image = str_fmt("%s/big.img", env->top);
	const struct pool_config config = {.dir = dir, .image = image, .size = (uint64_t)1 << 50};
	struct err err = {0};

	assert_true(pool_open(&config, NULL, NULL, &err) < 0);
	assert_says(&err, ERR_NO_SPACE, "it needs 1073741824 MiB");
	assert_int_equal(access(image, F_OK), -1);
}

/* ---- templates */

static void a_template_is_imported_as_it_was_packed(void **state)
{
	struct env *env = *state;
	struct template template = {0}, found = {0};
	struct err err = {0};
	unsigned char capability[32];

	import_good(env, &template);
	assert_string_equal(template.name, "good");
	assert_string_equal(template.archive, "good.tar.zst");
	assert_int_equal(template.size, 4 + 5 + 4);
	assert_int_equal(template.entries, countof(good) - 1);
	assert_int_equal(template.dropped, 1);
	assert_ok(template_find(env->templates, "good", &found, &err), &err);
	assert_string_equal(found.digest, template.digest);

	cleanup_free char *root = str_fmt("layers/%s/root", template.digest);
	cleanup_fd int layer = open_at(env->templates, root);
	assert_int_equal(stat_at(layer, ".").st_uid, 0);
	assert_int_equal(stat_at(layer, "sbin/init").st_uid, 0);
	assert_int_equal(stat_at(layer, "home").st_uid, 1000);
	assert_int_equal(stat_at(layer, "home").st_gid, 1001);
	assert_int_equal(stat_at(layer, "home").st_mode, S_IFDIR | 0750);
	assert_int_equal(stat_at(layer, "etc/same").st_ino, stat_at(layer, "etc/passwd").st_ino);
	assert_int_equal(fchdir(layer), 0);
	assert_int_equal(getxattr("ping", "security.capability", capability, sizeof(capability)), 20);
	assert_memory_equal(capability, tarball_capability, 20);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(count_entries(env->templates, "layers"), 1);
	assert_int_equal(count_entries(env->templates, "cache"), 1);
	template_done(&template);
	template_done(&found);
}

/* Whatever the umask of who imports. */
static void a_root_without_an_entry_is_open_to_all(void **state)
{
	struct env *env = *state;
	static const struct member members[] = {{"sbin/init", .mode = 0755}};
	struct template template = {0};
	struct err err = {0};

	cleanup_free char *archive = make_archive(env, "rootless.tar.zst", members, countof(members), 0);
	assert_ok(import(env, archive, NULL, NULL, &template, &err), &err);
	cleanup_free char *root = str_fmt("layers/%s/root", template.digest);
	assert_int_equal(stat_at(env->templates, root).st_mode, S_IFDIR | 0755);
	template_done(&template);
}

static void what_is_no_file_is_not_imported(void **state)
{
	struct env *env = *state;
	cleanup_free char *pipe = str_fmt("%s/pipe.tar.gz", env->top);
	struct template template;
	struct err err = {0}, missing = {0}, zip = {0}, name = {0};

	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_true(import(env, pipe, NULL, NULL, &template, &err) < 0);
	assert_says(&err, ERR_BAD_VALUE, "it is not a file");
	assert_int_equal(import(env, "/no/such.tar.gz", NULL, NULL, &template, &missing), -ENOENT);
	assert_says(&missing, ERR_SYSTEM, "open /no/such.tar.gz");
	assert_true(import(env, "/etc/debian.zip", NULL, NULL, &template, &zip) < 0);
	assert_says(&zip, ERR_BAD_VALUE, "not a .tar, ");
	assert_true(import(env, pipe, "../evil", NULL, &template, &name) < 0);
	assert_says(&name, ERR_BAD_VALUE, "not a template name: '../evil'");
}

/* Each is refused with its reason, and nothing of it stays. */
static void a_bad_archive_leaves_nothing_behind(void **state)
{
	struct env *env = *state;
	static const struct member no_init[] = {{"etc", .type = AE_IFDIR}};
	static const struct member false_init[] = {{"sbin/init", .type = AE_IFLNK, .symlink = "/bin/sh"}};
	static const struct member escape[] = {{"sbin/init", .mode = 0755}, {"../../escaped", .content = "x"}};
	static const struct member foreign[] = {{"sbin/init", .mode = 0755}, {"mail", .uid = 100000}};
	static const char wrong[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const struct {
		const struct member *members;
		size_t n, cut;
		const char *sha256;
		enum err_kind kind;
		const char *words;
	} bad[] = {
		{good, countof(good), 40, NULL, ERR_TEMPLATE_DAMAGED, "template bad: the archive is cut or damaged"},
		{good, countof(good), 0, wrong, ERR_TEMPLATE_DAMAGED, "expected was 0123456789abcdef"},
		{escape, countof(escape), 0, NULL, ERR_TEMPLATE_DAMAGED, "entry ../../escaped leads out of the tree"},
		{foreign, countof(foreign), 0, NULL, ERR_TEMPLATE_DAMAGED, "entry mail belongs to 100000:0"},
		{no_init, countof(no_init), 0, NULL, ERR_BAD_TEMPLATE, "it has no /sbin/init"},
		{false_init, countof(false_init), 0, NULL, ERR_BAD_TEMPLATE, "it has no /sbin/init"},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		cleanup_free char *archive = make_archive(env, "bad.tar.zst", bad[i].members, bad[i].n, bad[i].cut);
		struct template template;
		struct err err = {0};
		assert_true(import(env, archive, NULL, bad[i].sha256, &template, &err) < 0);
		assert_says(&err, bad[i].kind, bad[i].words);
		assert_int_equal(count_entries(env->templates, "layers"), 0);
		assert_int_equal(count_entries(env->templates, "cache"), 0);
		assert_int_equal(count_entries(env->templates, "."), 2);
	}
}

static void an_import_that_fails_keeps_the_template_of_that_name(void **state)
{
	struct env *env = *state;
	struct template template = {0}, again = {0};
	struct err err = {0};

	import_good(env, &template);
	cleanup_free char *cut = make_archive(env, "good.tar.zst", good, countof(good), 40);
	assert_true(import(env, cut, NULL, NULL, &again, &err) < 0);
	assert_ok(template_find(env->templates, "good", &again, &(struct err){0}), &err);
	assert_string_equal(again.digest, template.digest);
	assert_string_equal(again.archive, "good.tar.zst");
	template_done(&template);
	template_done(&again);
}

static void one_archive_is_one_layer(void **state)
{
	struct env *env = *state;
	struct template one = {0}, two = {0};
	struct err err = {0};

	import_good(env, &one);
	cleanup_free char *archive = str_fmt("%s/good.tar.zst", env->top);
	assert_ok(import(env, archive, "other", one.digest, &two, &err), &err);
	assert_string_equal(one.digest, two.digest);
	assert_int_equal(two.entries, one.entries);
	assert_int_equal(count_entries(env->templates, "layers"), 1);

	assert_ok(template_delete(env->templates, "good", 1, &err), &err);
	assert_int_equal(count_entries(env->templates, "layers"), 1);
	assert_ok(template_delete(env->templates, "other", 1, &err), &err);
	assert_int_equal(count_entries(env->templates, "layers"), 0);
	assert_int_equal(count_entries(env->templates, "cache"), 0);
	assert_int_equal(template_delete(env->templates, "other", 1, &err), -EINVAL);
	assert_says(&err, ERR_NO_TEMPLATE, "no template other on this node; there is none");
	template_done(&one);
	template_done(&two);
}

static bool stands_on(void *ctx, const char *digest)
{
	return str_eq(ctx, digest);
}

static void a_layer_that_was_replaced_goes_when_nobody_stands_on_it(void **state)
{
	struct env *env = *state;
	struct member changed[countof(good)];
	struct template old = {0}, new = {0};
	struct err err = {0};

	import_good(env, &old);
	memcpy(changed, good, sizeof(good));
	changed[4].content = "changed\n";
	cleanup_free char *archive = make_archive(env, "good.tar.zst", changed, countof(changed), 0);
	assert_ok(import(env, archive, NULL, NULL, &new, &err), &err);
	assert_string_not_equal(old.digest, new.digest);

	assert_ok(template_prune(env->templates, stands_on, old.digest, &err), &err);
	assert_int_equal(count_entries(env->templates, "layers"), 2);
	assert_ok(template_prune(env->templates, stands_on, (void *)(uintptr_t)"", &err), &err);
	assert_int_equal(count_entries(env->templates, "layers"), 1);
	cleanup_free char *root = str_fmt("layers/%s/root", new.digest);
	assert_int_equal(stat_at(env->templates, root).st_mode, S_IFDIR | 0755);
	template_done(&old);
	template_done(&new);
}

static void what_lies_in_the_cache_is_found_and_unpacked(void **state)
{
	struct env *env = *state;
	struct template *list = NULL, template = {0};
	struct err err = {0};
	size_t n;

	cleanup_free char *archive = make_archive(env, "dropped.tar.zst", good, countof(good), 0);
	cleanup_free char *cached = str_fmt("%s/template/cache/dropped.tar.zst", env->pool_dir);
	assert_int_equal(mkdirat(env->templates, "cache", 0700), 0);
	const char *const copy[] = {"cp", archive, cached, NULL};
	assert_ok(proc_run(AT_FDCWD, copy, &err), &err);

	assert_ok(template_list(env->templates, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "dropped");
	assert_string_equal(list[0].digest, "");
	template_done(&list[0]);
	free(list);
	assert_ok(template_unpack(env->templates, "dropped", SCRATCH_BASE, NULL, &template, &err), &err);
	assert_int_equal(strlen(template.digest), 64);
	template_done(&template);
	assert_ok(template_unpack(env->templates, "dropped", SCRATCH_BASE, NULL, &template, &err), &err);
	template_done(&template);
}

/* ---- the sandbox */

/* What a process in the sandbox finds: a letter for each thing that it must not have. */
static void look_around(const void *ctx)
{
	cleanup_text struct text found = {0};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	(void)ctx;

	if (getuid() != 0 || getgid() != 0 || getpid() != 1)
		text_add(&found, "i");
	if (access("/inside", F_OK) < 0 || access("/proc/self", F_OK) == 0 || access("/../etc", F_OK) == 0)
		text_add(&found, "r");
	if (mount("none", "/", "tmpfs", 0, NULL) == 0 || unshare(CLONE_NEWNS) == 0 || chroot("/") == 0)
		text_add(&found, "m");
	if (mknod("/node", S_IFCHR | 0600, makedev(1, 3)) == 0 || sethostname("x", 1) == 0)
		text_add(&found, "c");
	if (capget(&header, caps) < 0 || caps[0].permitted & (1u << CAP_SYS_ADMIN) || caps[1].permitted)
		text_add(&found, "p");
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			text_add(&found, "f");
	if (chown("/inside", 1000, 65535) < 0 || chown("/inside", 65536, 0) == 0)
		text_add(&found, "o");
	text_add(&found, ".");
	send(STDOUT_FILENO, found.s, found.len, 0);
}

static void a_sandbox_has_nothing_but_its_directory(void **state)
{
	struct env *env = *state;
	char found[64] = "";
	struct err err = {0};
	int ends[2];

	assert_int_equal(mkdirat(env->pool, "private/box", 0755), 0);
	cleanup_fd int box = open_at(env->pool, "private/box");
	write_text(box, "inside", "x");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);

	const struct sandbox sandbox = {
		.root = box, .base = SCRATCH_BASE, .in = ends[1], .out = ends[1], .work = look_around};
	pid_t pid = sandbox_start(&sandbox, &err);
	assert_ok(pid, &err);
	assert_int_equal(recv(ends[0], found, sizeof(found) - 1, 0) > 0, 1);
	assert_ok(sandbox_wait(pid, &err), &err);
	assert_string_equal(found, ".");
	assert_int_equal(stat_at(box, "inside").st_uid, 1000);
	assert_int_equal(stat_at(box, "inside").st_gid, 65535);
	close(ends[0]);
	close(ends[1]);
}

static void wait_for_ever(const void *ctx)
{
	(void)ctx;
	for (;;)
		pause();
}

static void a_sandbox_dies_with_its_parent(void **state)
{
	struct env *env = *state;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct err err = {0};
		const struct sandbox sandbox = {
			.root = env->pool, .base = SCRATCH_BASE, .in = ends[1], .out = ends[1], .work = wait_for_ever};
		int r = sandbox_start(&sandbox, &err);
		if (write(ends[1], r < 0 ? "n" : "y", 1) == 1)
			pause();
		_exit(0);
	}
	close(ends[1]);
	char started = 0;
	assert_int_equal(read(ends[0], &started, 1), 1);
	assert_int_equal(started, 'y');

	/* The pipe ends when its last writer, the sandbox, is gone. */
	struct pollfd end = {.fd = ends[0], .events = POLLIN};
	assert_int_equal(poll(&end, 1, 200), 0);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(poll(&end, 1, 30000), 1);
	assert_true(end.revents & POLLHUP);
	waitpid(parent, NULL, 0);
	close(ends[0]);
}

/* ---- templates that travel */

static int other_node(struct env *env)
{
	assert_int_equal(mkdirat(env->pool, "there", 0700), 0);
	return open_at(env->pool, "there");
}

static int arrive(int there, int from, const char *archive, const char *digest, struct err *err)
{
	const struct shipment shipment = {
		.dir = there,
		.digest = digest,
		.name = "good",
		.suffix = ".tar.zst",
		.source = "afar",
		.scratch_base = SCRATCH_BASE,
	};
	cleanup_free char *place = shipment_place(digest);
	struct err end = {0};

	cleanup_fd int lock = shipment_expect(there, err);
	assert_ok(lock, err);
	assert_int_equal(linkat(from, archive, there, place, 0), 0);
	int r = shipment_take_in(&shipment, err);
	assert_ok(shipment_clear(there, digest, &end), &end);
	return r;
}

static void a_layer_goes_to_another_node(void **state)
{
	struct env *env = *state;
	struct shipment_goods goods = {0};
	struct template template = {0}, found = {0};
	struct err err = {0};

	import_good(env, &template);
	assert_ok(shipment_find(env->templates, template.digest, &goods, &err), &err);
	assert_int_equal(goods.unpacked, template.size);
	assert_int_equal(goods.size, stat_at(env->templates, "cache/good.tar.zst").st_size);
	cleanup_fd int there = other_node(env);
	assert_false(shipment_needless(there, template.digest));
	assert_ok(arrive(there, env->templates, goods.archive, template.digest, &err), &err);
	assert_true(shipment_needless(there, template.digest));
	assert_ok(template_find(there, "good", &found, &err), &err);
	assert_string_equal(found.digest, template.digest);
	assert_string_equal(found.archive, "good.tar.zst");
	assert_int_equal(found.size, template.size);
	assert_ok(template_delete(there, "good", 1, &err), &err);
	assert_int_equal(count_entries(there, "layers"), 0);
	assert_int_equal(count_entries(there, "cache"), 0);
	free(goods.archive);
	template_done(&template);
	template_done(&found);
}

/* The VEs that stand on it go with it still. */
static void a_layer_whose_name_is_another_ones_travels_without(void **state)
{
	static const struct member members[] = {{"sbin/init", .mode = 0755}};
	struct env *env = *state;
	struct shipment_goods goods = {0};
	struct template before = {0}, now = {0}, found = {0};
	struct err err = {0};

	import_good(env, &before);
	cleanup_free char *archive = make_archive(env, "good.tar.zst", members, countof(members), 0);
	assert_ok(import(env, archive, NULL, NULL, &now, &err), &err);
	assert_string_not_equal(before.digest, now.digest);
	assert_ok(shipment_find(env->templates, before.digest, &goods, &err), &err);

	cleanup_fd int there = other_node(env);
	assert_ok(arrive(there, env->templates, "cache/good.tar.zst", now.digest, &err), &err);
	assert_ok(arrive(there, env->templates, goods.archive, before.digest, &err), &err);
	assert_true(shipment_needless(there, before.digest));
	assert_ok(template_find(there, "good", &found, &err), &err);
	assert_string_equal(found.digest, now.digest);
	assert_int_equal(count_entries(there, "layers"), 2);
	assert_int_equal(count_entries(there, "cache"), 1);
	free(goods.archive);
	template_done(&before);
	template_done(&now);
	template_done(&found);
}

static void what_is_not_the_archive_of_the_layer_is_refused(void **state)
{
	static const char wrong[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct env *env = *state;
	struct shipment_goods goods = {0};
	struct template template = {0};
	struct err err = {0};

	import_good(env, &template);
	cleanup_fd int there = other_node(env);
	assert_true(arrive(there, env->templates, "cache/good.tar.zst", wrong, &err) < 0);
	assert_says(&err, ERR_TEMPLATE_DAMAGED, "the archive of template good is damaged");
	assert_int_equal(count_entries(there, "layers"), 0);
	assert_int_equal(count_entries(there, "cache"), 0);
	assert_int_equal(shipment_find(there, wrong, &goods, &err), -ENOENT);
	template_done(&template);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(a_pool_is_an_xfs_closed_to_others),
		test(a_pool_that_is_there_is_used),
		test(a_pool_outlives_its_mount_and_its_loop_device_does_not),
		test(a_pool_hides_no_files),
		test(a_pool_does_not_promise_more_than_there_is),
		test(a_template_is_imported_as_it_was_packed),
		test(a_root_without_an_entry_is_open_to_all),
		test(what_is_no_file_is_not_imported),
		test(a_bad_archive_leaves_nothing_behind),
		test(an_import_that_fails_keeps_the_template_of_that_name),
		test(one_archive_is_one_layer),
		test(a_layer_that_was_replaced_goes_when_nobody_stands_on_it),
		test(what_lies_in_the_cache_is_found_and_unpacked),
		test(a_layer_goes_to_another_node),
		test(a_layer_whose_name_is_another_ones_travels_without),
		test(what_is_not_the_archive_of_the_layer_is_refused),
		test(a_sandbox_has_nothing_but_its_directory),
		test(a_sandbox_dies_with_its_parent),
	};
	return cmocka_run_group_tests_name("templates", tests, NULL, NULL);
}
