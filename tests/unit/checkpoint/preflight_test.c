/* Guests as a whole: who belongs to them, their namespaces, mounts and links. */
#include "tests/unit/unit.h"

#include <sys/ptrace.h>

#include "tests/unit/checkpoint/guest.h"

static int hold_nothing(void)
{
	return 0;
}

static int hold_nested_mnt_and_net(void)
{
	return result(unshare(CLONE_NEWNS | CLONE_NEWNET));
}

TEST(namespaces_of_mounts_and_network_may_be_many)
{
	cleanup_guest struct guest guest = guest_new(hold_nested_mnt_and_net, false);

	if (is_refused(&guest, "nested mnt and net"))
		skip();
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words, "");
}

static int hold_pressure_bind(void)
{
	cleanup_free char *group = path_in_place("group"), *path = path_in_place("group/cpu.pressure"),
			  *target = path_in_place("target");
	int r = own_mounts(), fd = open(target, O_CREAT | O_RDWR, 0600);
	if (r < 0 || fd < 0 || mkdir(group, 0700) < 0 || mount("none", group, "cgroup2", 0, NULL) < 0)
		return r < 0 ? r : -errno;
	close(fd);
	return result(mount(path, target, NULL, MS_BIND, NULL));
}

static int hold_ns_cgroup(void)
{
	return result(unshare(CLONE_NEWCGROUP));
}

static int hold_ns_ipc(void)
{
	return result(unshare(CLONE_NEWIPC));
}

static int hold_ns_time(void)
{
	return result(unshare(CLONE_NEWTIME));
}

/* Who is chrooted may make no user namespace; setns to one's own mount namespace undoes a chroot. */
static int hold_ns_user(void)
{
	int root = open("/", O_PATH), mounts = open("/proc/self/ns/mnt", O_RDONLY);
	if (setns(mounts, CLONE_NEWNS) < 0 || unshare(CLONE_NEWUSER) < 0 || fchdir(root) < 0 || chroot(".") < 0)
		return -errno;
	close(root);
	return close(mounts);
}

static int hold_ns_uts(void)
{
	return result(unshare(CLONE_NEWUTS));
}

static int hold_ns_pid(void)
{
	int r = result(unshare(CLONE_NEWPID));
	if (r == 0 && fork() == 0)
		wait_for_the_end();
	return r;
}

static int hold_traced(void)
{
	pid_t child = fork();
	if (child == 0)
		wait_for_the_end();
	return result(ptrace(PTRACE_SEIZE, child, NULL, NULL));
}

static int hold_ramfs(void)
{
	return mount_place("ramfs", NULL);
}

static int hold_ramfs_by_init(void)
{
	return result(mount("none", place, "ramfs", 0, NULL));
}

static int hold_namespace_mount(void)
{
	cleanup_free char *path = path_in_place("blue");
	int r = own_mounts(), fd = open(path, O_CREAT | O_RDWR, 0600);
	if (r < 0 || fd < 0)
		return r < 0 ? r : -errno;
	close(fd);
	return result(mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL));
}

static const struct guest_case cases[] = {
	{"pressure bind", hold_pressure_bind, OBSTACLE_PRESSURE_BIND,
	 HOLDER "a file of its cgroup mounted, which cannot be restored (cgroup2 on PLACE/target)\n"},
	{"cgroup namespace", hold_ns_cgroup, OBSTACLE_NS_CGROUP, HOLDER "a cgroup namespace of its own\n"},
	{"ipc namespace", hold_ns_ipc, OBSTACLE_NS_IPC, HOLDER "an IPC namespace of its own\n"},
	{"pid namespace", hold_ns_pid, OBSTACLE_NS_PID, "process 3 (holder) has a PID namespace of its own\n"},
	{"time namespace", hold_ns_time, OBSTACLE_NS_TIME, HOLDER "a time namespace of its own\n"},
	{"user namespace", hold_ns_user, OBSTACLE_NS_USER, HOLDER "a user namespace of its own\n"},
	{"uts namespace", hold_ns_uts, OBSTACLE_NS_UTS, HOLDER "a UTS namespace of its own\n"},
	{"traced", hold_traced, OBSTACLE_TRACED,
	 "process 3 (holder) has a debugger attached (by process 2 (holder))\n"},
	{"ramfs", hold_ramfs, OBSTACLE_FS, HOLDER "a file system mounted that cannot be saved (ramfs on PLACE)\n"},
	{"namespace mount", hold_namespace_mount, OBSTACLE_BIND,
	 HOLDER "something mounted that is not of its own file systems (nsfs on PLACE/blue)\n"},
};

