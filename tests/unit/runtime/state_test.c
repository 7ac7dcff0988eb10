#include "runtime/state.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

TEST(our_own_process_is_recognised)
{
	struct state state = {.pid = getpid(), .starttime = state_starttime(getpid())};

	assert_true(state.starttime > 0);
	cleanup_fd int pidfd = state_pidfd(&state);
	assert_true(pidfd >= 0);
}

TEST(a_pid_that_was_used_again_is_not_ours)
{
	struct state state = {.pid = getpid(), .starttime = state_starttime(getpid()) + 1};
	assert_int_equal(state_pidfd(&state), -ESRCH);
}

TEST(a_zombie_has_ended)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);

	struct state state = {.pid = pid, .starttime = state_starttime(pid)};
	assert_int_equal(state_pidfd(&state), -ESRCH);
	waitpid(pid, NULL, 0);
	assert_int_equal(state_starttime(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_process_is_recognised),
		cmocka_unit_test(a_pid_that_was_used_again_is_not_ours),
		cmocka_unit_test(a_zombie_has_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
