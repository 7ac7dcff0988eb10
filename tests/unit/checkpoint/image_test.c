/* An image is there whole or not at all, whatever is cut short. The calls by which it comes and goes are watched, and
 * fail or end the process, here. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/checkpoint/images.h"

#define NAME "101"
#define DIED 42

static struct {
	enum { LET, FAIL, DIE } how;
	unsigned at;	  /* the call, from 1, that it happens to; 0: none */
	unsigned n;	  /* calls so far */
	char trace[1024]; /* their names */
} calls;

static void watch(int how, unsigned at)
{
	memset(&calls, 0, sizeof(calls));
	calls.how = how;
	calls.at = at;
}

static bool fails(const char *name)
{
	size_t len = strlen(calls.trace);
	snprintf(calls.trace + len, sizeof(calls.trace) - len, "%s%s", len ? " " : "", name);

	if (++calls.n != calls.at || calls.how == LET)
		return false;
	if (calls.how == DIE)
		_exit(DIED);
	errno = EIO;
	return true;
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	return fails("mkdirat") ? -1 : (int)syscall(SYS_mkdirat, dir, path, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails("renameat") ? -1 : (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return fails("renameat2") ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int fsync(int fd)
{
	return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int syncfs(int fd)
{
	return fails("syncfs") ? -1 : (int)syscall(SYS_syncfs, fd);
}

static int is_entry(const struct dirent *entry)
{
	return !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
}

/* The names in the store, with blanks between. */
static char *entries(int store)
{
	struct dirent **list;
	struct text text = {0};
	int n = scandirat(store, ".", &list, is_entry, alphasort);

	text_add(&text, "%s", "");
	for (int i = 0; i < n; i++) {
		text_add(&text, "%s%s", i ? " " : "", list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return text.s;
}

static void expect_entries(int store, const char *wanted)
{
	cleanup_free char *found = entries(store);
	assert_string_equal(found, wanted);
}

static int begin(int store, const char *name)
{
	struct err err = {0};
	int dir = -1;

	if (image_begin(store, name, &dir, &err) < 0)
		fail_msg("%s", err.text);
	return dir;
}

static int begin_sealed(int store, const char *generation)
{
	struct err err = {0};
	int dir = begin(store, NAME);

	images_fill(dir);
	assert_int_equal(images_seal(dir, generation, &err), 0);
	return dir;
}

TEST(a_new_one_is_empty_and_roots)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct stat st;

	assert_int_equal(io_mkdir_all(store.fd, ".new-" NAME "/files/left/over", 0700), 0);
	mode_t mask = umask(0);
	cleanup_fd int dir = begin(store.fd, NAME);
	umask(mask);

	expect_entries(dir, "files");
	expect_entries(store.fd, ".new-" NAME);
	assert_int_equal(fcntl(dir, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(dir, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(fstatat(dir, "files", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(unlinkat(dir, "files", AT_REMOVEDIR), 0);
}

TEST(before_it_is_published_there_is_none)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err err = {0};

	images_refused(store.fd, NAME, "there is no checkpoint image " NAME);
	cleanup_fd int dir = begin_sealed(store.fd, "1");
	assert_false(image_present(store.fd, NAME));
	images_refused(store.fd, NAME, "there is no checkpoint image " NAME);

	assert_int_equal(image_publish(store.fd, NAME, &err), 0);
	assert_true(image_present(store.fd, NAME));
	images_expect(store.fd, NAME, "1");
	expect_entries(store.fd, NAME);
}

TEST(what_is_not_sealed_is_not_published)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err none = {0}, unsealed = {0};

	assert_true(image_publish(store.fd, NAME, &none) < 0);
	assert_int_equal(none.kind, ERR_CHECKPOINT);
	images_make(store.fd, NAME, "1");
	cleanup_fd int dir = begin(store.fd, NAME);
	images_fill(dir);
	assert_true(image_publish(store.fd, NAME, &unsealed) < 0);
	assert_int_equal(unsealed.kind, ERR_CHECKPOINT);
	images_expect(store.fd, NAME, "1");
}

TEST(the_old_one_stays_until_the_new_one_is_there)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err err = {0};

	images_make(store.fd, NAME, "1");
	cleanup_fd int dir = begin_sealed(store.fd, "2");
	images_expect(store.fd, NAME, "1");
	assert_int_equal(image_publish(store.fd, NAME, &err), 0);
	images_expect(store.fd, NAME, "2");
	expect_entries(store.fd, NAME);
}

TEST(it_is_on_disk_before_it_has_its_name_and_so_is_its_name_after)
{
	cleanup_scratch struct scratch store = scratch_new();
	cleanup_fd int first = begin_sealed(store.fd, "1");
	struct err err = {0};

	watch(LET, 0);
	assert_int_equal(image_publish(store.fd, NAME, &err), 0);
	assert_string_equal(calls.trace, "syncfs renameat2 fsync");

	cleanup_fd int second = begin_sealed(store.fd, "2");
	watch(LET, 0);
	assert_int_equal(image_publish(store.fd, NAME, &err), 0);
	assert_non_null(str_after(calls.trace, "syncfs renameat2 renameat2 fsync renameat2 fsync"));

	watch(LET, 0);
	assert_int_equal(image_drop(store.fd, NAME, &err), 0);
	assert_string_equal(calls.trace, "renameat2 fsync");
}

/* For who hears of a failure goes on without it. */
TEST(what_could_not_be_published_is_not_there)
{
	static const char *const before[] = {"", "1"};

	for (size_t i = 0; i < countof(before); i++) {
		unsigned k = 0;
		int r;
		do {
			cleanup_scratch struct scratch store = scratch_new();
			struct err err = {0};
			if (before[i][0])
				images_make(store.fd, NAME, before[i]);
			cleanup_fd int dir = begin_sealed(store.fd, "2");
			watch(FAIL, ++k);
			r = image_publish(store.fd, NAME, &err);
			watch(LET, 0);
			images_expect(store.fd, NAME, r < 0 ? before[i] : "2");
			assert_int_equal(image_present(store.fd, NAME), r == 0 || before[i][0]);
			assert_int_equal(err.kind, r < 0 ? ERR_CHECKPOINT : ERR_NONE);
		} while (r < 0);
		assert_true(k > 3 - i); /* with nothing to exchange, the second call may fail without harm */
	}
}

/* Run it in a process that ends at the k-th call. Is it done before that? */
static bool done_before(void (*run)(int store), int store, unsigned k)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		watch(DIE, k);
		run(store);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
	return WEXITSTATUS(status) == 0;
}

static void make_second(int store)
{
	images_make(store, NAME, "2");
}

static void drop(int store)
{
	struct err err = {0};
	image_drop(store, NAME, &err);
}

static void clean(int store)
{
	struct err err = {0};
	if (image_clean(store, &err) < 0)
		fail_msg("%s", err.text);
}

TEST(a_crash_leaves_the_old_image_or_the_new_one)
{
	bool done = false;

	for (unsigned k = 1; !done; k++) {
		cleanup_scratch struct scratch store = scratch_new();
		struct err err;
		images_make(store.fd, NAME, "1");
		done = done_before(make_second, store.fd, k);
		cleanup_free char *found = images_generation(store.fd, NAME, &err);
		if (!str_eq(found, "2") && (done || !str_eq(found, "1")))
			fail_msg("after call %u: \"%s\" %s", k, found, err.text);
		clean(store.fd);
		expect_entries(store.fd, NAME);
		images_expect(store.fd, NAME, found);
		assert_true(k < 100);
	}
}

TEST(a_crash_leaves_no_half_of_a_first_image)
{
	bool done = false;

	for (unsigned k = 1; !done; k++) {
		cleanup_scratch struct scratch store = scratch_new();
		done = done_before(make_second, store.fd, k);
		assert_true(!done || image_present(store.fd, NAME));
		images_expect(store.fd, NAME, image_present(store.fd, NAME) ? "2" : "");
		clean(store.fd);
		expect_entries(store.fd, image_present(store.fd, NAME) ? NAME : "");
		images_make(store.fd, NAME, "3");
		images_expect(store.fd, NAME, "3");
		assert_true(k < 100);
	}
}

TEST(a_crash_leaves_no_half_of_a_dropped_image)
{
	bool done = false;

	for (unsigned k = 1; !done; k++) {
		cleanup_scratch struct scratch store = scratch_new();
		images_make(store.fd, NAME, "1");
		done = done_before(drop, store.fd, k);
		images_expect(store.fd, NAME, image_present(store.fd, NAME) ? "1" : "");
		clean(store.fd);
		expect_entries(store.fd, image_present(store.fd, NAME) ? NAME : "");
		assert_true(!done || !image_present(store.fd, NAME));
		assert_true(k < 100);
	}
}

TEST(one_that_is_dropped_is_gone_and_may_be_dropped_again)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err err = {0};

	images_make(store.fd, NAME, "1");
	images_make(store.fd, "102", "2");
	assert_int_equal(image_drop(store.fd, NAME, &err), 0);
	expect_entries(store.fd, "102");
	assert_int_equal(image_drop(store.fd, NAME, &err), 0);
	images_expect(store.fd, "102", "2");

	watch(FAIL, 1);
	assert_true(image_drop(store.fd, "102", &err) < 0);
	watch(LET, 0);
	assert_int_equal(err.kind, ERR_DELETE);
	images_expect(store.fd, "102", "2");
}

TEST(links_are_removed_and_not_what_they_lead_to)
{
	cleanup_scratch struct scratch store = scratch_new(), outside = scratch_new();
	struct err err = {0};

	images_write(outside.fd, "precious", 1, 1);
	images_make(store.fd, NAME, "1");
	assert_int_equal(symlinkat(outside.path, store.fd, NAME "/files/link"), 0);
	assert_int_equal(symlinkat(outside.path, store.fd, "link"), 0);
	assert_int_equal(symlinkat(outside.path, store.fd, ".new-link"), 0);
	assert_int_equal(symlinkat(outside.path, store.fd, ".trash-link"), 0);
	images_refused(store.fd, "link", "open checkpoint image link");

	assert_int_equal(image_drop(store.fd, NAME, &err), 0);
	assert_int_equal(image_drop(store.fd, "link", &err), 0);
	clean(store.fd);
	expect_entries(store.fd, "");
	expect_entries(outside.fd, "precious");
}

/* In a mount namespace of its own: 0 if what is mounted below an image survives its removal. */
static int drop_over_mount(int store, const char *path)
{
	cleanup_free char *files = str_fmt("%s/" NAME "/files", path);
	struct err err = {0};

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("precious", files, "tmpfs", 0, NULL) < 0)
		return 77;
	cleanup_fd int mounted = open(files, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(mounted, "precious", 0700) < 0)
		return 1;
	if (image_drop(store, NAME, &err) >= 0 || err.kind != ERR_DELETE || image_present(store, NAME))
		return 2;
	return faccessat(mounted, "precious", F_OK, 0) < 0 ? 3 : 0;
}

TEST(what_is_mounted_in_one_is_left_alone)
{
	cleanup_scratch struct scratch store = scratch_new();
	int status;

	images_make(store.fd, NAME, "1");
	pid_t pid = fork();
	if (pid == 0)
		_exit(drop_over_mount(store.fd, store.path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

TEST(only_what_crashes_left_is_cleaned_away)
{
	cleanup_scratch struct scratch store = scratch_new();

	images_make(store.fd, NAME, "1");
	assert_int_equal(io_mkdir_all(store.fd, ".new-102/files", 0700), 0);
	assert_int_equal(io_mkdir_all(store.fd, ".trash-103/files", 0700), 0);
	assert_int_equal(io_mkdir_all(store.fd, ".trash-103.0123456789abcdef/files", 0700), 0);
	assert_int_equal(io_mkdir_all(store.fd, ".other/files", 0700), 0);
	assert_int_equal(io_mkdir_all(store.fd, "new-104", 0700), 0);
	images_write(store.fd, ".new-file", 1, 1);
	clean(store.fd);
	expect_entries(store.fd, ".other " NAME " new-104");
	images_expect(store.fd, NAME, "1");
}

TEST(one_that_is_being_made_is_left_to_its_maker)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err err = {0};
	int other = -1, dir = begin_sealed(store.fd, "1"), copy = dup(dir);

	close(dir);
	clean(store.fd);
	expect_entries(store.fd, ".new-" NAME);
	assert_true(image_begin(store.fd, NAME, &other, &err) < 0);
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_int_equal(other, -1);

	close(copy);
	close(begin(store.fd, NAME));
	clean(store.fd);
	expect_entries(store.fd, "");
}

TEST(one_that_is_retired_is_none_until_it_is_reinstated)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err err = {0};

	images_make(store.fd, NAME, "1");
	assert_int_equal(image_retire(store.fd, NAME, &err), 0);
	assert_false(image_present(store.fd, NAME));
	expect_entries(store.fd, IMAGE_SPENT NAME);
	assert_int_equal(image_reinstate(store.fd, NAME, &err), 0);
	assert_int_equal(image_reinstate(store.fd, NAME, &err), 0);
	images_expect(store.fd, NAME, "1");

	assert_int_equal(image_retire(store.fd, NAME, &err), 0);
	assert_int_equal(image_forget(store.fd, NAME, &err), 0);
	assert_int_equal(image_forget(store.fd, NAME, &err), 0);
	assert_int_equal(image_reinstate(store.fd, NAME, &err), 0);
	expect_entries(store.fd, "");
	assert_true(image_retire(store.fd, NAME, &err) < 0);
	assert_int_equal(err.kind, ERR_RESTORE);
}

TEST(one_that_is_retired_does_not_come_back_over_another)
{
	cleanup_scratch struct scratch store = scratch_new();
	struct err err = {0};

	images_make(store.fd, NAME, "1");
	assert_int_equal(image_retire(store.fd, NAME, &err), 0);
	images_make(store.fd, NAME, "2");
	assert_true(image_reinstate(store.fd, NAME, &err) < 0);
	images_expect(store.fd, NAME, "2");
}

TEST(one_that_is_retired_is_cleaned_away_when_nobody_has_it_in_hand)
{
	cleanup_scratch struct scratch store = scratch_new();
	cleanup_kvfile struct kvfile *facts = NULL;
	struct err err = {0};
	int dir = -1;

	images_make(store.fd, NAME, "1");
	assert_int_equal(image_open(store.fd, NAME, &images_key, &facts, &dir, &err), 0);
	assert_int_equal(image_retire(store.fd, NAME, &err), 0);
	clean(store.fd);
	expect_entries(store.fd, IMAGE_SPENT NAME);
	close(dir);
	clean(store.fd);
	expect_entries(store.fd, "");
}

TEST(a_name_is_letters_digits_and_a_few_marks)
{
	static const char *const good[] = {"101", "Dump.101", "a", "9f1c0a52-3b5c-4a9e-8d53-0d1d7f4f9a11", "a_b+c"};
	static const char *const bad[] = {"",	 ".",	 "..",	     ".new-101", ".hidden", "a/b", "../a", "/a",
					  "a b", "a\nb", "\xc3\xa4", "$VEID",	 "a*",	    "{a}", "a\\"};
	cleanup_scratch struct scratch store = scratch_new();
	char long_name[300];

	memset(long_name, 'a', sizeof(long_name));
	long_name[200] = '\0';
	images_make(store.fd, long_name, "1");
	images_make(store.fd, long_name, "2");
	images_expect(store.fd, long_name, "2");
	for (size_t i = 0; i < countof(good); i++)
		images_make(store.fd, good[i], "1");

	long_name[200] = 'a';
	long_name[201] = '\0';
	for (size_t i = 0; i <= countof(bad); i++) {
		const char *name = i < countof(bad) ? bad[i] : long_name;
		struct err begun = {0}, published = {0}, opened = {0}, dropped = {0};
		struct kvfile *facts;
		int dir;
		image_begin(store.fd, name, &dir, &begun);
		image_publish(store.fd, name, &published);
		image_open(store.fd, name, &images_key, &facts, &dir, &opened);
		image_drop(store.fd, name, &dropped);
		assert_int_equal(begun.kind, ERR_BAD_VALUE);
		assert_int_equal(published.kind, ERR_BAD_VALUE);
		assert_int_equal(opened.kind, ERR_BAD_VALUE);
		assert_int_equal(dropped.kind, ERR_BAD_VALUE);
		assert_false(image_present(store.fd, name));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_one_is_empty_and_roots),
		cmocka_unit_test(before_it_is_published_there_is_none),
		cmocka_unit_test(what_is_not_sealed_is_not_published),
		cmocka_unit_test(the_old_one_stays_until_the_new_one_is_there),
		cmocka_unit_test(it_is_on_disk_before_it_has_its_name_and_so_is_its_name_after),
		cmocka_unit_test(what_could_not_be_published_is_not_there),
		cmocka_unit_test(a_crash_leaves_the_old_image_or_the_new_one),
		cmocka_unit_test(a_crash_leaves_no_half_of_a_first_image),
		cmocka_unit_test(a_crash_leaves_no_half_of_a_dropped_image),
		cmocka_unit_test(one_that_is_dropped_is_gone_and_may_be_dropped_again),
		cmocka_unit_test(links_are_removed_and_not_what_they_lead_to),
		cmocka_unit_test(what_is_mounted_in_one_is_left_alone),
		cmocka_unit_test(only_what_crashes_left_is_cleaned_away),
		cmocka_unit_test(one_that_is_being_made_is_left_to_its_maker),
		cmocka_unit_test(one_that_is_retired_is_none_until_it_is_reinstated),
		cmocka_unit_test(one_that_is_retired_does_not_come_back_over_another),
		cmocka_unit_test(one_that_is_retired_is_cleaned_away_when_nobody_has_it_in_hand),
		cmocka_unit_test(a_name_is_letters_digits_and_a_few_marks),
	};
	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
