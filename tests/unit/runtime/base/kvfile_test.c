#include "runtime/base/kvfile.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static struct kvfile *parse(const char *text)
{
	struct kvfile *file = NULL;
	struct err err = {0};

	if (kvfile_parse("test.conf", text, strlen(text), &file, &err) < 0)
		fail_msg("%s", err.text);
	return file;
}

static void assert_value(const char *text, const char *expected)
{
	cleanup_kvfile struct kvfile *file = parse(text);
	const char *value = kvfile_get(file, "KEY");

	if (!value || !str_eq(value, expected))
		fail_msg("%s has the value %s, not %s", text, value ? value : "(none)", expected);
}

static void assert_text(const struct kvfile *file, const char *expected)
{
	cleanup_free char *text = kvfile_text(file);
	assert_string_equal(text, expected);
}

static void assert_refused(const char *text, size_t len, const char *message)
{
	struct kvfile *file = NULL;
	struct err err = {0};

	assert_true(kvfile_parse("test.conf", text, len, &file, &err) < 0);
	assert_null(file);
	assert_int_equal(err.kind, ERR_BAD_CONFIG);
	assert_string_equal(err.text, message);
}

TEST(values_are_unquoted_as_a_shell_does)
{
	assert_value("KEY=\"a b\"\n", "a b");
	assert_value("KEY='a $b \\ \"c\"'\n", "a $b \\ \"c\"");
	assert_value("KEY=plain\n", "plain");
	assert_value("KEY=/vz/root/$VEID\n", "/vz/root/$VEID");
	assert_value("KEY=\"/vz/root/$VEID\"\n", "/vz/root/$VEID");
	assert_value("KEY=\"\"\n", "");
	assert_value("KEY=\n", "");
	assert_value("KEY=\"a \\\"b\\\" \\$c \\`d\\` \\\\ \\n\"", "a \"b\" $c `d` \\ \\n");
	assert_value("KEY=a\\ b\n", "a b");
	assert_value("KEY=\"a#b\"\n", "a#b");
	assert_value("KEY=a#b\n", "a#b");
	assert_value("KEY=#b\n", "#b");
}

TEST(blanks_and_comments_around_values_do_not_count)
{
	assert_value("  KEY=\"a\"  \n", "a");
	assert_value("\tKEY=a\r\n", "a");
	assert_value("KEY=\"basic\" # use vswap-256m\n", "basic");
	assert_value("KEY=basic # use vswap-256m\n", "basic");
	assert_value("KEY= # nothing\n", "");
	assert_value("KEY=two words  \n", "two words");
}

TEST(the_last_of_duplicates_counts_and_is_the_one_that_changes)
{
	cleanup_kvfile struct kvfile *file = parse("KEY=1\nKEY=2\nOTHER=3\n");
	assert_string_equal(kvfile_get(file, "KEY"), "2");

	kvfile_set(file, "KEY", "4");
	assert_text(file, "KEY=1\nKEY=\"4\"\nOTHER=3\n");
	kvfile_unset(file, "KEY");
	assert_null(kvfile_get(file, "KEY"));
	assert_text(file, "OTHER=3\n");
}

TEST(what_is_no_assignment_is_kept_and_ignored)
{
	static const char text[] = "# KEY=1\n\n  \nexport KEY=2\nif true; then\n1KEY=3\n=4\nKEY = 5\n#UUID: 7a9f\nword";
	cleanup_kvfile struct kvfile *file = parse(text);

	assert_null(kvfile_get(file, "KEY"));
	assert_text(file, text);
	kvfile_set(file, "NEW", "1");
	cleanup_free char *expected = str_fmt("%s\nNEW=\"1\"\n", text);
	assert_text(file, expected);
}

TEST(a_change_leaves_everything_else_alone)
{
	cleanup_kvfile struct kvfile *file = parse("# head\n  A='1'\t# why\n\nB=2\nC=\"3\"  \n#UUID: 7a9f\n");

	kvfile_set(file, "A", "x y");
	kvfile_set(file, "B", "2");
	kvfile_set(file, "C", "");
	assert_text(file, "# head\n  A=\"x y\"\t# why\n\nB=2\nC=\"\"  \n#UUID: 7a9f\n");
	assert_string_equal(kvfile_get(file, "A"), "x y");
	assert_string_equal(kvfile_get(file, "C"), "");
}

