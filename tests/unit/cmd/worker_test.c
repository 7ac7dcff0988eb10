/* An operation in a process of its own: what it says is heard, in order, and its end is heard however it comes. */
#include "cmd/worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include "cmd/exits.h"
#include "cmd/message.h"
#include "cmd/work.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "tests/unit/unit.h"

struct node {
	sd_event *event;
	struct host host;
	struct exits exits;
	struct workers workers;
	struct workers_listener listener;
	struct text heard; /* all that was said, a line each */
	struct err err;
	uint32_t born, settled;
	const char *cut_short;
	bool idle;
};

static void on_cut_short(void *ctx, const char *verb)
{
	struct node *node = ctx;
	node->cut_short = verb;
}

static void on_born(void *ctx, uint32_t ctid, int pidfd, int console)
{
	struct node *node = ctx;
	node->born = ctid;
	fd_close(pidfd);
	fd_close(console);
}

static void on_settle(void *ctx, uint32_t ctid)
{
	struct node *node = ctx;
	node->settled = ctid;
}

static void on_idle(void *ctx)
{
	struct node *node = ctx;
	node->idle = true;
}

static int set_up(void **state)
{
	struct node *node = mem_zero(1, sizeof(*node));

	if (sd_event_new(&node->event) < 0 || exits_open(&node->exits, node->event, &node->err) < 0)
		return -1;
	node->host = (struct host){.guard = GUARD_NONE, .pool = -1, .template_dir = -1, .layers = -1};
	node->listener = (struct workers_listener){on_born, on_settle, on_cut_short, on_idle, node};
	node->workers = (struct workers){
		.event = node->event,
		.exits = &node->exits,
		.host = &node->host,
		.listener = &node->listener,
	};
	*state = node;
	return 0;
}

static int tear_down(void **state)
{
	struct node *node = *state;

	exits_close(&node->exits);
	sd_event_unref(node->event);
	text_done(&node->heard);
	free(node);
	return 0;
}

static void on_message(void *ctx, struct message *message)
{
	static const char *const names[] = {
		[MESSAGE_VE] = "ve",	     [MESSAGE_SAY] = "say",
		[MESSAGE_WARN] = "warn",     [MESSAGE_PROGRESS] = "progress",
		[MESSAGE_ANSWER] = "answer", [MESSAGE_COMMAND] = "command",
		[MESSAGE_DONE] = "done",     [MESSAGE_FAILED] = "failed",
	};
	struct node *node = ctx;

	text_add(&node->heard, "%s %s\n", names[message->kind], message->text);
	if (message->kind == MESSAGE_FAILED)
		node->err = message->err;
}

static void on_ended(void *ctx)
{
	struct node *node = ctx;
	text_add(&node->heard, "ended\n");
}

static void run(struct node *node, int (*function)(struct work *work, void *ctx))
{
	const struct job job = {
		.verb = "start",
		.spawns = true,
		.run = function,
		.hear = on_message,
		.ended = on_ended,
		.ctx = node,
	};
	struct err err = {0};

	assert_int_equal(worker_start(&node->workers, &job, &err), 0);
	while (!node->idle)
		assert_true(sd_event_run(node->event, UINT64_MAX) >= 0);
}

static int speak(struct work *work, void *ctx)
{
	(void)ctx;
	work_about(work, 101);
	op_say(&work->op, "Starting container...");
	op_warn(&work->op, "no swap");
	work->op.listener->progress(work->op.listener->ctx, 50, "half");
	work_answer(work, "{\"ve\":{}}");
	return work_done(work, "{\"ctid\":101}");
}

TEST(all_that_is_said_is_heard_in_order)
{
	struct node *node = *state_;

	run(node, speak);
	assert_string_equal(node->heard.s, "ve \nsay Starting container...\nwarn no swap\nprogress half\n"
					   "answer {\"ve\":{}}\ndone {\"ctid\":101}\nended\n");
	assert_int_equal(node->settled, 101);
}

static int fail_at_mount(struct work *work, void *ctx)
{
	(void)ctx;
	err_step(work->op.err, "mount");
	return err_set(work->op.err, EINVAL, "mount the root");
}

TEST(a_failure_comes_with_its_reason_and_step)
{
	struct node *node = *state_;

	run(node, fail_at_mount);
	assert_string_equal(node->heard.s, "failed \nended\n");
	assert_string_equal(node->err.text, "mount the root: Invalid argument");
	assert_string_equal(node->err.step, "mount");
}

static int die(struct work *work, void *ctx)
{
	(void)ctx;
	work_about(work, 101);
	return raise(SIGKILL);
}

TEST(a_worker_that_is_killed_is_an_interrupted_operation)
{
	struct node *node = *state_;

	run(node, die);
	assert_string_equal(node->heard.s, "ve \nfailed \nended\n");
	assert_int_equal(node->err.kind, ERR_INTERRUPTED);
	assert_string_equal(node->err.text, "the worker of \"start 101\" was killed by signal 9 (Killed)");
	assert_string_equal(node->cut_short, "start");
	assert_int_equal(node->settled, 101);
}

static int leave(struct work *work, void *ctx)
{
	(void)work, (void)ctx;
	_exit(7);
}

TEST(a_worker_that_ends_without_a_word_is_an_interrupted_operation)
{
	struct node *node = *state_;

	run(node, leave);
	assert_string_equal(node->err.text, "the worker of \"start\" ended with exit code 7 before its work was done");
}

static int count_descriptors(struct work *work, void *ctx)
{
	(void)ctx;
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (dir && readdir(dir))
		n++;
	/* Minus . and .., stdin, stdout, stderr, the channel and that of the directory itself. */
	op_say(&work->op, "%d", n - 7);
	return 0;
}

TEST(a_worker_holds_no_descriptor_of_vzd)
{
	struct node *node = *state_;

	run(node, count_descriptors);
	assert_string_equal(node->heard.s, "say 0\ndone \nended\n");
}

static int check_signals(struct work *work, void *ctx)
{
	struct sigaction action;
	sigset_t blocked;
	(void)ctx;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigaction(SIGPIPE, NULL, &action);
	op_say(&work->op, "%d %d", sigismember(&blocked, SIGCHLD), action.sa_handler == SIG_DFL);
	return 0;
}

TEST(a_worker_has_signals_as_a_fresh_process_has_them)
{
	struct node *node = *state_;

	signal(SIGPIPE, SIG_IGN);
	run(node, check_signals);
	signal(SIGPIPE, SIG_DFL);
	assert_string_equal(node->heard.s, "say 0 1\ndone \nended\n");
}

static pid_t spawn_sibling(int *ret_pidfd)
{
	struct clone_args args = {.flags = CLONE_PARENT | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)ret_pidfd};
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int bear(struct work *work, void *ctx)
{
	(void)ctx;
	int pidfd = -1;
	if (spawn_sibling(&pidfd) == 0)
		_exit(0);
	work->op.listener->born(work->op.listener->ctx, 101, pidfd, -1);
	return 0;
}

TEST(a_child_that_nobody_watches_leaves_no_zombie)
{
	struct node *node = *state_;
	siginfo_t info;

	run(node, bear);
	assert_int_equal(node->born, 101);
	/* Its end may be told only now. */
	for (int i = 0; i < 50 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0; i++)
		sd_event_run(node->event, 100000);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_that_is_said_is_heard_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failure_comes_with_its_reason_and_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_that_is_killed_is_an_interrupted_operation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_that_ends_without_a_word_is_an_interrupted_operation, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_worker_holds_no_descriptor_of_vzd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_has_signals_as_a_fresh_process_has_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_child_that_nobody_watches_leaves_no_zombie, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
