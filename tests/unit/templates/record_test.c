/* Names of templates, their records, and what a template directory holds. */
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "templates/names.h"
#include "templates/record.h"
#include "templates/template.h"
#include "tests/unit/scratch.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void write_file(const struct scratch *scratch, const char *path, const char *text)
{
	assert_int_equal(io_replace_file(scratch->fd, path, text, strlen(text), 0600), 0);
}

static struct scratch template_dir(void)
{
	struct scratch scratch = scratch_new();
	assert_int_equal(mkdirat(scratch.fd, "cache", 0700), 0);
	assert_int_equal(io_mkdir_all(scratch.fd, "layers/" DIGEST "/root", 0700), 0);
	return scratch;
}

TEST(a_name_is_letters_digits_and_a_few_marks)
{
	static const char *const good[] = {"debian-13-x86_64", "a", "9", "C++", "x.y", "centos-7.9_minimal"};
	static const char *const bad[] = {"",	 ".",	 "..",	     ".hidden", "a/b", "../x",
					  "a b", "a\nb", "\xc3\xa4", "$VEID",	"a*"};
	char long_name[128];

	for (size_t i = 0; i < countof(good); i++) {
		struct err err = {0};
		if (record_check_name(good[i], &err) != 0)
			fail_msg("%s", err.text);
	}
	for (size_t i = 0; i < countof(bad); i++) {
		struct err err = {0};
		if (record_check_name(bad[i], &err) == 0 || err.kind != ERR_BAD_VALUE)
			fail_msg("'%s' is taken", bad[i]);
	}

	struct err err = {0};
	memset(long_name, 'a', sizeof(long_name));
	long_name[100] = '\0';
	assert_int_equal(record_check_name(long_name, &err), 0);
	long_name[100] = 'a';
	long_name[101] = '\0';
	assert_true(record_check_name(long_name, &err) < 0);
}

TEST(an_archive_is_known_by_its_end)
{
	assert_string_equal(record_suffix("debian.tar.zst"), ".tar.zst");
	assert_string_equal(record_suffix("/srv/a.b.tar.gz"), ".tar.gz");
	assert_string_equal(record_suffix("x.tar"), ".tar");
	assert_null(record_suffix("debian.zip"));
	assert_null(record_suffix("tar.xz"));
	assert_null(record_suffix(".tar.xz"));
}

TEST(a_record_comes_back_as_it_was_saved)
{
	cleanup_scratch struct scratch scratch = template_dir();
	struct template saved = {.name = (char *)(uintptr_t)"one",
				 .digest = DIGEST,
				 .size = 1ull << 40,
				 .entries = 7,
				 .dropped = 2,
				 .created = 1700000000};
	struct template loaded = {0};
	struct err err = {0};

	assert_int_equal(record_save(scratch.fd, &saved, "/srv/a \"b\" $c.tar.zst", &err), 0);
	write_file(&scratch, "cache/one.tar.xz", "");
	assert_int_equal(record_load(scratch.fd, "one", &loaded, &err), 0);
	assert_string_equal(loaded.name, "one");
	assert_string_equal(loaded.digest, DIGEST);
	assert_string_equal(loaded.archive, "one.tar.xz");
	assert_int_equal(loaded.size, 1ull << 40);
	assert_int_equal(loaded.entries, 7);
	assert_int_equal(loaded.dropped, 2);
	assert_int_equal(loaded.created, 1700000000);
	template_done(&loaded);
}

TEST(a_digest_without_its_layer_or_that_is_none_is_not_believed)
{
	static const char *const records[] = {
		"DIGEST=\"fedc"
		"ba9876543210fedcba9876543210fedcba9876543210fedcba9876543210\"\n",
		"DIGEST=\"../../../etc\"\n",
		"DIGEST=\"" DIGEST "0\"\n",
		"DIGEST=\"./" DIGEST "\"\n",
		"SIZE=\"many\"\n",
	};

	for (size_t i = 0; i < countof(records); i++) {
		cleanup_scratch struct scratch scratch = template_dir();
		struct template loaded = {0};
		struct err err = {0};
		write_file(&scratch, "one.conf", records[i]);
		assert_int_equal(record_load(scratch.fd, "one", &loaded, &err), 0);
		assert_string_equal(loaded.digest, "");
		assert_int_equal(loaded.size, 0);
		template_done(&loaded);
	}
}

