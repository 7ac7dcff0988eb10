/* What an archive may put into a tree, and what not. Runs as root or not: owners are looked at only as root. */
#include "tests/unit/unit.h"

#include <sys/xattr.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "templates/extract.h"
#include "templates/unpack.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tarball.h"

static const char *const filters[] = {"none", "gzip", "xz", "zstd"};

static const struct member good[] = {
	{"./", AE_IFDIR, .mode = 0711},
	{"./sbin/", AE_IFDIR, .mode = 0700},
	{"./sbin/init", .mode = 0755, .content = "init"},
	{"./bin", AE_IFLNK, .mode = 0777, .symlink = "sbin"},
	{"./sbin/su", .mode = 04755, .content = "su"},
	{"./sbin/sudo", .mode = 04755, .hardlink = "./sbin/su"},
	{"./pipe", AE_IFIFO, .mode = 0600},
};

static int extract(const struct scratch *scratch, int archive, struct unpacked *unpacked, struct err *err)
{
	assert_int_equal(fchdir(scratch->fd), 0);
	int r = extract_archive(archive, "test", unpacked, err);
	assert_int_equal(chdir("/"), 0);
	return r;
}

static int extract_members(const struct scratch *scratch, const struct member *members, size_t n,
			   struct unpacked *unpacked, struct err *err)
{
	cleanup_fd int archive = tarball_make(members, n, "gzip");
	return extract(scratch, archive, unpacked, err);
}

static void assert_refused(const struct member *members, size_t n, const char *words)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};

	assert_true(extract_members(&scratch, members, n, &unpacked, &err) < 0);
	assert_int_equal(err.kind, ERR_TEMPLATE_DAMAGED);
	assert_non_null(strstr(err.text, "template test: "));
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
}

static struct stat stat_of(const struct scratch *scratch, const char *path)
{
	struct stat st;
	if (fstatat(scratch->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

TEST(a_tree_arrives_as_it_was_packed)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_free char *content = NULL;
	struct unpacked unpacked;
	struct err err = {0};
	char target[8] = "";

	assert_int_equal(extract_members(&scratch, good, countof(good), &unpacked, &err), 0);
	assert_int_equal(stat_of(&scratch, ".").st_mode, S_IFDIR | 0711);
	assert_int_equal(stat_of(&scratch, "sbin").st_mode, S_IFDIR | 0700);
	assert_int_equal(stat_of(&scratch, "sbin").st_mtime, 1000000000);
	assert_int_equal(stat_of(&scratch, "sbin/su").st_mode, S_IFREG | 04755);
	assert_int_equal(stat_of(&scratch, "sbin/su").st_ino, stat_of(&scratch, "sbin/sudo").st_ino);
	assert_int_equal(stat_of(&scratch, "pipe").st_mode, S_IFIFO | 0600);
	assert_int_equal(readlinkat(scratch.fd, "bin", target, sizeof(target)), 4);
	assert_string_equal(target, "sbin");
	assert_int_equal(io_read_file(scratch.fd, "sbin/init", &content, NULL), 0);
	assert_string_equal(content, "init");

	assert_int_equal(unpacked.entries, countof(good));
	assert_int_equal(unpacked.size, 6);
	assert_int_equal(unpacked.dropped, 0);
}

TEST(owners_are_numbers_of_the_archive)
{
	static const struct member members[] = {
		{"file", .uid = 65535, .gid = 12345, .content = "x"},
		{"link", AE_IFLNK, .uid = 33, .gid = 34, .symlink = "file"},
	};
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};

	if (geteuid() != 0)
		skip();
	assert_int_equal(extract_members(&scratch, members, countof(members), &unpacked, &err), 0);
	assert_int_equal(stat_of(&scratch, "file").st_uid, 65535);
	assert_int_equal(stat_of(&scratch, "file").st_gid, 12345);
	assert_int_equal(stat_of(&scratch, "link").st_uid, 33);
}

TEST(every_packer_is_understood)
{
	for (size_t i = 0; i < countof(filters); i++) {
		cleanup_scratch struct scratch scratch = scratch_new();
		cleanup_fd int archive = tarball_make(good, countof(good), filters[i]);
		struct unpacked unpacked;
		struct err err = {0};
		assert_int_equal(extract(&scratch, archive, &unpacked, &err), 0);
		assert_int_equal(stat_of(&scratch, "sbin/init").st_size, 4);
	}
}

/* Composed and decomposed umlauts are two names, and a name may be no UTF-8 at all. */
TEST(names_stay_the_bytes_they_are)
{
	static const struct member members[] = {
		{.path = "\xc3\xa4"},
		{.path = "a\xcc\x88"},
		{.path = "\xe4"},
		{.path = " \n\\\x01"},
		{.path = "hard", .hardlink = "a\xcc\x88"},
		{.path = "soft", .type = AE_IFLNK, .mode = 0777, .symlink = "a\xcc\x88"},
	};
	char target[16] = "";
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};

