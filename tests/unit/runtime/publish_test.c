/* Ports of the node, from text to where they lead. */
#include "runtime/publish.h"

#include <netinet/in.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"
#include "tests/unit/unit.h"

#define SAMPLE "tcp:192.0.2.1:8080:80 udp:[2001:db8::1]:53:5353 tcp:0.0.0.0:443:443"

static void parse(const char *text, struct publishes *ret)
{
	struct why why;
	if (publishes_parse(text, ret, &why) < 0)
		fail_msg("%s: %s", text, why.text);
}

static void aim(struct publishes *publishes, const char *addresses, const char *expected_lost)
{
	cleanup_ips struct ips ips = {0};
	const char *bad;

	assert_int_equal(ips_parse(addresses, &ips, &bad), 0);
	const struct net_publish *lost = publishes_aim(publishes, &ips);
	cleanup_free char *text = lost ? publish_print(lost) : mem_strdup("");
	assert_string_equal(text, expected_lost);
}

static void assert_leads(const struct net_publish *publish, const char *address)
{
	char text[IP_TEXT];
	assert_string_equal(ip_print(&publish->to, text), address);
}

TEST(an_entry_says_protocol_address_and_both_ports)
{
	cleanup_publishes struct publishes ports = {0};

	parse(SAMPLE, &ports);
	assert_int_equal(ports.n, 3);
	assert_int_equal(ports.list[0].protocol, IPPROTO_TCP);
	assert_int_equal(ports.list[0].port, 8080);
	assert_int_equal(ports.list[0].to_port, 80);
	assert_int_equal(ports.list[1].protocol, IPPROTO_UDP);
	assert_int_equal(ports.list[1].address.family, AF_INET6);
	cleanup_free char *text = publishes_print(&ports);
	assert_string_equal(text, SAMPLE);
}

TEST(each_leads_to_the_first_address_of_its_family)
{
	cleanup_publishes struct publishes ports = {0};

	parse(SAMPLE, &ports);
	aim(&ports, "fd00::7/64 10.0.0.7/24 10.0.0.8 fd00::8", "");
	assert_leads(&ports.list[0], "10.0.0.7");
	assert_leads(&ports.list[1], "fd00::7");
	assert_leads(&ports.list[2], "10.0.0.7");
}

TEST(the_first_that_leads_nowhere_is_told)
{
	cleanup_publishes struct publishes ports = {0};

	parse(SAMPLE, &ports);
	aim(&ports, "10.0.0.7", "udp:[2001:db8::1]:53:5353");
	aim(&ports, "", "tcp:192.0.2.1:8080:80");
}

/* Cut the sample everywhere and put each character anywhere. */
static void check_survives(const char *text)
{
	cleanup_publishes struct publishes ports = {0}, again = {0};
	struct why why;

	if (publishes_parse(text, &ports, &why) < 0)
		return;
	cleanup_free char *once = publishes_print(&ports);
	parse(once, &again);
	cleanup_free char *twice = publishes_print(&again);
	assert_string_equal(twice, once);
}

TEST(no_text_does_harm)
{
	for (size_t len = 0; len <= strlen(SAMPLE); len++) {
		cleanup_free char *cut = str_fmt("%.*s", (int)len, SAMPLE);
		check_survives(cut);
	}
	for (size_t at = 0; at < strlen(SAMPLE); at++) {
		cleanup_free char *copy = mem_strdup(SAMPLE);
		for (unsigned c = 1; c < 256; c++) {
			copy[at] = (char)c;
			check_survives(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_says_protocol_address_and_both_ports),
		cmocka_unit_test(each_leads_to_the_first_address_of_its_family),
		cmocka_unit_test(the_first_that_leads_nowhere_is_told),
		cmocka_unit_test(no_text_does_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
