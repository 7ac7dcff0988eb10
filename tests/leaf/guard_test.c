/* What BPF programs hold a group back from: netlink messages with words in them, modules, settings. Runs as root on a
 * node with cgroup v2 and the security module bpf. Whoever tries is a child in the group, in a network namespace of its
 * own. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quota/autoload.h"
#include "quota/btf.h"
#include "quota/cgroup.h"
#include "quota/netlink.h"
#include "quota/sysctl.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define TABLES(type) (NFNL_SUBSYS_NFTABLES << 8 | (type))
#define CONNTRACK(type) (NFNL_SUBSYS_CTNETLINK << 8 | (type))

enum { TRACK = 1, TRANSLATE = 2, LINK = 4 };

static const struct netlink_word words[] = {
	{TRACK, NETLINK_NETFILTER, 0, NFTA_EXPR_NAME, true, "ct"},
	{TRACK, NETLINK_NETFILTER, CONNTRACK(0), 0, false, ""},
	{TRACK, NETLINK_NETFILTER, TABLES(NFT_MSG_NEWOBJ), NFTA_OBJ_TYPE, false, "\0\0\0\7"},
	{TRANSLATE, NETLINK_NETFILTER, TABLES(NFT_MSG_NEWCHAIN), NFTA_CHAIN_TYPE, false, "nat"},
	{LINK, NETLINK_ROUTE, RTM_NEWLINK, IFLA_INFO_KIND, true, "dummy"},
};

struct env {
	char *group;
	int fd;
	struct btf *btf;
	struct netlink_filter filter;
};

static const struct netlink_leave none;

static void assert_ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static int setup(void **state)
{
	struct env *env = mem_zero(1, sizeof(*env));
	cleanup_free char *base = NULL;
	struct err err = {0};

	assert_ok(cgroup_setup(&err), &err);
	assert_ok(cgroup_base(&base, &err), &err);
	env->group = str_fmt("%s/test-%d", base, getpid());
	assert_ok(cgroup_create(env->group, false, &err), &err);
	assert_ok(env->fd = cgroup_open(env->group, &err), &err);
	assert_ok(btf_open(&env->btf, &err), &err);
	assert_ok(netlink_filter_load(env->btf, words, countof(words), &env->filter, &err), &err);
	assert_ok(netlink_filter_attach(env->fd, &env->filter, &none, &err), &err);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;
	struct err err = {0};

	fd_close(env->fd);
	fd_close(env->filter.program);
	fd_close(env->filter.storage);
	btf_close(&env->btf);
	assert_ok(cgroup_remove(env->group, &err), &err);
	free(env->group);
	free(env);
	return 0;
}

/* Run it in the group (NULL: in ours); its result, at most 255, is ours. */
static int run_in(const char *group, int (*body)(const void *), const void *ctx)
{
	struct err err = {0};
	int status;

	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit((group && cgroup_write(group, "cgroup.procs", "0", &err) < 0) || unshare(CLONE_NEWNET) < 0
			      ? 255
			      : body(ctx));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What is sent. */
struct bytes {
	int protocol;
	size_t n, message; /* how many, and where the message begins */
	char bytes[65536];
};

static void put(struct bytes *b, const void *bytes, size_t n)
{
	memcpy(b->bytes + b->n, bytes, n);
	b->n += n;
}

static void pad(struct bytes *b)
{
	while (b->n % 4)
		b->bytes[b->n++] = '\0';
}

static void end_message(struct bytes *b)
{
	uint32_t n = (uint32_t)(b->n - b->message);
	memcpy(b->bytes + b->message, &n, sizeof(n));
}

static void begin_message(struct bytes *b, uint16_t type)
{
	struct nlmsghdr header = {.nlmsg_type = type};
	static const char more[sizeof(struct ifinfomsg)];

	pad(b);
	b->message = b->n;
	put(b, &header, sizeof(header));
	put(b, more, b->protocol == NETLINK_ROUTE ? sizeof(struct ifinfomsg) : sizeof(struct nfgenmsg));
	end_message(b);
}

static void attribute(struct bytes *b, uint16_t type, const char *word, size_t n)
{
	struct nlattr header = {.nla_len = (uint16_t)(sizeof(header) + n), .nla_type = type};

	pad(b);
	put(b, &header, sizeof(header));
	put(b, word, n);
	end_message(b);
}

static size_t begin_nest(struct bytes *b, uint16_t type)
{
	pad(b);
	attribute(b, type, "", 0);
	return b->n - sizeof(struct nlattr);
}

static void end_nest(struct bytes *b, size_t nest)
{
	uint16_t n = (uint16_t)(b->n - nest);
	memcpy(b->bytes + nest, &n, sizeof(n));
	end_message(b);
}

/* A message with one attribute in another, or in two. */
static struct bytes nested(int protocol, uint16_t message, unsigned depth, uint16_t type, const char *word, size_t n)
{
	static struct bytes b;
	size_t nests[4];

	b = (struct bytes){.protocol = protocol};
	begin_message(&b, message);
	for (unsigned i = 0; i < depth; i++)
		nests[i] = begin_nest(&b, 4);
	attribute(&b, type, word, n);
	while (depth > 0)
		end_nest(&b, nests[--depth]);
	return b;
}

/* Send it; the errno, 0 when the kernel took it, whatever it then thinks of it. */
static int transmit(const void *ctx)
{
	const struct bytes *b = ctx;
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, b->protocol);

	return send(fd, b->bytes, b->n, 0) < 0 ? errno : 0;
}

