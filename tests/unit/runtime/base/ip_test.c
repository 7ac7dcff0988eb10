#include "runtime/base/ip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

static struct ip parse(const char *text)
{
	struct ip ip;
	if (ip_parse(text, &ip) < 0)
		fail_msg("\"%s\" is refused", text);
	return ip;
}

TEST(an_address_is_printed_as_it_is_written_everywhere)
{
	static const struct {
		const char *text, *address, *with_prefix;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{"192.0.2.1/32", "192.0.2.1", "192.0.2.1"},
		{"192.0.2.1/24", "192.0.2.1", "192.0.2.1/24"},
		{"192.0.2.1/0", "192.0.2.1", "192.0.2.1/0"},
		{"192.0.2.1/255.255.255.0", "192.0.2.1", "192.0.2.1/24"},
		{"192.0.2.1/255.255.240.0", "192.0.2.1", "192.0.2.1/20"},
		{"192.0.2.1/255.255.255.255", "192.0.2.1", "192.0.2.1"},
		{"192.0.2.1/0.0.0.0", "192.0.2.1", "192.0.2.1/0"},
		{"2001:db8::1", "2001:db8::1", "2001:db8::1"},
		{"2001:db8::1/128", "2001:db8::1", "2001:db8::1"},
		{"2001:db8::1/64", "2001:db8::1", "2001:db8::1/64"},
		/* RFC 5952: lower case, no leading zeros, the longest run of zeros but never a single one. */
		{"2001:0DB8:0:0:0:0:0:0001", "2001:db8::1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
		{"FE80::0", "fe80::", "fe80::"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	};
	char text[IP_TEXT];

	for (size_t i = 0; i < countof(cases); i++) {
		struct ip ip = parse(cases[i].text);
		assert_string_equal(ip_print(&ip, text), cases[i].address);
		assert_string_equal(ip_print_prefix(&ip, text), cases[i].with_prefix);
	}
}

TEST(what_is_no_address_is_refused)
{
	static const char *const bad[] = {
		"",
		"/",
		"/24",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.-4",
		"01.2.3.4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.4/",
		"1.2.3.4/33",
		"1.2.3.4/-1",
		"1.2.3.4/+1",
		"1.2.3.4/ 8",
		"1.2.3.4/8 ",
		"1.2.3.4/8/8",
		"1.2.3.4/x",
		"1.2.3.4/4294967297",
		"1.2.3.4/255.0.255.0",
		"1.2.3.4/0.255.255.255",
		"1.2.3.4/255.255.255",
		"1.2.3.4/::",
		"0x1.2.3.4",
		"a.b.c.d",
		":",
		":::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1::2::3",
		"12345::1",
		"g::1",
		"fe80::1%eth0",
		"[::1]",
		"::1/129",
		"::1/ffff::",
		"::1/255.255.0.0",
		"::1/",
		"::1 ",
		"::1.2.3",
		"example.org",
		"0000:0000:0000:0000:0000:ffff:192.168.100.228:0000:0000:0000:0000:0000",
	};

	for (size_t i = 0; i < countof(bad); i++) {
		struct ip ip = {.family = 42};
		if (ip_parse(bad[i], &ip) == 0)
			fail_msg("\"%s\" passed", bad[i]);
		assert_int_equal(ip.family, 42);
	}
}

TEST(an_address_is_in_a_network_or_not)
{
	static const struct {
		const char *network, *address;
		bool within;
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.255", true},	     {"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.99/24", "192.0.2.1", true},	     {"10.0.0.0/9", "10.127.0.1", true},
		{"10.0.0.0/9", "10.128.0.1", false},	     {"0.0.0.0/0", "203.0.113.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},	     {"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.0", false},	     {"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::", false}, {"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::", false},	     {"::/0", "ffff::", true},
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct ip network = parse(cases[i].network), address = parse(cases[i].address);
		if (ip_within(&network, &address) != cases[i].within)
			fail_msg("%s in %s", cases[i].address, cases[i].network);
	}
}

TEST(some_addresses_are_nobody_s_own)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"0.0.0.0", "an unspecified address"},
		{"0.1.2.3", "an unspecified address"},
		{"127.1.2.3", "a loopback address"},
		{"169.254.7.7", "a link-local address"},
		{"224.0.0.1", "a multicast address"},
		{"239.255.255.255", "a multicast address"},
		{"255.255.255.255", "the broadcast address"},
		{"::", "the unspecified address"},
		{"::1", "the loopback address"},
		{"::ffff:192.0.2.1", "an IPv4-mapped address"},
		{"fe80::1", "a link-local address"},
		{"febf::1", "a link-local address"},
		{"ff02::1", "a multicast address"},
		/* These can be somebody's. */
		{"1.0.0.1", NULL},
		{"10.0.0.1", NULL},
		{"126.255.255.255", NULL},
		{"169.253.0.1", NULL},
		{"223.255.255.1", NULL},
		{"192.0.2.1/24", NULL},
		{"2001:db8::1", NULL},
		{"fd00::1/64", NULL},
		{"fec0::1", NULL},
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct ip ip = parse(cases[i].text);
		const char *what = ip_unusable(&ip);
		if ((what == NULL) != (cases[i].what == NULL) || (what && strcmp(what, cases[i].what) != 0))
			fail_msg("%s is %s", cases[i].text, what ? what : "usable");
	}
}

