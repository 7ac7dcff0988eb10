/* What of a VE's configuration and image follows from its CTID and its range of ids. */
#include "runtime/renumber.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "tests/unit/unit.h"

#define NETIF(first)                                                                                                   \
	"ifname=eth0,mac=00:18:51:00:00:01,host_ifname=" first ",host_mac=fe:18:51:00:00:01,mac_filter=on;"            \
	"ifname=eth1,mac=00:18:51:00:00:02,host_ifname=mine,host_mac=fe:18:51:00:00:02,mac_filter=on"

static const struct renumber moves = {.from = 101, .to = 205, .from_base = 0x70010000, .to_base = 0x70020000};

TEST(interfaces_are_called_by_the_new_ctid_where_they_were_by_the_old_one)
{
	cleanup_kvfile struct kvfile *config = kvfile_new();
	struct err err = {0};

	kvfile_set(config, "NETIF", NETIF("veth101.0"));
	kvfile_set(config, "VEID", "101");
	kvfile_set(config, "HOSTNAME", "ve101");
	assert_int_equal(renumber_config(config, &moves, &err), 0);
	assert_string_equal(kvfile_get(config, "NETIF"), NETIF("veth205.0"));
	assert_string_equal(kvfile_get(config, "VEID"), "205");
	assert_string_equal(kvfile_get(config, "HOSTNAME"), "ve101");
}

TEST(a_ve_that_keeps_its_ctid_keeps_its_text)
{
	static const struct renumber stays = {.from = 101, .to = 101};
	cleanup_kvfile struct kvfile *config = kvfile_new();
	struct err err = {0};

	kvfile_set(config, "NETIF", "ifname=eth0");
	assert_int_equal(renumber_config(config, &stays, &err), 0);
	assert_string_equal(kvfile_get(config, "NETIF"), "ifname=eth0");
}

TEST(an_image_is_the_other_ves_with_all_its_links)
{
	cleanup_kvfile struct kvfile *facts = kvfile_new();
	struct err err = {0};

	kvfile_set(facts, "CTID", "101");
	kvfile_set(facts, "LOCAL_UID", "1879113728"); /* 0x70010000 */
	kvfile_set(facts, "IP_ADDRESS", "10.0.0.1");
	kvfile_set(facts, "NETIF", NETIF("veth101.0"));
	kvfile_set(facts, "LINKS", "venet101=venet0 veth101.0=lan mine=eth1");
	assert_int_equal(renumber_image(facts, &moves, &err), 0);
	assert_string_equal(kvfile_get(facts, "CTID"), "205");
	assert_string_equal(kvfile_get(facts, "LOCAL_UID"), "1879179264");
	assert_string_equal(kvfile_get(facts, "NETIF"), NETIF("veth205.0"));
	assert_string_equal(kvfile_get(facts, "LINKS"), "venet205=venet0 veth205.0=lan mine=eth1");
}

TEST(an_image_of_a_third_ve_stays_one)
{
	cleanup_kvfile struct kvfile *facts = kvfile_new();
	struct err err = {0};

	kvfile_set(facts, "CTID", "999");
	kvfile_set(facts, "LOCAL_UID", "5");
	assert_int_equal(renumber_image(facts, &moves, &err), 0);
	assert_string_equal(kvfile_get(facts, "CTID"), "999");
	assert_string_equal(kvfile_get(facts, "LOCAL_UID"), "5");
	assert_string_equal(kvfile_get(facts, "LINKS"), "");
}

TEST(interfaces_that_are_none_are_refused)
{
	cleanup_kvfile struct kvfile *config = kvfile_new();
	struct err err = {0};

	kvfile_set(config, "NETIF", "bridge=br0");
	assert_true(renumber_config(config, &moves, &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_CONFIG);
	assert_non_null(strstr(err.text, "NETIF=\"bridge=br0\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_are_called_by_the_new_ctid_where_they_were_by_the_old_one),
		cmocka_unit_test(a_ve_that_keeps_its_ctid_keeps_its_text),
		cmocka_unit_test(an_image_is_the_other_ves_with_all_its_links),
		cmocka_unit_test(an_image_of_a_third_ve_stays_one),
		cmocka_unit_test(interfaces_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
