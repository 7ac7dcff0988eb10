/* What a process executes is not left open as a mere path in what is to be restored. */
#include "unit.h"

#include <stdint.h>
#include <string.h>

#include "checkpoint/executable.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "tests/unit/scratch.h"

#define WORD(n) (n) & 0xff, (n) >> 8 & 0xff, (n) >> 16 & 0xff, (n) >> 24
#define HEADER(magic) WORD(0x54564319u), WORD(magic)

/* A process that executes file `id`; the field before is a number of two bytes. */
#define MM(id) HEADER(0x57492820u), WORD(5u), 0x08, 0x80, 0x20, 12 << 3, id

/* A regular file with these flags, a number of four bytes. */
#define FLAGS(a, b, c, d) 0x10, a, b, c, d
#define REGULAR(id, flags) WORD(13u), 0x08, 1, 0x10, id, 0x1a, 7, 0x08, id, flags
#define PATH FLAGS(0x80, 0x80, 0x80, 1)		/* O_PATH */
#define PATH_CLOEXEC FLAGS(0x80, 0x80, 0xa0, 1) /* and O_CLOEXEC */
#define NO_PATH FLAGS(0x80, 0x80, 0x80, 0)	/* in as many bytes */
#define CLOEXEC FLAGS(0x80, 0x80, 0xa0, 0)

static void write_file(int dir, const char *name, const uint8_t *bytes, size_t len)
{
	assert_int_equal(io_replace_file(dir, name, (const char *)bytes, len, 0644), 0);
}

TEST(only_what_is_executed_is_changed)
{
	cleanup_scratch struct scratch dir = scratch_new();
	static const uint8_t one[] = {MM(7)}, two[] = {MM(9)};
	static const uint8_t files[] = {HEADER(0x56303138u), REGULAR(7, PATH), REGULAR(8, PATH),
					REGULAR(9, PATH_CLOEXEC)};
	static const uint8_t wanted[] = {HEADER(0x56303138u), REGULAR(7, NO_PATH), REGULAR(8, PATH),
					 REGULAR(9, CLOEXEC)};
	cleanup_free char *text = NULL;
	struct err err = {0};
	size_t len;

	write_file(dir.fd, "mm-1.img", one, sizeof(one));
	write_file(dir.fd, "mm-12.img", two, sizeof(two));
	write_file(dir.fd, "files.img", files, sizeof(files));
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(executables_mend(dir.fd, &err), 0);
		free(steal_ptr(text));
		assert_int_equal(io_read_file(dir.fd, "files.img", &text, &len), 0);
		assert_int_equal(len, sizeof(wanted));
		assert_memory_equal(text, wanted, len);
	}
}

TEST(what_is_no_such_file_is_refused_by_name)
{
	cleanup_scratch struct scratch dir = scratch_new();
	static const uint8_t good[] = {MM(7)};
	static const uint8_t cut[] = {HEADER(0x56303138u), WORD(13u), 0x08};
	struct err err = {0}, other = {0}, missing = {0};

	assert_true(executables_mend(dir.fd, &missing) < 0);
	write_file(dir.fd, "mm-1.img", good, sizeof(good));
	write_file(dir.fd, "files.img", cut, sizeof(cut));
	assert_true(executables_mend(dir.fd, &err) < 0);
	assert_non_null(strstr(err.text, "files.img"));
	write_file(dir.fd, "mm-1.img", cut, sizeof(cut));
	assert_true(executables_mend(dir.fd, &other) < 0);
	assert_non_null(strstr(other.text, "mm-1.img"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_executed_is_changed),
		cmocka_unit_test(what_is_no_such_file_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