static int say(const struct env *env, const struct bytes *b)
{
	assert_int_equal(run_in(NULL, transmit, b), 0);
	return run_in(env->group, transmit, b);
}

static int expression_at(const struct env *env, unsigned depth, const char *word, size_t n)
{
	struct bytes b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWRULE), depth, NFTA_EXPR_NAME, word, n);
	return say(env, &b);
}

TEST(a_word_is_refused_however_deep_and_however_ended)
{
	struct env *env = *state_;

	for (unsigned depth = 1; depth <= 4; depth++) {
		assert_int_equal(expression_at(env, depth, "ct", 3), EPERM);
		assert_int_equal(expression_at(env, depth, "ct", 2), EPERM);
		assert_int_equal(expression_at(env, depth, "ct\0\0\0\0", 6), EPERM);
		assert_int_equal(expression_at(env, depth, "ct\0x", 4), EPERM);
	}
}

TEST(other_words_pass)
{
	struct env *env = *state_;
	const char *const others[] = {
		"c", "ctt", "ct ", "xct", "CT", "counter", "a word that is longer than any that there is"};

	for (size_t i = 0; i < countof(others); i++)
		assert_int_equal(expression_at(env, 3, others[i], strlen(others[i]) + 1), 0);
	assert_int_equal(expression_at(env, 3, "", 0), 0);
	assert_int_equal(expression_at(env, 3, "", 1), 0);
	assert_int_equal(expression_at(env, 3, "\0ct", 4), 0);
}

TEST(the_same_word_outside_of_others_is_a_name)
{
	assert_int_equal(expression_at(*state_, 0, "ct", 3), 0);
}

TEST(the_kernel_s_flags_in_a_type_are_seen_through)
{
	struct env *env = *state_;
	const uint16_t flags[] = {NLA_F_NESTED, NLA_F_NET_BYTEORDER, NLA_F_NESTED | NLA_F_NET_BYTEORDER};

	for (size_t i = 0; i < countof(flags); i++) {
		struct bytes b =
			nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWRULE), 2, flags[i] | NFTA_EXPR_NAME, "ct", 3);
		assert_int_equal(say(env, &b), EPERM);
	}
}

TEST(another_attribute_or_protocol_is_another_thing)
{
	struct env *env = *state_;
	struct bytes b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWRULE), 2, 2, "ct", 3);

	assert_int_equal(say(env, &b), 0);
	b = nested(NETLINK_ROUTE, RTM_NEWLINK, 2, IFLA_INFO_KIND, "ct", 3);
	assert_int_equal(say(env, &b), 0);
	b = nested(NETLINK_NETFILTER, RTM_NEWLINK, 2, IFLA_INFO_KIND, "dummy", 6);
	assert_int_equal(say(env, &b), 0);
}

TEST(a_word_is_found_wherever_it_stands)
{
	struct env *env = *state_;
	static struct bytes b;

	for (unsigned before = 0; before < 64; before++) {
		b = (struct bytes){.protocol = NETLINK_NETFILTER};
		begin_message(&b, TABLES(NFT_MSG_NEWRULE));
		for (unsigned i = 0; i < before; i++)
			attribute(&b, 9, "abcdefghijkl", i % 12);
		size_t nest = begin_nest(&b, 4);
		attribute(&b, NFTA_EXPR_NAME, "ct", 3);
		end_nest(&b, nest);
		assert_int_equal(say(env, &b), EPERM);
	}
}

