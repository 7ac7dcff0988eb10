/* Neighbour discovery as it is written and read. What others say is believed only if it is exactly what the RFCs have.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/nd.h"

enum {
	VERSION,
	PAYLOAD = 4,
	NEXT = 6,
	HOPS,
	SOURCE,
	TARGET_GROUP = 24,
	TYPE = 40,
	CODE,
	SUM,
	FLAGS = 44,
	TARGET = 48,
	OPTION = 64
};

static const struct ip five = {AF_INET6, 128, {0x20, 1, 0xd, 0xb8, [13] = 7, [14] = 8, [15] = 5}};
static const struct mac mac_five = {{2, 0, 0, 0, 0, 5}}, mac_six = {{2, 0, 0, 0, 0, 6}};

/* The sum of all 16-bit words, as RFC 1071 adds them up: one at a time. */
static void set_sum(uint8_t *packet)
{
	size_t len = (size_t)packet[PAYLOAD] << 8 | packet[PAYLOAD + 1];
	uint32_t sum = (uint32_t)len + 58;

	packet[SUM] = packet[SUM + 1] = 0;
	for (size_t i = SOURCE; i < TYPE + len; i += 2) {
		sum += (uint32_t)packet[i] << 8 | (i + 1 < TYPE + len ? packet[i + 1] : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	packet[SUM] = (uint8_t)(~sum >> 8);
	packet[SUM + 1] = (uint8_t)~sum;
}

static struct frame advert(void)
{
	struct frame frame;
	nd_announce(&frame, &mac_five, &five);
	return frame;
}

static struct frame probe(void)
{
	struct frame frame;
	nd_ask(&frame, &five);
	return frame;
}

static void assert_claims(const struct frame *frame, size_t len, const struct mac *mac)
{
	struct claim claim;

	assert_true(nd_read(frame->bytes, len, &mac_six, &claim));
	assert_true(ip_same(&claim.ip, &five));
	assert_true(mac_same(&claim.mac, mac));
}

static void assert_nothing(const struct frame *frame)
{
	struct claim claim;
	assert_false(nd_read(frame->bytes, frame->len, &mac_six, &claim));
}

TEST(a_probe_goes_to_the_solicited_node_group_from_nowhere)
{
	static const uint8_t group[16] = {0xff, 2, [11] = 1, [12] = 0xff, [13] = 7, [14] = 8, [15] = 5}, nowhere[16];
	static const struct mac group_mac = {{0x33, 0x33, 0xff, 7, 8, 5}};
	struct frame frame = probe(), summed = frame;

	assert_int_equal(frame.protocol, 0x86dd);
	assert_int_equal(frame.len, 64);
	assert_true(mac_same(&frame.to, &group_mac));
	assert_memory_equal(frame.bytes + TARGET_GROUP, group, 16);
	assert_memory_equal(frame.bytes + SOURCE, nowhere, 16);
	assert_memory_equal(frame.bytes + TARGET, five.bytes, 16);
	assert_int_equal(frame.bytes[TYPE], 135);
	assert_int_equal(frame.bytes[HOPS], 255);
	set_sum(summed.bytes);
	assert_memory_equal(frame.bytes, summed.bytes, frame.len);
}

TEST(an_announcement_goes_to_all_nodes_and_overrides)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	static const struct mac all_mac = {{0x33, 0x33, 0, 0, 0, 1}};
	struct frame frame = advert(), summed = frame;

	assert_int_equal(frame.len, 72);
	assert_true(mac_same(&frame.to, &all_mac));
	assert_memory_equal(frame.bytes + TARGET_GROUP, all_nodes, 16);
	assert_int_equal(frame.bytes[TYPE], 136);
	assert_int_equal(frame.bytes[FLAGS], 0x20);
	assert_int_equal(frame.bytes[OPTION], 2);
	assert_memory_equal(frame.bytes + OPTION + 2, mac_five.bytes, 6);
	set_sum(summed.bytes);
	assert_memory_equal(frame.bytes, summed.bytes, frame.len);
}

TEST(who_advertises_has_the_address)
{
	struct frame frame = advert();
	assert_claims(&frame, frame.len, &mac_five);
}

TEST(who_names_no_mac_has_that_of_its_frame)
{
	struct frame frame = advert();

	frame.bytes[PAYLOAD + 1] = 24;
	set_sum(frame.bytes);
	assert_claims(&frame, OPTION, &mac_six);
	assert_claims(&frame, frame.len, &mac_six); /* what comes behind the packet is padding */
}

TEST(who_probes_is_about_to_take_the_address)
{
	struct frame frame = probe();
	assert_claims(&frame, frame.len, &mac_six);
}

TEST(who_asks_for_it_with_an_address_wants_to_speak_to_it)
{
	struct frame frame = probe();

	frame.bytes[SOURCE] = 0xfe;
	frame.bytes[SOURCE + 1] = 0x80;
	set_sum(frame.bytes);
	assert_nothing(&frame);
}

TEST(what_is_cut_short_claims_nothing)
{
	for (size_t len = 0; len < advert().len; len++) {
		struct frame frame = advert();
		frame.len = len;
		assert_nothing(&frame);
	}
}

/* With a sum that is right. */
TEST(what_is_malformed_claims_nothing)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} broken[] = {
		{VERSION, 0x40},   {PAYLOAD + 1, 16}, /* no room for the target */
		{PAYLOAD + 1, 25},		      /* an option of one byte */
		{NEXT, 0},			      /* behind an extension header */
		{HOPS, 254},			      /* came through a router */
		{TYPE, 134},			      /* a router's */
		{CODE, 1},	   {FLAGS, 0x60},     /* solicited, by all nodes */
		{TARGET, 0xff},			      /* a multicast address */
		{OPTION + 1, 0},		      /* an option without an end */
		{OPTION + 1, 2},		      /* one that ends outside */
		{OPTION + 2, 3},		      /* a multicast MAC */
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct frame frame = advert();
		frame.bytes[broken[i].at] = broken[i].byte;
		set_sum(frame.bytes);
		assert_nothing(&frame);
	}
}