TEST(what_is_set_is_quoted_for_the_shell)
{
	cleanup_kvfile struct kvfile *file = kvfile_new();

	kvfile_set(file, "A", "\"$HOME\" `id` \\");
	assert_text(file, "A=\"\\\"\\$HOME\\\" \\`id\\` \\\\\"\n");
}

TEST(only_the_ctid_is_left_to_the_shell)
{
	cleanup_kvfile struct kvfile *file = kvfile_new();

	kvfile_set(file, "A", "/vz/$VEID/${VEID}/$VEIDX/$VE");
	assert_text(file, "A=\"/vz/$VEID/${VEID}/\\$VEIDX/\\$VE\"\n");
}

TEST(a_value_stays_on_its_line)
{
	cleanup_kvfile struct kvfile *file = kvfile_new();

	kvfile_set(file, "A", "1\nB=2");
	assert_text(file, "A=\"1 B=2\"\n");
	assert_string_equal(kvfile_get(file, "A"), "1 B=2");
	assert_null(kvfile_get(file, "B"));
}

TEST(the_walk_has_the_assignments_in_order)
{
	cleanup_kvfile struct kvfile *file = parse("B=1\n# c\nA=2\nB=3\n");
	cleanup_text struct text seen = {0};
	const char *key, *value;
	size_t pos = 0;

	while (kvfile_next(file, &pos, &key, &value))
		text_add(&seen, "%s:%s ", key, value);
	assert_string_equal(seen.s, "B:1 A:2 B:3 ");
}

TEST(bad_lines_are_refused_by_their_number)
{
	cleanup_free char *long_line = str_fmt("A=1\nB=%066000d\n", 0);

	assert_refused("A=1\nB=\"2\n", 9, "test.conf, line 2: the closing quote is missing");
	assert_refused("B='2", 4, "test.conf, line 1: the closing quote is missing");
	assert_refused("B=\"2\\\"\n", 7, "test.conf, line 1: the closing quote is missing");
	assert_refused("A=1\n\nB=\"2\" x\n", 13, "test.conf, line 3: there is text after the closing quote");
	assert_refused("B=\"2\"#x\n", 8, "test.conf, line 1: there is text after the closing quote");
	assert_refused("A=1\nB=\0\n", 8, "test.conf, line 2: there is a NUL byte");
	assert_refused(long_line, strlen(long_line), "test.conf, line 2: the line is longer than 64 KiB");
}

TEST(a_missing_file_is_not_yet_a_failure)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_kvfile struct kvfile *file = NULL;
	struct err err = {0};

	assert_int_equal(kvfile_load(scratch.fd, "none", &file, &err), -ENOENT);
	assert_int_equal(err.kind, ERR_NONE);
	assert_true(kvfile_load(scratch.fd, ".", &file, &err) < 0);
	assert_string_equal(err.text, "read .: Is a directory");
}