TEST(a_word_at_the_end_of_much_is_found)
{
	struct env *env = *state_;
	static struct bytes b;

	b = (struct bytes){.protocol = NETLINK_NETFILTER};
	while (b.n < 60000) {
		begin_message(&b, TABLES(NFT_MSG_NEWRULE));
		for (unsigned i = 0; i < 20; i++)
			attribute(&b, NFTA_EXPR_NAME, "counter", 8);
	}
	assert_int_equal(say(env, &b), 0);
	begin_message(&b, TABLES(NFT_MSG_NEWRULE));
	size_t nest = begin_nest(&b, 4);
	attribute(&b, NFTA_EXPR_NAME, "ct", 2);
	end_nest(&b, nest);
	assert_int_equal(say(env, &b), EPERM);
}

TEST(a_kind_of_messages_is_refused_in_any_place)
{
	struct env *env = *state_;
	static struct bytes b;

	for (unsigned before = 0; before < 20; before++) {
		b = (struct bytes){.protocol = NETLINK_NETFILTER};
		for (unsigned i = 0; i < before; i++) {
			begin_message(&b, TABLES(NFT_MSG_GETTABLE));
			attribute(&b, NFTA_TABLE_NAME, "abcdefgh", i % 8);
		}
		if (before > 0)
			assert_int_equal(say(env, &b), 0);
		begin_message(&b, CONNTRACK(before));
		assert_int_equal(say(env, &b), EPERM);
	}
}

/* The kernel stops at such a message, too. */
TEST(a_message_that_is_too_short_ends_the_search)
{
	struct env *env = *state_;
	static struct bytes b;

	b = (struct bytes){.protocol = NETLINK_NETFILTER};
	begin_message(&b, TABLES(NFT_MSG_GETTABLE));
	memset(b.bytes, 0, sizeof(uint32_t));
	begin_message(&b, CONNTRACK(0));
	assert_int_equal(say(env, &b), 0);
	b.n = 3;
	assert_int_equal(say(env, &b), 0);
	b.n = 0;
	assert_int_equal(run_in(env->group, transmit, &b), run_in(NULL, transmit, &b));
}

TEST(numbers_count_in_their_message_and_outside_of_others)
{
	struct env *env = *state_;
	struct bytes b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWOBJ), 0, NFTA_OBJ_TYPE, "\0\0\0\7", 4);

	assert_int_equal(say(env, &b), EPERM);
	b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWOBJ), 0, NFTA_OBJ_TYPE, "\0\0\0\6", 4);
	assert_int_equal(say(env, &b), 0);
	b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWOBJ), 1, NFTA_OBJ_TYPE, "\0\0\0\7", 4);
	assert_int_equal(say(env, &b), 0);
	b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWSET), 0, NFTA_SET_FLAGS, "\0\0\0\7", 4);
	assert_int_equal(say(env, &b), 0);
}

TEST(a_word_of_one_message_is_free_in_others)
{
	struct env *env = *state_;
	struct bytes b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWCHAIN), 0, NFTA_CHAIN_TYPE, "nat", 4);

	assert_int_equal(say(env, &b), EPERM);
	b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWRULE), 0, NFTA_CHAIN_TYPE, "nat", 4);
	assert_int_equal(say(env, &b), 0);
	b = nested(NETLINK_ROUTE, RTM_NEWLINK, 1, IFLA_INFO_KIND, "dummy", 6);
	assert_int_equal(say(env, &b), EPERM);
	b = nested(NETLINK_ROUTE, RTM_GETLINK, 1, IFLA_INFO_KIND, "dummy", 6);
	assert_int_equal(say(env, &b), 0);
}

TEST(leave_is_for_its_words_only)
{
	struct env *env = *state_;
	const struct netlink_leave leave = {.everywhere = TRACK};
	struct err err = {0};

	assert_ok(netlink_filter_allow(env->fd, &env->filter, &leave, &err), &err);
	assert_int_equal(expression_at(env, 3, "ct", 3), 0);
	struct bytes b = nested(NETLINK_NETFILTER, CONNTRACK(0), 0, 1, "", 0);
	assert_int_equal(say(env, &b), 0);
	b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWCHAIN), 0, NFTA_CHAIN_TYPE, "nat", 4);
	assert_int_equal(say(env, &b), EPERM);

	/* Attached anew, nothing is allowed. */
	assert_ok(netlink_filter_attach(env->fd, &env->filter, &none, &err), &err);
	assert_int_equal(expression_at(env, 3, "ct", 3), EPERM);
}

struct homecoming {
	const struct env *env;
	const struct bytes *bytes;
};