TEST(an_advertisement_from_nowhere_claims_nothing)
{
	struct frame frame = advert();

	memset(frame.bytes + SOURCE, 0, 16);
	set_sum(frame.bytes);
	assert_nothing(&frame);
}

/* From the source address on, all is under the sum. */
TEST(a_wrong_bit_is_noticed)
{
	for (size_t bit = 8 * SOURCE; bit < 8 * advert().len; bit++) {
		struct frame frame = advert();
		frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_nothing(&frame);
	}
}

/* In memory that ends where the packet does, for the sanitizers to see. */
static void read_cut(const struct frame *frame, size_t len)
{
	uint8_t *bytes = malloc(len ? len : 1);
	struct claim claim;

	assert_non_null(bytes);
	memcpy(bytes, frame->bytes, len);
	nd_read(bytes, len, &mac_six, &claim);
	free(bytes);
}

TEST(noise_is_read_without_harm)
{
	srandom(1);
	for (size_t round = 0; round < 200000; round++) {
		struct frame frame = round % 2 ? advert() : probe();
		for (size_t i = 0; i < 4; i++)
			frame.bytes[(size_t)random() % frame.len] = (uint8_t)random();
		frame.bytes[PAYLOAD] = 0;
		if (frame.bytes[PAYLOAD + 1] <= frame.len - TYPE)
			set_sum(frame.bytes);
		read_cut(&frame, round % 3 ? frame.len : (size_t)random() % frame.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_goes_to_the_solicited_node_group_from_nowhere),
		cmocka_unit_test(an_announcement_goes_to_all_nodes_and_overrides),
		cmocka_unit_test(who_advertises_has_the_address),
		cmocka_unit_test(who_names_no_mac_has_that_of_its_frame),
		cmocka_unit_test(who_probes_is_about_to_take_the_address),
		cmocka_unit_test(who_asks_for_it_with_an_address_wants_to_speak_to_it),
		cmocka_unit_test(what_is_cut_short_claims_nothing),
		cmocka_unit_test(what_is_malformed_claims_nothing),
		cmocka_unit_test(an_advertisement_from_nowhere_claims_nothing),
		cmocka_unit_test(a_wrong_bit_is_noticed),
		cmocka_unit_test(noise_is_read_without_harm),
	};
	return cmocka_run_group_tests_name("nd", tests, NULL, NULL);
}
