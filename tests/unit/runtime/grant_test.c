/* What a configuration grants. */
#include "unit.h"

#include "runtime/base/mem.h"
#include "runtime/config.h"
#include "runtime/grant.h"

static uint32_t of(unsigned netfilter, const char *features)
{
	struct ve_config config = {.netfilter = netfilter, .features = (char *)(uintptr_t)features};
	return grant_of(&config);
}

TEST(each_word_of_netfilter_grants_more_than_the_one_before)
{
	assert_int_equal(of(NETFILTER_DISABLED, NULL), 0);
	assert_int_equal(of(NETFILTER_STATELESS, NULL), GRANT_NETFILTER);
	assert_int_equal(of(NETFILTER_STATEFUL, NULL), GRANT_NETFILTER | GRANT_TRACKING);
	assert_int_equal(of(NETFILTER_FULL, NULL), GRANT_NETFILTER | GRANT_TRACKING | GRANT_NAT | GRANT_XTABLES);
}

TEST(features_that_are_on_are_granted)
{
	static const struct {
		const char *features;
		uint32_t granted;
	} rows[] = {
		{"", 0},
		{"bridge:on", GRANT_BRIDGE},
		{"dummy:on", GRANT_DUMMY},
		{"ipgre:on", GRANT_IPGRE},
		{"ipip:on", GRANT_IPIP},
		{"sit:on", GRANT_SIT},
		{"tun:on", GRANT_TUN},
		{"wireguard:on", GRANT_WIREGUARD},
		{"tun:off bridge:off", 0},
		{"nfs:on ppp:on", 0},
		{"sit:off tun:on wireguard:on", GRANT_TUN | GRANT_WIREGUARD},
	};

	for (size_t i = 0; i < countof(rows); i++)
		assert_int_equal(of(NETFILTER_DISABLED, rows[i].features), rows[i].granted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_of_netfilter_grants_more_than_the_one_before),
		cmocka_unit_test(features_that_are_on_are_granted),
	};
	return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
