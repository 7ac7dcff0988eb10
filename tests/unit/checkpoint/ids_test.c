/* The ids of the node in CRIU's files: those of the range move, all else stays, and what is no such file is refused. */
#include "unit.h"

#include <stdint.h>
#include <string.h>

#include "checkpoint/ids.h"
#include "runtime/base/err.h"

#define WORD(n) (n) & 0xff, (n) >> 8 & 0xff, (n) >> 16 & 0xff, (n) >> 24
#define HEADER(magic) WORD(0x54564319u), WORD(magic)
#define USERNS HEADER(0x55474906u)
#define CGROUP HEADER(0x59383330u)

/* The n-th id of the range that begins with 0x70000000, and with 0x70010000, as protobuf has numbers. 1000 is of
 * neither.
 */
#define OLD 0x80
#define NEW 0x84
#define ID(range, n) 0x80 | (n), 0x80, range, 0x80, 0x07
#define OTHER 0xe8, 0x07

static const struct ids_move move = {.from = 0x70000000, .to = 0x70010000, .count = 65536};

static int moved(enum ids_file file, uint8_t *text, size_t len, const struct ids_move *how)
{
	struct err err = {0};

	int r = ids_move_text(file, text, len, how, &err);
	if (r < 0)
		assert_int_equal(err.kind, ERR_RESTORE);
	return r;
}

/* extent: first = 0, lower_first, count = 65536 */
#define EXTENT(field, range) (field) << 3 | 2, 12, 0x08, 0, 0x10, ID(range, 0), 0x18, 0x80, 0x80, 0x04

TEST(the_map_of_a_user_namespace_moves)
{
	uint8_t text[] = {USERNS, WORD(28u), EXTENT(1, OLD), EXTENT(2, OLD)};
	const uint8_t wanted[] = {USERNS, WORD(28u), EXTENT(1, NEW), EXTENT(2, NEW)};

	assert_int_equal(moved(IDS_USERNS, text, sizeof(text), &move), 0);
	assert_memory_equal(text, wanted, sizeof(text));
}

/* A group "g" with a property "p" of "v", its child "c", and their owners. */
#define OWNER(field, range, n) (field) << 3 | 2, 16, 0x08, 0xed, 0x83, 0x02, 0x10, ID(range, n), 0x18, ID(range, n)
#define PROPERTY(range) 0x1a, 24, 0x0a, 1, 'p', 0x12, 1, 'v', OWNER(3, range, 5)
#define CHILD(range) 0x12, 21, 0x0a, 1, 'c', OWNER(4, range, 7)
#define GROUPS(range) WORD(74u), 0x12, 72, 0x12, 70, 0x0a, 1, 'g', CHILD(range), PROPERTY(range), OWNER(4, range, 0)

TEST(owners_of_groups_move_at_each_depth)
{
	uint8_t text[] = {CGROUP, GROUPS(OLD)};
	const uint8_t wanted[] = {CGROUP, GROUPS(NEW)};

	assert_int_equal(moved(IDS_CGROUP, text, sizeof(text), &move), 0);
	assert_memory_equal(text, wanted, sizeof(text));
}

TEST(ids_of_others_stay)
{
	uint8_t text[] = {USERNS, WORD(11u), 0x0a, 9, 0x08, 0, 0x10, OTHER, 0x18, 0x80, 0x80, 0x04};
	uint8_t same[sizeof(text)];

	memcpy(same, text, sizeof(text));
	assert_int_equal(moved(IDS_USERNS, text, sizeof(text), &move), 0);
	assert_memory_equal(text, same, sizeof(text));
}

TEST(a_smaller_id_keeps_its_room)
{
	const struct ids_move down = {.from = 0x70000000, .to = 100000, .count = 65536};
	uint8_t text[] = {USERNS, WORD(14u), EXTENT(1, OLD)};
	const uint8_t wanted[] = {0xa0, 0x8d, 0x86, 0x80, 0x00};

	assert_int_equal(moved(IDS_USERNS, text, sizeof(text), &down), 0);
	assert_memory_equal(text + 17, wanted, sizeof(wanted));
}

TEST(a_larger_id_that_has_no_room_is_refused)
{
	const struct ids_move up = {.from = 1000, .to = 0x70000000, .count = 65536};
	uint8_t text[] = {USERNS, WORD(11u), 0x0a, 9, 0x08, 0, 0x10, OTHER, 0x18, 0x80, 0x80, 0x04};

	assert_true(moved(IDS_USERNS, text, sizeof(text), &up) < 0);
}

TEST(what_is_no_such_file_is_refused)
{
	uint8_t other[] = {CGROUP, WORD(14u), EXTENT(1, OLD)};
	uint8_t text[] = {USERNS, WORD(28u), EXTENT(1, OLD), EXTENT(2, OLD)};

	assert_true(moved(IDS_USERNS, other, sizeof(other), &move) < 0);
	/* Cut anywhere but after the header, where there is no message. */
	for (size_t len = 0; len < sizeof(text); len++)
		assert_true(len == 8 ? moved(IDS_USERNS, text, len, &move) == 0
				     : moved(IDS_USERNS, text, len, &move) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_map_of_a_user_namespace_moves),
		cmocka_unit_test(owners_of_groups_move_at_each_depth),
		cmocka_unit_test(ids_of_others_stay),
		cmocka_unit_test(a_smaller_id_keeps_its_room),
		cmocka_unit_test(a_larger_id_that_has_no_room_is_refused),
		cmocka_unit_test(what_is_no_such_file_is_refused),
	};
	return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