/* In a namespace that becomes the home, and then in another one. */
static int try_home(const void *ctx)
{
	const struct homecoming *coming = ctx;
	struct netlink_leave leave = {.at_home = TRACK};
	struct err err = {0};
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		return 1;
	leave.home = (uint32_t)st.st_ino;
	if (netlink_filter_allow(coming->env->fd, &coming->env->filter, &leave, &err) < 0)
		return 2;
	if (transmit(coming->bytes) != 0)
		return 3;
	return unshare(CLONE_NEWNET) == 0 && transmit(coming->bytes) == EPERM ? 0 : 4;
}

TEST(leave_at_home_is_none_elsewhere)
{
	struct env *env = *state_;
	struct bytes b = nested(NETLINK_NETFILTER, TABLES(NFT_MSG_NEWRULE), 3, NFTA_EXPR_NAME, "ct", 3);
	const struct homecoming coming = {env, &b};

	assert_int_equal(run_in(env->group, try_home, &coming), 0);
}

static bool is_loaded(const char *module)
{
	cleanup_free char *path = str_fmt("/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

static int try_mount(const void *type)
{
	return mount("none", "/mnt", type, 0, NULL) < 0 ? 0 : 1;
}

TEST(modules_are_loaded_for_what_is_listed)
{
	struct env *env = *state_;
	const char *const names[] = {"nothing-", "fs-iso"};
	struct err err = {0};

	assert_false(is_loaded("isofs") || is_loaded("minix"));
	cleanup_fd int filter = autoload_filter_load(env->btf, names, countof(names), &err);
	assert_ok(filter, &err);
	assert_ok(autoload_filter_attach(env->fd, filter, &err), &err);
	assert_int_equal(run_in(env->group, try_mount, "udf"), 0);
	assert_false(is_loaded("udf"));
	assert_int_equal(run_in(env->group, try_mount, "iso9660"), 0);
	assert_true(is_loaded("isofs"));
	assert_int_equal(run_in(NULL, try_mount, "udf"), 0);
	assert_true(is_loaded("udf"));
}

static int try_settings(const void *unused)
{
	cleanup_free char *text = NULL;

	(void)unused;
	if (io_write_kernel(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1") != -EPERM)
		return 1;
	if (io_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", &text, NULL) < 0)
		return 2;
	return io_write_kernel(AT_FDCWD, "/proc/sys/net/ipv4/ip_default_ttl", "65") < 0 ? 3 : 0;
}

TEST(settings_that_are_listed_cannot_be_written)
{
	struct env *env = *state_;
	const char *const names[] = {"net/ipv6/", "net/ipv4/ip_forw"};
	struct err err = {0};

	cleanup_fd int filter = sysctl_filter_load(names, countof(names), &err);
	assert_ok(filter, &err);
	assert_ok(sysctl_filter_attach(env->fd, filter, &err), &err);
	assert_int_equal(run_in(env->group, try_settings, NULL), 0);
	assert_int_equal(run_in(NULL, try_settings, NULL), 1);
}

TEST(the_kernel_tells_what_it_is_made_of)
{
	struct env *env = *state_;
	struct err err = {0};
	ptrdiff_t offset = -1;
	uint32_t id = 0;

	assert_ok(btf_offset(env->btf, "list_head", "prev", &offset, &err), &err);
	assert_int_equal(offset, sizeof(void *));
	assert_ok(btf_offset(env->btf, "hlist_head", "first.next", &offset, &err) == 0 ? -1 : 0, &err);
	assert_ok(btf_function(env->btf, "kfree", &id, &err), &err);
	assert_int_not_equal(id, 0);

	err = (struct err){0};
	assert_true(btf_function(env->btf, "no_such_function", &id, &err) < 0);
	assert_string_equal(err.text, "this kernel has no function no_such_function");
	err = (struct err){0};
	assert_true(btf_offset(env->btf, "list_head", "middle", &offset, &err) < 0);
	assert_string_equal(err.text, "this kernel's struct list_head has no member middle");
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(a_word_is_refused_however_deep_and_however_ended),
		test(other_words_pass),
		test(the_same_word_outside_of_others_is_a_name),
		test(the_kernel_s_flags_in_a_type_are_seen_through),
		test(another_attribute_or_protocol_is_another_thing),
		test(a_word_is_found_wherever_it_stands),
		test(a_word_at_the_end_of_much_is_found),
		test(a_kind_of_messages_is_refused_in_any_place),
		test(a_message_that_is_too_short_ends_the_search),
		test(numbers_count_in_their_message_and_outside_of_others),
		test(a_word_of_one_message_is_free_in_others),
		test(leave_is_for_its_words_only),
		test(leave_at_home_is_none_elsewhere),
		test(modules_are_loaded_for_what_is_listed),
		test(settings_that_are_listed_cannot_be_written),
		test(the_kernel_tells_what_it_is_made_of),
	};
	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