	if (extract_members(&scratch, members, countof(members), &unpacked, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(stat_of(&scratch, members[i].path).st_mode, S_IFREG | 0644);
	assert_int_equal(stat_of(&scratch, "hard").st_ino, stat_of(&scratch, "a\xcc\x88").st_ino);
	assert_int_equal(readlinkat(scratch.fd, "soft", target, sizeof(target)), 3);
	assert_string_equal(target, "a\xcc\x88");
}

TEST(a_path_out_of_the_tree_is_refused)
{
	static const struct {
		struct member member;
		const char *words;
	} attacks[] = {
		{{"../x", .content = "x"}, "entry ../x leads out of the tree"},
		{{"a/../../x", .content = "x"}, "leads out of the tree"},
		{{"a/..", .type = AE_IFDIR}, "leads out of the tree"},
		{{"/tmp/x", .content = "x"}, "entry /tmp/x has an absolute path"},
		{{"x", .hardlink = "../y"}, "entry x leads out of the tree"},
		{{"x", .hardlink = "/etc/passwd"}, "entry x has an absolute path"},
	};

	for (size_t i = 0; i < countof(attacks); i++)
		assert_refused(&attacks[i].member, 1, attacks[i].words);
}

TEST(nothing_is_written_through_a_link)
{
	static const struct member through_directory[] = {
		{"d", AE_IFLNK, .symlink = "/tmp"},
		{"d/openve-test-escaped", .content = "x"},
	};
	static const struct member through_file[] = {
		{"f", AE_IFLNK, .symlink = "/tmp/openve-test-escaped"},
		{"f", .content = "x"},
	};
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};

	assert_refused(through_directory, countof(through_directory), "cannot make d/openve-test-escaped");
	assert_int_equal(extract_members(&scratch, through_file, countof(through_file), &unpacked, &err), 0);
	assert_int_equal(stat_of(&scratch, "f").st_mode, S_IFREG | 0644);
	assert_int_equal(access("/tmp/openve-test-escaped", F_OK), -1);
}

TEST(ids_that_a_ve_does_not_have_are_refused)
{
	static const struct member members[] = {
		{"a", .uid = 65536},
		{"a", .gid = 65536},
		{"a", .uid = 4294967296 + 5},
		{"a", .uid = 2147483648},
	};

	for (size_t i = 0; i < countof(members); i++)
		assert_refused(&members[i], 1, "entry a belongs to ");
}

TEST(devices_and_sockets_are_left_out_and_counted)
{
	static const struct member members[] = {
		{"null", .type = AE_IFCHR},
		{"sda", .type = AE_IFBLK},
		{"file", .content = "x"},
	};
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};

	assert_int_equal(extract_members(&scratch, members, countof(members), &unpacked, &err), 0);
	assert_int_equal(unpacked.entries, 1);
	assert_int_equal(unpacked.dropped, 2);
	assert_int_equal(faccessat(scratch.fd, "null", F_OK, 0), -1);
}

TEST(attributes_that_mean_something_to_the_node_are_left_out_and_counted)
{
	static const struct member members[] = {
		{"dir", AE_IFDIR, .attribute = "trusted.overlay.opaque"},
		{"label", .attribute = "security.selinux"},
		{"file", .attribute = "user.note"},
	};
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};
	char value[64];

	assert_int_equal(extract_members(&scratch, members, countof(members), &unpacked, &err), 0);
	assert_int_equal(unpacked.entries, 3);
	assert_int_equal(unpacked.dropped, 2);

	assert_int_equal(fchdir(scratch.fd), 0);
	assert_int_equal(getxattr("dir", "trusted.overlay.opaque", value, sizeof(value)), -1);
	assert_int_equal(getxattr("label", "security.selinux", value, sizeof(value)), -1);
	assert_int_equal(getxattr("file", "user.note", value, sizeof(value)), 5);
	assert_int_equal(chdir("/"), 0);
}

