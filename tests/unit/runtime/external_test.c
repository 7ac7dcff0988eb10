/* What CRIU is told of mounts and links: the same keys at the dump and at the restore. */
#include "runtime/external.h"

#include <string.h>

#include "netns/net.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/grant.h"
#include "tests/unit/unit.h"

static bool has(const struct externals *externals, const char *word)
{
	for (size_t i = 0; i < externals->n; i++)
		if (str_eq(externals->words[i], word))
			return true;
	return false;
}

TEST(a_device_that_is_not_granted_is_not_told_of)
{
	cleanup_externals struct externals plain = {0}, tun = {0};

	externals_mount_points(0, &plain);
	externals_mount_points(GRANT_TUN, &tun);
	assert_true(has(&plain, "/dev/null"));
	assert_false(has(&plain, "/dev/net/tun"));
	assert_true(has(&tun, "/dev/net/tun"));
	assert_null(plain.words[plain.n]);
}

TEST(what_is_left_out_at_the_dump_has_something_in_its_place_at_the_restore)
{
	cleanup_externals struct externals points = {0}, dumped = {0}, restored = {0};
	const struct net_guest none = {0};
	struct err err = {0};

	externals_mount_points(GRANT_TUN, &points);
	externals_dumped(GRANT_TUN, &dumped);
	assert_int_equal(externals_restored(GRANT_TUN, true, &none, "", &restored, &err), 0);
	assert_int_equal(dumped.n, points.n);
	assert_int_equal(restored.n, points.n);
	for (size_t i = 0; i < points.n; i++) {
		cleanup_free char *word = str_fmt("mnt[%s]:%s", points.words[i], points.words[i]);
		cleanup_free char *head = str_fmt("mnt[%s]:/", points.words[i]);
		bool found = false;
		assert_true(has(&dumped, word));
		for (size_t k = 0; k < restored.n; k++)
			found |= str_after(restored.words[k], head) != NULL;
		assert_true(found);
	}
}

TEST(a_link_has_the_name_in_the_ve_that_the_image_says)
{
	struct net_interface interfaces[] = {{.name = "venet0", .host_name = "venet101"},
					     {.name = "eth0", .host_name = "venet10"}};
	const struct net_guest guest = {.interfaces = interfaces, .n_interfaces = countof(interfaces)};
	cleanup_externals struct externals externals = {0}, without = {0};
	struct err err = {0};
	char parked[2][NET_NAME];

	net_parked(&interfaces[0], parked[0]);
	net_parked(&interfaces[1], parked[1]);
	assert_string_not_equal(parked[0], parked[1]);
	assert_int_equal(externals_restored(0, true, &guest, "venet101=renamed  venet10=eth0", &externals, &err), 0);
	cleanup_free char *first = str_fmt("netdev[renamed]:%s", parked[0]);
	cleanup_free char *second = str_fmt("netdev[eth0]:%s", parked[1]);
	assert_true(has(&externals, first));
	assert_true(has(&externals, second));

	assert_true(externals_restored(0, true, &guest, "venet101=renamed", &without, &err) < 0);
	assert_int_equal(err.kind, ERR_RESTORE);
	assert_non_null(strstr(err.text, "venet10"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_is_not_granted_is_not_told_of),
		cmocka_unit_test(what_is_left_out_at_the_dump_has_something_in_its_place_at_the_restore),
		cmocka_unit_test(a_link_has_the_name_in_the_ve_that_the_image_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