TEST(what_criu_has_one_of_is_found_and_named)
{
	for (size_t i = 0; i < countof(cases); i++)
		guest_try(&cases[i]);
}

TEST(a_file_system_that_is_enabled_or_external_is_none)
{
	cleanup_guest struct guest guest = guest_new(hold_ramfs_by_init, true);

	if (is_refused(&guest, "ramfs"))
		skip();
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words,
			    "process 1 (holder) has a file system mounted that cannot be saved (ramfs on PLACE)\n");

	guest.enabled[0] = "hugetlbfs";
	guest.enabled[1] = "ramfs";
	cleanup_free char *enabled = look_for_words(&guest);
	assert_string_equal(enabled, "");

	guest.enabled[0] = NULL;
	guest.external[guest.n_external] = guest.scratch.path;
	cleanup_free char *external = look_for_words(&guest);
	assert_string_equal(external, "");
	guest.external[guest.n_external] = NULL;
}

/* Whoever lets a process enter, and stays its parent. With `leave` the process is gone when its child runs. */
__attribute__((noreturn)) static void be_visitor(pid_t init, int ready, bool leave)
{
	int pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "visitor");
	fresh_descriptors(ready);
	pidfd = (int)syscall(SYS_pidfd_open, init, 0);
	if (pidfd < 0 || setns(pidfd, CLONE_NEWPID) < 0)
		_exit(1);
	close(pidfd);

	int through[2];
	pid_t child = pipe2(through, O_CLOEXEC) < 0 ? -1 : fork();
	if (child == 0) {
		prctl(PR_SET_NAME, leave ? "left" : "entered");
		close(READY);
		if (!leave)
			setsid();
		pid_t grandchild = fork();
		if (grandchild == 0)
			prctl(PR_SET_NAME, leave ? "stray" : "child");
		else if (leave)
			_exit(0);
		wait_for_the_end();
	}
	if (leave)
		waitpid(child, NULL, 0);
	usleep(100000);
	report(child);
	wait_for_the_end();
}

static pid_t visit(struct guest *guest, bool leave)
{
	int ready[2];
	pid_t entered = -1;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	guest->visitor = fork();
	if (guest->visitor == 0)
		be_visitor(guest->init, ready[1], leave);
	close(ready[1]);
	assert_int_equal(read(ready[0], &entered, sizeof(entered)), sizeof(entered));
	close(ready[0]);
	return entered;
}

TEST(who_entered_from_outside_is_named_and_not_its_children)
{
	cleanup_guest struct guest guest = guest_new(hold_nothing, false);
	pid_t entered = visit(&guest, false);

	add_descendants(&guest, entered, "exec");
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words, "process 3 (entered) has entered from outside and would be lost\n");
}

TEST(who_was_left_behind_has_a_session_outside)
{
	cleanup_guest struct guest guest = guest_new(hold_nothing, false);
	visit(&guest, true);

	add_descendants(&guest, guest.init, "init");
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words, "process 4 (stray) has a session whose leader is outside\n");
}

TEST(who_is_not_of_the_guest_or_ended_is_passed_over)
{
	cleanup_guest struct guest guest = guest_new(hold_nothing, false);
	cleanup_free char *text = str_fmt("%d\n0\n4194303\nx\n", outsider);

	write_procs(guest.cgroup.fd, "init", text);
	cleanup_free char *words = look_for_words(&guest);
	assert_string_equal(words, "");
}

