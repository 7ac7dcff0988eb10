/* What `inherit` gives to a VE, of nodes as they are. */
#include "runtime/resolver.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static void put(const struct scratch *node, const char *dir, const char *path, const char *text)
{
	if (!text)
		return;
	assert_int_equal(io_mkdir_all(node->fd, dir, 0755), 0);
	assert_int_equal(io_replace_file(node->fd, path, text, strlen(text), 0644), 0);
}

static void assert_text(const char *text, const char *expected)
{
	if (!expected && text)
		fail_msg("there is \"%s\"", text);
	if (expected && (!text || !str_eq(text, expected)))
		fail_msg("\"%s\" is not \"%s\"", text ? text : "(none)", expected);
}

/* A node with these two files inherits this. */
static void assert_inherits(const char *own, const char *daemon, const struct resolver *expected)
{
	cleanup_scratch struct scratch node = scratch_new();
	cleanup_resolver struct resolver resolver = {0};
	struct err err = {0};

	put(&node, "etc", "etc/resolv.conf", own);
	put(&node, "run/systemd/resolve", "run/systemd/resolve/resolv.conf", daemon);
	if (resolver_read_at(node.fd, &resolver, &err) < 0)
		fail_msg("%s", err.text);
	assert_text(resolver.nameservers, expected->nameservers);
	assert_text(resolver.searchdomains, expected->searchdomains);
	assert_text(resolver.skipped, expected->skipped);
}

TEST(servers_and_domains_are_taken_from_resolv_conf)
{
	const struct resolver expected = {"192.0.2.53 2001:db8::53", "example.com example.net", NULL};

	assert_inherits("# a comment\n; another\nsearch example.com\texample.net \n\nnameserver 192.0.2.53\n"
			"nameserver\t2001:DB8:0::53 \noptions rotate\nnameservers 9.9.9.9\nnameserver\n",
			NULL, &expected);
}

TEST(the_last_search_or_domain_counts)
{
	const struct resolver expected = {"10.0.0.1", "last.example", NULL};
	assert_inherits("search a b\ndomain c\nnameserver 10.0.0.1\nsearch last.example .", NULL, &expected);
}

TEST(behind_a_stub_there_are_the_servers_that_it_asks)
{
	const struct resolver expected = {"192.0.2.53", "example.com", NULL};
	assert_inherits("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n",
			"nameserver 192.0.2.53\nsearch example.com\n", &expected);
}

TEST(servers_that_a_container_cannot_ask_are_left_out_and_named)
{
	const struct resolver mixed = {"10.0.0.1", NULL, "127.0.0.1 ::1 fe80::1%eth0 fe80::2 0.0.0.0 dns"};
	const struct resolver stub = {NULL, "home", "127.0.0.53"};

	assert_inherits("nameserver 127.0.0.1\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver fe80::2\n"
			"nameserver 0.0.0.0\nnameserver dns\nnameserver 10.0.0.1\n",
			"nameserver 192.0.2.53\n", &mixed);
	assert_inherits("nameserver 127.0.0.53\nsearch home\n", NULL, &stub);
	assert_inherits("nameserver 127.0.0.53\nsearch home\n", "nameserver 127.0.0.1\n", &stub);
}

TEST(a_node_without_resolvers_has_none_to_give)
{
	const struct resolver nothing = {0};
	assert_inherits(NULL, NULL, &nothing);
	assert_inherits("", NULL, &nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_and_domains_are_taken_from_resolv_conf),
		cmocka_unit_test(the_last_search_or_domain_counts),
		cmocka_unit_test(behind_a_stub_there_are_the_servers_that_it_asks),
		cmocka_unit_test(servers_that_a_container_cannot_ask_are_left_out_and_named),
		cmocka_unit_test(a_node_without_resolvers_has_none_to_give),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