TEST(a_damaged_record_is_named)
{
	cleanup_scratch struct scratch scratch = template_dir();
	struct template loaded;
	struct err err = {0};

	write_file(&scratch, "one.conf", "DIGEST=\"unterminated\n");
	assert_true(record_load(scratch.fd, "one", &loaded, &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_CONFIG);
	assert_non_null(strstr(err.text, "one.conf"));
}

TEST(all_that_has_a_record_or_an_archive_is_listed_once_and_sorted)
{
	cleanup_scratch struct scratch scratch = template_dir();
	static const char *const files[] = {
		"zeta.conf",	       "both.conf",	      ".new.conf",	  "notes.txt",	  "cache/both.tar.gz",
		"cache/alone.tar.zst", "cache/.half.tar.zst", "cache/.alone.new", "cache/README",
	};
	struct template *list = NULL;
	struct err err = {0};
	size_t n = 0;

	for (size_t i = 0; i < countof(files); i++)
		write_file(&scratch, files[i], "");
	assert_int_equal(template_list(scratch.fd, &list, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].name, "alone");
	assert_string_equal(list[0].archive, "alone.tar.zst");
	assert_string_equal(list[1].name, "both");
	assert_string_equal(list[2].name, "zeta");
	assert_null(list[2].archive);
	for (size_t i = 0; i < n; i++)
		template_done(&list[i]);
	free(list);
}

TEST(who_asks_for_a_template_that_is_missing_hears_what_there_is)
{
	cleanup_scratch struct scratch scratch = template_dir();
	struct template found;
	struct err err = {0}, none = {0};

	assert_true(template_find(scratch.fd, "debian", &found, &none) < 0);
	assert_int_equal(none.kind, ERR_NO_TEMPLATE);
	assert_string_equal(none.text, "no template debian on this node; there is none: import or build one");
	write_file(&scratch, "cache/b.tar", "");
	write_file(&scratch, "a.conf", "");
	assert_true(template_find(scratch.fd, "debian", &found, &err) < 0);
	assert_string_equal(err.text, "no template debian on this node; there are: a, b");
}

TEST(templates_with_the_same_digest_know_of_one_another)
{
	cleanup_scratch struct scratch scratch = template_dir();
	struct template twin = {0};
	struct err err = {0};

	write_file(&scratch, "one.conf", "DIGEST=\"" DIGEST "\"\n");
	assert_int_equal(record_with_digest(scratch.fd, DIGEST, "one", NULL, &err), 0);
	write_file(&scratch, "two.conf", "DIGEST=\"" DIGEST "\"\n");
	assert_int_equal(record_with_digest(scratch.fd, DIGEST, "one", &twin, &err), 1);
	assert_string_equal(twin.name, "two");
	template_done(&twin);
	assert_int_equal(record_with_digest(scratch.fd, "", "one", NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_letters_digits_and_a_few_marks),
		cmocka_unit_test(an_archive_is_known_by_its_end),
		cmocka_unit_test(a_record_comes_back_as_it_was_saved),
		cmocka_unit_test(a_digest_without_its_layer_or_that_is_none_is_not_believed),
		cmocka_unit_test(a_damaged_record_is_named),
		cmocka_unit_test(all_that_has_a_record_or_an_archive_is_listed_once_and_sorted),
		cmocka_unit_test(who_asks_for_a_template_that_is_missing_hears_what_there_is),
		cmocka_unit_test(templates_with_the_same_digest_know_of_one_another),
	};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
