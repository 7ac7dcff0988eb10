/* ARP as it is written and read. What others say is believed only if it is exactly what the RFCs have. */
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/socket.h>

#include "netns/arp.h"

/* 192.0.2.5 at 02:00:00:00:00:05 answers 192.0.2.1. */
static const uint8_t reply[28] = {
	0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 5, 192, 0, 2, 5, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1,
};

static const struct ip five = {AF_INET, 32, {192, 0, 2, 5}}, one = {AF_INET, 32, {192, 0, 2, 1}};
static const struct mac mac_five = {{2, 0, 0, 0, 0, 5}};

static void assert_claims(const void *bytes, size_t len, const struct ip *ip, const struct mac *mac)
{
	struct claim claim;

	assert_true(arp_read(bytes, len, &claim));
	assert_true(ip_same(&claim.ip, ip));
	assert_true(mac_same(&claim.mac, mac));
}

TEST(who_answers_has_the_address)
{
	assert_claims(reply, sizeof(reply), &five, &mac_five);
}

TEST(padding_does_not_matter)
{
	uint8_t padded[46] = {0};

	memcpy(padded, reply, sizeof(reply));
	assert_claims(padded, sizeof(padded), &five, &mac_five);
}

TEST(who_asks_with_an_address_has_it)
{
	struct frame frame;

	arp_ask(&frame, &mac_five, &five, &one);
	assert_claims(frame.bytes, frame.len, &five, &mac_five);
}

TEST(who_probes_is_about_to_take_what_it_asks_for)
{
	struct frame frame;

	arp_ask(&frame, &mac_five, NULL, &five);
	assert_claims(frame.bytes, frame.len, &five, &mac_five);
}

TEST(an_announcement_is_a_request_to_everybody_for_ones_own)
{
	static const struct mac everybody = {{255, 255, 255, 255, 255, 255}};
	struct frame frame;

	arp_announce(&frame, &mac_five, &five);
	assert_int_equal(frame.protocol, 0x0806);
	assert_true(mac_same(&frame.to, &everybody));
	assert_int_equal(frame.len, 28);
	assert_int_equal(frame.bytes[7], 1);
	assert_memory_equal(frame.bytes + 14, five.bytes, 4);
	assert_memory_equal(frame.bytes + 24, five.bytes, 4);
	assert_claims(frame.bytes, frame.len, &five, &mac_five);
}

TEST(what_is_cut_short_claims_nothing)
{
	struct claim claim;

	for (size_t len = 0; len < sizeof(reply); len++)
		assert_false(arp_read(reply, len, &claim));
}

TEST(what_is_malformed_claims_nothing)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} broken[] = {
		{0, 1}, {1, 6},		 /* no Ethernet */
		{2, 9}, {3, 6},		 /* no IPv4 */
		{4, 8}, {5, 16},	 /* other lengths of addresses */
		{7, 3}, {7, 0},	 {6, 1}, /* neither request nor reply */
		{8, 3},			 /* a multicast MAC */
	};
	struct claim claim;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		uint8_t bytes[sizeof(reply)];
		memcpy(bytes, reply, sizeof(reply));
		bytes[broken[i].at] = broken[i].byte;
		assert_false(arp_read(bytes, sizeof(bytes), &claim));
	}
}

TEST(an_answer_from_nobody_claims_nothing)
{
	uint8_t no_mac[sizeof(reply)], no_ip[sizeof(reply)];
	struct claim claim;

	memcpy(no_mac, reply, sizeof(reply));
	memset(no_mac + 8, 0, 6);
	assert_false(arp_read(no_mac, sizeof(no_mac), &claim));
	memcpy(no_ip, reply, sizeof(reply));
	memset(no_ip + 14, 0, 4);
	assert_false(arp_read(no_ip, sizeof(no_ip), &claim));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_answers_has_the_address),
		cmocka_unit_test(padding_does_not_matter),
		cmocka_unit_test(who_asks_with_an_address_has_it),
		cmocka_unit_test(who_probes_is_about_to_take_what_it_asks_for),
		cmocka_unit_test(an_announcement_is_a_request_to_everybody_for_ones_own),
		cmocka_unit_test(what_is_cut_short_claims_nothing),
		cmocka_unit_test(what_is_malformed_claims_nothing),
		cmocka_unit_test(an_answer_from_nobody_claims_nothing),
	};
	return cmocka_run_group_tests_name("arp", tests, NULL, NULL);
}