static int run(const struct guest *guest, struct err *err)
{
	struct preflight preflight = {.proc = guest->proc, .cgroup = guest->group, .init = guest->init};
	cleanup_obstacles struct obstacles obstacles = {0};
	return preflight_run(&preflight, &obstacles, err);
}

TEST(an_init_that_is_not_in_the_cgroup_or_has_ended_is_an_error)
{
	cleanup_guest struct guest guest = guest_new(hold_nothing, false);
	cleanup_scratch struct scratch empty = scratch_new();
	struct err err = {0};

	guest.group = empty.fd;
	cleanup_free char *expected = str_fmt("process %d is not in its cgroup", guest.init);
	assert_true(run(&guest, &err) < 0);
	assert_string_equal(err.text, expected);

	kill(guest.init, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)guest.init, &info, WEXITED | WNOWAIT);
	err = (struct err){0};
	assert_int_equal(run(&guest, &err), -ESRCH);
}

TEST(cgroups_that_are_nested_without_end_are_refused)
{
	cleanup_guest struct guest guest = guest_new(hold_nothing, false);
	struct err err = {0};
	int dir = dup(guest.cgroup.fd);

	for (int i = 0; i < 101; i++) {
		assert_int_equal(mkdirat(dir, "x", 0700), 0);
		int below = openat(dir, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = below;
	}
	close(dir);
	assert_true(run(&guest, &err) < 0);
	assert_string_equal(err.text, "cgroups are nested more than 100 deep");
}

TEST(links_are_judged_by_their_kind)
{
	cleanup_guest struct guest guest = guest_new(hold_nothing, false);
	static const struct preflight_link links[] = {
		{"lo", ""},	 {"eth0", "veth"},	{"br0", "bridge"},  {"tun0", "tun"},	 {"gre0", "gre"},
		{"sit0", "sit"}, {"gretap0", "gretap"}, {"mv0", "macvlan"}, {"dummy0", "dummy"}, {"wg0", "wireguard"},
		{"gre1", "gre"}, {"tunl0", "ipip"},	{"ens3", ""},
	};
	struct preflight preflight = {.proc = guest.proc,
				      .cgroup = guest.group,
				      .init = guest.init,
				      .external_mounts = guest.external,
				      .links = links,
				      .n_links = countof(links)};
	cleanup_obstacles struct obstacles obstacles = {0};
	struct err err = {0};

	assert_int_equal(preflight_run(&preflight, &obstacles, &err), 0);
	static const char *const expected[] = {"dummy0: dummy", "wg0: wireguard", "gre1: gre", "tunl0: ipip",
					       "ens3: a device of the node"};
	assert_int_equal(obstacles.n, countof(expected));
	for (size_t i = 0; i < countof(expected); i++) {
		assert_int_equal(obstacles.items[i].kind, OBSTACLE_LINK);
		assert_string_equal(obstacles.items[i].object, expected[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_of_mounts_and_network_may_be_many),
		cmocka_unit_test(what_criu_has_one_of_is_found_and_named),
		cmocka_unit_test(a_file_system_that_is_enabled_or_external_is_none),
		cmocka_unit_test(who_entered_from_outside_is_named_and_not_its_children),
		cmocka_unit_test(who_was_left_behind_has_a_session_outside),
		cmocka_unit_test(who_is_not_of_the_guest_or_ended_is_passed_over),
		cmocka_unit_test(an_init_that_is_not_in_the_cgroup_or_has_ended_is_an_error),
		cmocka_unit_test(cgroups_that_are_nested_without_end_are_refused),
		cmocka_unit_test(links_are_judged_by_their_kind),
	};

	if (geteuid() != 0) {
		print_message("[  SKIPPED ] only root may make guests\n");
		return 77;
	}
	return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
