/* Links, in network namespaces that are made for the test. Runs as root. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns/link.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

#define OWN_NETNS "/proc/thread-self/ns/net"

/* A namespace beside our own. */
struct env {
	int home, other;
};

static int setup(void **state)
{
	struct env *env = mem_zero(1, sizeof(*env));

	env->home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	env->other = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(env->home, CLONE_NEWNET), 0);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;
	fd_close(env->home);
	fd_close(env->other);
	free(env);
	return 0;
}

static bool is_up(const struct env *env, const char *name)
{
	struct ifreq request = {0};

	assert_int_equal(setns(env->other, CLONE_NEWNET), 0);
	cleanup_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setns(env->home, CLONE_NEWNET), 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(sock, SIOCGIFFLAGS, &request), 0);
	return request.ifr_flags & IFF_UP;
}

static void assert_at_home(const struct env *env)
{
	struct stat home, here;

	assert_int_equal(fstat(env->home, &home), 0);
	assert_int_equal(stat(OWN_NETNS, &here), 0);
	assert_int_equal(here.st_ino, home.st_ino);
}

TEST(a_link_goes_up_in_its_namespace)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_false(is_up(env, "lo"));
	if (link_up(env->other, "lo", &err) < 0)
		fail_msg("%s", err.text);
	assert_true(is_up(env, "lo"));
	assert_int_equal(link_up(env->other, "lo", &err), 0);
	assert_at_home(env);
}

TEST(a_link_that_is_not_there_is_named)
{
	struct env *env = *state_;
	struct err err = {0};

	assert_int_equal(link_up(env->other, "venet7", &err), -ENODEV);
	assert_string_equal(err.text, "set link venet7 up: No such device");
	assert_at_home(env);
}

TEST(what_is_no_namespace_is_refused)
{
	struct env *env = *state_;
	struct err err = {0};
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(link_up(null, "lo", &err), -EINVAL);
	assert_non_null(strstr(err.text, "enter a network namespace"));
	assert_at_home(env);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST(nothing_stays_open)
{
	struct env *env = *state_;
	struct err err = {0};
	unsigned before = open_descriptors();

	link_up(env->other, "lo", &err);
	link_up(env->other, "venet7", &err);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(a_link_goes_up_in_its_namespace),
		test(a_link_that_is_not_there_is_named),
		test(what_is_no_namespace_is_refused),
		test(nothing_stays_open),
	};
	return cmocka_run_group_tests_name("network namespaces", tests, NULL, NULL);
}