TEST(what_is_saved_is_loaded_again)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_kvfile struct kvfile *file = parse("# c\nA=1\n"), *again = NULL;
	struct err err = {0};
	struct stat st;

	kvfile_set(file, "B", "2");
	assert_int_equal(kvfile_save(file, scratch.fd, "x.conf", &err), 0);
	assert_int_equal(kvfile_load(scratch.fd, "x.conf", &again, &err), 0);
	assert_text(again, "# c\nA=1\nB=\"2\"\n");
	assert_int_equal(fstatat(scratch.fd, "x.conf", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	assert_true(kvfile_save(file, scratch.fd, "none/x.conf", &err) < 0);
	assert_string_equal(err.text, "write none/x.conf: No such file or directory");
}

/* xorshift: the same texts in every run. */
static unsigned next_random(unsigned *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void random_text(unsigned *seed, const char *alphabet, char *buf, size_t size)
{
	size_t len = next_random(seed) % size, n = strlen(alphabet);
	for (size_t i = 0; i < len; i++)
		buf[i] = alphabet[next_random(seed) % n];
	buf[len] = '\0';
}

TEST(any_text_that_parses_is_printed_as_it_was)
{
	unsigned seed = 1, parsed = 0;
	char text[64];

	for (int i = 0; i < 20000; i++) {
		cleanup_kvfile struct kvfile *file = NULL;
		struct err err = {0};
		random_text(&seed, "A=A=\n\n\"'\\$# ;\r\x80", text, sizeof(text));
		if (kvfile_parse("x", text, strlen(text), &file, &err) < 0)
			continue;
		assert_text(file, text);
		parsed++;
	}
	assert_true(parsed > 1000);
}

TEST(any_value_that_is_set_comes_back)
{
	unsigned seed = 2;
	char before[32], value[32];

	for (int i = 0; i < 10000; i++) {
		cleanup_kvfile struct kvfile *file = NULL;
		struct err err = {0};
		random_text(&seed, "KEY=\n\"'\\$# ", before, sizeof(before));
		random_text(&seed, "KEY=\"'\\$`# \t{}VEID\x80", value, sizeof(value));
		if (kvfile_parse("x", before, strlen(before), &file, &err) < 0)
			continue;

		kvfile_set(file, "KEY", value);
		assert_string_equal(kvfile_get(file, "KEY"), value);
		cleanup_free char *text = kvfile_text(file);
		cleanup_kvfile struct kvfile *again = parse(text);
		assert_string_equal(kvfile_get(again, "KEY"), value);
	}
}

/* Action scripts source these files: what they see must be what we meant. */
TEST(a_shell_reads_the_same_values)
{
	enum { N = 200 };
	static char values[N][32];
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_kvfile struct kvfile *file = kvfile_new();
	struct err err = {0};
	unsigned seed = 3;
	char seen[64];

	for (int i = 0; i < N; i++) {
		cleanup_free char *key = str_fmt("KEY%d", i);
		random_text(&seed, "aZ0=\"'\\$`#;|&<>()*?~! \t{}", values[i], sizeof(values[i]));
		kvfile_set(file, key, values[i]);
	}
	assert_int_equal(kvfile_save(file, scratch.fd, "x.conf", &err), 0);

	cleanup_free char *command = str_fmt(". %s/x.conf; i=0; while [ $i -lt %d ]; do eval v=\\$KEY$i; "
					     "printf '%%s\\n' \"$v\"; i=$((i + 1)); done",
					     scratch.path, N);
	FILE *shell = popen(command, "r");
	assert_non_null(shell);
	for (int i = 0; i < N; i++) {
		assert_non_null(fgets(seen, sizeof(seen), shell));
		seen[strcspn(seen, "\n")] = '\0';
		assert_string_equal(seen, values[i]);
	}
	assert_int_equal(pclose(shell), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_unquoted_as_a_shell_does),
		cmocka_unit_test(blanks_and_comments_around_values_do_not_count),
		cmocka_unit_test(the_last_of_duplicates_counts_and_is_the_one_that_changes),
		cmocka_unit_test(what_is_no_assignment_is_kept_and_ignored),
		cmocka_unit_test(a_change_leaves_everything_else_alone),
		cmocka_unit_test(what_is_set_is_quoted_for_the_shell),
		cmocka_unit_test(only_the_ctid_is_left_to_the_shell),
		cmocka_unit_test(a_value_stays_on_its_line),
		cmocka_unit_test(the_walk_has_the_assignments_in_order),
		cmocka_unit_test(bad_lines_are_refused_by_their_number),
		cmocka_unit_test(a_missing_file_is_not_yet_a_failure),
		cmocka_unit_test(what_is_saved_is_loaded_again),
		cmocka_unit_test(any_text_that_parses_is_printed_as_it_was),
		cmocka_unit_test(any_value_that_is_set_comes_back),
		cmocka_unit_test(a_shell_reads_the_same_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