/* Where the zeros begin that end a plain archive. */
static size_t end_of_content(int archive)
{
	size_t end = tarball_size(archive);
	char block[512];
	static const char zeros[512];

	while (end > 0 && pread(archive, block, sizeof(block), (off_t)end - 512) == 512 &&
	       memcmp(block, zeros, sizeof(block)) == 0)
		end -= 512;
	return end;
}

static void assert_cut_noticed(int whole, size_t size, const char *filter)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_fd int archive = tarball_cut(whole, size);
	struct unpacked unpacked;
	struct err err = {0};

	if (extract(&scratch, archive, &unpacked, &err) == 0)
		fail_msg("%s: cut at %zu of %zu and not noticed", filter, size, tarball_size(whole));
	assert_int_equal(err.kind, ERR_TEMPLATE_DAMAGED);
}

TEST(a_packed_archive_that_was_cut_anywhere_is_noticed)
{
	for (size_t i = 1; i < countof(filters); i++) {
		cleanup_fd int whole = tarball_make(good, countof(good), filters[i]);
		for (size_t cut = 0; cut < tarball_size(whole); cut++)
			assert_cut_noticed(whole, cut, filters[i]);
	}
}

/* Padding is no loss, half of the mark that ends an archive is. */
TEST(a_plain_archive_that_was_cut_before_its_end_is_noticed)
{
	cleanup_fd int whole = tarball_make(good, countof(good), "none");
	cleanup_fd int unpadded = tarball_cut(whole, end_of_content(whole) + 1024);
	cleanup_scratch struct scratch scratch = scratch_new();
	struct unpacked unpacked;
	struct err err = {0};

	assert_int_equal(extract(&scratch, unpadded, &unpacked, &err), 0);
	for (size_t cut = 0; cut < end_of_content(whole) + 1024; cut += 256)
		assert_cut_noticed(whole, cut, "none");
}

TEST(what_is_no_archive_is_refused)
{
	static const char *const texts[] = {"", "hello\n", "\x1f\x8b\x08", "PK\x03\x04 and so on"};

	for (size_t i = 0; i < countof(texts); i++) {
		cleanup_scratch struct scratch scratch = scratch_new();
		int fd = memfd_create("text", MFD_CLOEXEC);
		struct unpacked unpacked;
		struct err err = {0};
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		lseek(fd, 0, SEEK_SET);
		assert_true(extract(&scratch, fd, &unpacked, &err) < 0);
		assert_int_equal(err.kind, ERR_TEMPLATE_DAMAGED);
		close(fd);
	}
}

/* gzip's checksum is not looked at by libarchive, and its own zstd archives have none. */
TEST(a_flipped_bit_is_noticed_where_the_packer_has_a_checksum)
{
	char content[4096];
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(content) - 1; i++)
		content[i] = (char)(1 + (seed = seed * 1103515245 + 12345) / 65536 % 255);
	content[sizeof(content) - 1] = '\0';
	const struct member member = {"noise", .content = content};

	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_fd int archive = tarball_make(&member, 1, "xz");
	struct unpacked unpacked;
	struct err err = {0};
	char byte;

	off_t middle = (off_t)tarball_size(archive) / 2;
	assert_int_equal(pread(archive, &byte, 1, middle), 1);
	byte ^= 1;
	assert_int_equal(pwrite(archive, &byte, 1, middle), 1);
	assert_true(extract(&scratch, archive, &unpacked, &err) < 0);
	assert_int_equal(err.kind, ERR_TEMPLATE_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_arrives_as_it_was_packed),
		cmocka_unit_test(owners_are_numbers_of_the_archive),
		cmocka_unit_test(every_packer_is_understood),
		cmocka_unit_test(names_stay_the_bytes_they_are),
		cmocka_unit_test(a_path_out_of_the_tree_is_refused),
		cmocka_unit_test(nothing_is_written_through_a_link),
		cmocka_unit_test(ids_that_a_ve_does_not_have_are_refused),
		cmocka_unit_test(devices_and_sockets_are_left_out_and_counted),
		cmocka_unit_test(attributes_that_mean_something_to_the_node_are_left_out_and_counted),
		cmocka_unit_test(a_packed_archive_that_was_cut_anywhere_is_noticed),
		cmocka_unit_test(a_plain_archive_that_was_cut_before_its_end_is_noticed),
		cmocka_unit_test(what_is_no_archive_is_refused),
		cmocka_unit_test(a_flipped_bit_is_noticed_where_the_packer_has_a_checksum),
	};
	return cmocka_run_group_tests_name("extract", tests, NULL, NULL);
}