TEST(an_address_is_the_same_whatever_its_prefix)
{
	struct ip a = parse("192.0.2.1/24"), b = parse("192.0.2.1"), c = parse("192.0.2.2"), six = parse("c000:201::");

	assert_true(ip_same(&a, &b));
	assert_false(ip_same(&b, &c));
	assert_false(ip_same(&b, &six));
}

TEST(a_list_keeps_its_order_and_has_nothing_twice)
{
	cleanup_ips struct ips ips = {0};
	const char *bad;

	assert_int_equal(ips_parse(" 192.0.2.2\t192.0.2.1/24 2001:db8::1\n192.0.2.2/24 ", &ips, &bad), 0);
	cleanup_free char *text = ips_print(&ips);
	assert_string_equal(text, "192.0.2.2 192.0.2.1/24 2001:db8::1");

	struct ip first = parse("192.0.2.2"), other = parse("192.0.2.9");
	assert_true(ips_has(&ips, &first));
	ips_remove(&ips, &first);
	ips_remove(&ips, &other);
	assert_false(ips_has(&ips, &first));
	ips_add(&ips, &other);
	cleanup_free char *after = ips_print(&ips);
	assert_string_equal(after, "192.0.2.1/24 2001:db8::1 192.0.2.9");
}

TEST(a_bad_word_in_a_list_is_pointed_at)
{
	static const char text[] = "192.0.2.1 192.0.2.300 192.0.2.3";
	struct ips ips = {.n = 42};
	const char *bad = NULL;

	assert_int_equal(ips_parse(text, &ips, &bad), -EINVAL);
	assert_ptr_equal(bad, text + 10);
	assert_int_equal(ips.n, 42);
}

TEST(a_list_can_be_empty)
{
	cleanup_ips struct ips ips = {0};
	const char *bad;

	assert_int_equal(ips_parse("  ", &ips, &bad), 0);
	assert_int_equal(ips.n, 0);
	cleanup_free char *text = ips_print(&ips);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_printed_as_it_is_written_everywhere),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_address_is_in_a_network_or_not),
		cmocka_unit_test(some_addresses_are_nobody_s_own),
		cmocka_unit_test(an_address_is_the_same_whatever_its_prefix),
		cmocka_unit_test(a_list_keeps_its_order_and_has_nothing_twice),
		cmocka_unit_test(a_bad_word_in_a_list_is_pointed_at),
		cmocka_unit_test(a_list_can_be_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
