/* Programs that are run to their end, and trees that are removed. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"

static int run_shell(const char *script, struct err *err)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	return proc_run(AT_FDCWD, argv, err);
}

static void collect(void *ctx, const char *text)
{
	text_add(ctx, "[%s]", text);
}

static char *hear(int dirfd, const char *const argv[])
{
	struct text heard = {0};
	struct err err = {0};

	text_add(&heard, "%s", "");
	assert_int_equal(proc_run_lines(dirfd, argv, collect, &heard, &err), 0);
	return heard.s;
}

static char *hear_shell(int dirfd, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	return hear(dirfd, argv);
}

static void assert_heard(const char *script, const char *lines)
{
	cleanup_free char *heard = hear_shell(AT_FDCWD, script);
	assert_string_equal(heard, lines);
}

TEST(success_is_silent)
{
	struct err err = {0};
	assert_int_equal(run_shell("echo out; echo err >&2", &err), 0);
	assert_int_equal(err.kind, ERR_NONE);
}

TEST(a_missing_program_is_named)
{
	static const char *const argv[] = {"openve-no-such-program", NULL};
	struct err err = {0};

	assert_int_equal(proc_run(AT_FDCWD, argv, &err), -ENOENT);
	assert_string_equal(err.text, "run openve-no-such-program (is it installed?): No such file or directory");
}

TEST(a_failure_is_told_in_the_programs_last_words)
{
	struct err err = {0}, mute = {0}, killed = {0};

	assert_true(run_shell("echo first >&2; echo 'it is broken' >&2; echo >&2; exit 3", &err) < 0);
	assert_string_equal(err.text, "sh: it is broken (exit code 3)");
	assert_true(run_shell("echo on stdout; exit 4", &mute) < 0);
	assert_string_equal(mute.text, "sh: failed with exit code 4");
	assert_true(run_shell("kill -9 $$", &killed) < 0);
	assert_string_equal(killed.text, "sh: killed by signal 9 (Killed)");
}

TEST(a_full_disk_is_told_as_such)
{
	struct err err = {0};

	assert_true(run_shell("echo \"cp: error writing 'x': No space left on device\" >&2; exit 1", &err) < 0);
	assert_int_equal(err.kind, ERR_NO_SPACE);
}

TEST(lines_of_both_streams_are_heard)
{
	assert_heard("echo a; echo b >&2; printf 'c\\n\\nd'", "[a][b][c][][d]");
	assert_heard("printf '10%%\\r20%%\\n'", "[10%][20%]");
	assert_heard("head -c 2000 /dev/zero | tr '\\0' x | wc -c; true", "[2000]");
}

TEST(nothing_of_ours_is_inherited)
{
	setenv("OPENVE_TEST", "leaked", 1);
	cleanup_fd int fd = open("/dev/null", O_RDONLY);
	assert_true(fd > 2);
	assert_heard("env | grep -v ^_= | grep -v ^PWD= | sort",
		     "[LC_ALL=C.UTF-8][PATH=/usr/sbin:/usr/bin:/sbin:/bin]");
	assert_heard("for fd in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; done", "");
	assert_heard("readlink /proc/$$/fd/0", "[/dev/null]");
	unsetenv("OPENVE_TEST");
}

/* Asked of the program itself: a shell blocks signals while it waits. What nohup and a shell's & ignore is not ours. */
TEST(no_signal_is_blocked_or_ignored)
{
	static const char *const argv[] = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status", NULL};
	sigset_t usr1;

	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);

	cleanup_free char *heard = hear(AT_FDCWD, argv);
	assert_string_equal(heard, "[SigBlk:\t0000000000000000][SigIgn:\t0000000000000000]");

	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_DFL);
}

TEST(it_runs_in_the_directory_it_is_given)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_free char *heard = hear_shell(scratch.fd, "pwd");
	cleanup_free char *expected = str_fmt("[%s]", scratch.path);
	assert_string_equal(heard, expected);
}

/* How it ended, 0 if it is still there after ten seconds. */
static int await_any_child(void)
{
	int status = 0;

	for (int i = 0; i < 1000 && waitpid(-1, &status, WNOHANG) == 0; i++)
		usleep(10000);
	return status;
}

static bool runs_sleep(pid_t pid)
{
	cleanup_free char *path = str_fmt("/proc/%d/task/%d/children", pid, pid), *child = NULL, *name = NULL;

	if (io_read_file(AT_FDCWD, path, &child, NULL) < 0 || !*child)
		return false;
	cleanup_free char *comm = str_fmt("/proc/%d/comm", atoi(child));
	return io_read_file(AT_FDCWD, comm, &name, NULL) == 0 && str_eq(name, "sleep\n");
}

/* Orphans come to us. */
TEST(a_program_dies_with_who_runs_it)
{
	static const char *const argv[] = {"sleep", "1000", NULL};

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid_t runner = fork();
	if (runner == 0) {
		struct err err = {0};
		proc_run(AT_FDCWD, argv, &err);
		_exit(0);
	}

	for (int i = 0; i < 1000 && !runs_sleep(runner); i++)
		usleep(10000);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
	kill(runner, SIGKILL);
	assert_int_equal(await_any_child(), SIGKILL);
	assert_int_equal(await_any_child(), SIGKILL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

TEST(a_tree_is_removed_with_all_it_holds)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct err err = {0};

	assert_int_equal(io_mkdir_all(scratch.fd, "-tree/a/b/c", 0500), 0);
	assert_int_equal(io_replace_file(scratch.fd, "kept", "x", 1, 0600), 0);
	assert_int_equal(symlinkat("../../kept", scratch.fd, "-tree/a/link"), 0);
	assert_int_equal(symlinkat("..", scratch.fd, "-tree/up"), 0);
	assert_int_equal(proc_remove_tree(scratch.fd, "-tree", &err), 0);
	assert_int_equal(faccessat(scratch.fd, "-tree", F_OK, 0), -1);
	assert_int_equal(faccessat(scratch.fd, "kept", F_OK, 0), 0);
	assert_int_equal(proc_remove_tree(scratch.fd, "-tree", &err), 0);
}

TEST(a_link_is_removed_and_not_followed)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct err err = {0};

	assert_int_equal(io_mkdir_all(scratch.fd, "precious/child", 0700), 0);
	assert_int_equal(symlinkat("precious", scratch.fd, "link"), 0);
	assert_int_equal(proc_remove_tree(scratch.fd, "link", &err), 0);
	assert_int_equal(faccessat(scratch.fd, "precious/child", F_OK, 0), 0);
	assert_int_equal(faccessat(scratch.fd, "link", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_is_silent),
		cmocka_unit_test(a_missing_program_is_named),
		cmocka_unit_test(a_failure_is_told_in_the_programs_last_words),
		cmocka_unit_test(a_full_disk_is_told_as_such),
		cmocka_unit_test(lines_of_both_streams_are_heard),
		cmocka_unit_test(nothing_of_ours_is_inherited),
		cmocka_unit_test(no_signal_is_blocked_or_ignored),
		cmocka_unit_test(it_runs_in_the_directory_it_is_given),
		cmocka_unit_test(a_program_dies_with_who_runs_it),
		cmocka_unit_test(a_tree_is_removed_with_all_it_holds),
		cmocka_unit_test(a_link_is_removed_and_not_followed),
	};
	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
