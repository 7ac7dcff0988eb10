/* An image is what was sealed, byte for byte, or it is refused with the reason. */
#include "tests/unit/unit.h"

#include "checkpoint/proof.h"
#include "tests/unit/checkpoint/images.h"

#define NAME "101"

struct sample {
	struct scratch store;
	int dir; /* of the image */
};

static struct sample sample_new(void)
{
	struct sample sample = {.store = scratch_new()};

	images_make(sample.store.fd, NAME, "1");
	sample.dir = openat(sample.store.fd, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(sample.dir >= 0);
	return sample;
}

static void sample_done(struct sample *sample)
{
	close(sample->dir);
	scratch_done(&sample->store);
}
#define cleanup_sample __attribute__((cleanup(sample_done)))

static void refused(const struct sample *sample, const char *path, const char *what)
{
	cleanup_free char *reason = str_fmt("%s%s", path, what);
	images_refused(sample->store.fd, NAME, reason);
}

static void accepted(const struct sample *sample)
{
	images_expect(sample->store.fd, NAME, "1");
}

static void flip(int dir, const char *path, size_t at, unsigned char bits)
{
	cleanup_fd int fd = openat(dir, path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void resize(int dir, const char *path, size_t size)
{
	cleanup_fd int fd = openat(dir, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

/* Seal a directory that no store knows. */
static int seal_new(const struct scratch *scratch, const struct kvfile *facts, struct err *err)
{
	*err = (struct err){0};
	return image_seal(scratch->fd, facts, &images_key, err);
}

TEST(facts_come_back_as_they_were_given)
{
	static const char *const values[] = {
		"", "101", "a b", "q\"u'o`te\\", "$HOME $(id) ${VEID} $VEID", "caf\xc3\xa9 #"};
	cleanup_sample struct sample sample = sample_new();
	cleanup_kvfile struct kvfile *facts = kvfile_new(), *found = NULL;
	cleanup_fd int dir = -1;
	struct err err = {0};

	for (size_t i = 0; i < countof(values); i++) {
		cleanup_free char *key = str_fmt("FACT_%zu", i);
		kvfile_set(facts, key, values[i]);
	}
	assert_int_equal(image_seal(sample.dir, facts, &images_key, &err), 0);
	assert_int_equal(image_open(sample.store.fd, NAME, &images_key, &found, &dir, &err), 0);

	const char *key, *value;
	size_t pos = 0, n = 0;
	while (kvfile_next(found, &pos, &key, &value))
		assert_string_equal(value, values[n++]);
	assert_int_equal(n, countof(values));
	assert_int_equal(faccessat(dir, "files/core-1.img", F_OK, 0), 0);
}

TEST(facts_that_could_not_be_read_back_are_refused)
{
	static const char *const own[] = {"FORMAT", "IMAGE", "FILE", "SEAL"};
	cleanup_scratch struct scratch scratch = scratch_new();
	struct err err;

	for (size_t i = 0; i < countof(own); i++) {
		cleanup_kvfile struct kvfile *facts = kvfile_new();
		kvfile_set(facts, own[i], "1");
		assert_true(seal_new(&scratch, facts, &err) < 0);
		assert_non_null(strstr(err.text, own[i]));
		assert_int_equal(err.kind, ERR_CHECKPOINT);
	}

	cleanup_kvfile struct kvfile *facts = kvfile_new();
	cleanup_free char *big = mem_zero(1, (64 << 10) + 1);
	memset(big, 'x', 64 << 10);
	kvfile_set(facts, "BIG", big);
	assert_true(seal_new(&scratch, facts, &err) < 0);
	assert_non_null(strstr(err.text, "64 KiB"));
	assert_int_equal(faccessat(scratch.fd, PROOF_FILE, F_OK, 0), -1);
}

TEST(a_file_of_another_length_is_named)
{
	cleanup_sample struct sample sample = sample_new();

	for (size_t i = 0; i < countof(images_files); i++) {
		const struct images_file *file = &images_files[i];
		const size_t sizes[] = {0, 1, file->size / 2, file->size - 1, file->size + 1, file->size + 4096};
		for (size_t k = 0; k < countof(sizes); k++) {
			if (sizes[k] == file->size || sizes[k] == SIZE_MAX)
				continue;
			cleanup_free char *what =
				str_fmt(" of the checkpoint image has %zu bytes instead of %zu", sizes[k], file->size);
			resize(sample.dir, file->path, sizes[k]);
			refused(&sample, file->path, what);
			images_write(sample.dir, file->path, file->size, (unsigned)i);
		}
	}
	accepted(&sample);
}

TEST(a_bit_that_is_flipped_anywhere_is_noticed)
{
	cleanup_sample struct sample sample = sample_new();

	for (size_t i = 0; i < countof(images_files); i++) {
		const struct images_file *file = &images_files[i];
		size_t step = file->size > 1000 ? 97 : 1;
		for (size_t at = 0; at < file->size; at += step) {
			unsigned char bit = (unsigned char)(1u << at % 8);
			flip(sample.dir, file->path, at, bit);
			refused(&sample, file->path, " of the checkpoint image was changed");
			flip(sample.dir, file->path, at, bit);
		}
	}
	accepted(&sample);
}

TEST(files_that_changed_places_are_noticed)
{
	cleanup_sample struct sample sample = sample_new();

	assert_int_equal(renameat2(sample.dir, "files/core-1.img", sample.dir, "files/inventory.img", RENAME_EXCHANGE),
			 0);
	refused(&sample, "files/core-1.img", " of the checkpoint image was changed");
}

TEST(a_file_of_another_image_is_noticed)
{
	cleanup_sample struct sample sample = sample_new();

	images_make(sample.store.fd, "102", "1");
	flip(sample.store.fd, "102/files/core-1.img", 7, 1);
	assert_int_equal(renameat(sample.store.fd, "102/files/core-1.img", sample.dir, "files/core-1.img"), 0);
	refused(&sample, "files/core-1.img", " of the checkpoint image was changed");
}

TEST(a_file_that_is_missing_is_named)
{
	for (size_t i = 0; i < countof(images_files); i++) {
		cleanup_sample struct sample sample = sample_new();
		assert_int_equal(unlinkat(sample.dir, images_files[i].path, 0), 0);
		refused(&sample, images_files[i].path, " of the checkpoint image is missing");
		assert_int_equal(mkdirat(sample.dir, images_files[i].path, 0700), 0);
		refused(&sample, images_files[i].path, " of the checkpoint image is missing");
	}
}

TEST(a_file_too_many_is_named)
{
	static const char *const paths[] = {"a",
					    "zzz",
					    "files/a",
					    "files/zzz",
					    "files/core-2.img",
					    "files/fs/zzz",
					    "manifest.old",
					    "files/manifest"};
	cleanup_sample struct sample sample = sample_new();

	for (size_t i = 0; i < countof(paths); i++) {
		images_write(sample.dir, paths[i], 3, 1);
		refused(&sample, paths[i], " does not belong to the checkpoint image");
		assert_int_equal(unlinkat(sample.dir, paths[i], 0), 0);
	}
	accepted(&sample);
}

/* Put something that is no file there. */
static void put_symlink(int dir, const char *path)
{
	cleanup_free char *target = str_fmt("%s%s", strchr(path, '/') ? "../" : "", "copy");
	assert_int_equal(symlinkat(target, dir, path), 0);
}

static void put_fifo(int dir, const char *path)
{
	assert_int_equal(mkfifoat(dir, path, 0600), 0);
}

static void put_socket(int dir, const char *path)
{
	assert_int_equal(mknodat(dir, path, S_IFSOCK | 0600, 0), 0);
}

static void (*const puts_odd[])(int dir, const char *path) = {put_symlink, put_fifo, put_socket};

TEST(what_is_neither_file_nor_directory_is_named)
{
	for (size_t i = 0; i < countof(images_files); i++) {
		for (size_t k = 0; k < countof(puts_odd); k++) {
			cleanup_sample struct sample sample = sample_new();
			struct err err = {0};
			cleanup_free char *reason =
				str_fmt("%s of the checkpoint image is neither a regular file nor a directory",
					images_files[i].path);

			assert_int_equal(unlinkat(sample.dir, images_files[i].path, 0), 0);
			puts_odd[k](sample.dir, images_files[i].path);
			images_refused(sample.store.fd, NAME, reason);
			assert_true(images_seal(sample.dir, "2", &err) < 0);
			assert_string_equal(err.text, reason);
			assert_int_equal(err.kind, ERR_CHECKPOINT);
		}
	}
}

TEST(a_directory_that_became_a_link_is_named)
{
	cleanup_sample struct sample sample = sample_new();

	assert_int_equal(renameat(sample.dir, "files", sample.store.fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("../elsewhere", sample.dir, "files"), 0);
	refused(&sample, "files", " of the checkpoint image is neither a regular file nor a directory");
}

TEST(names_that_no_image_has_are_refused)
{
	static const char *const names[] = {"a b", "a\"b", "a\nb", "a\\b", "$a", "caf\xc3\xa9", "a\x1b[2J"};

	for (size_t i = 0; i < countof(names); i++) {
		cleanup_scratch struct scratch scratch = scratch_new();
		cleanup_kvfile struct kvfile *facts = kvfile_new();
		struct err err;
		images_write(scratch.fd, names[i], 1, 1);
		assert_true(seal_new(&scratch, facts, &err) < 0);
		assert_non_null(strstr(err.text, "has a name that no file of one has"));
		assert_null(strpbrk(err.text, "\n\x1b\xc3"));
	}
}

TEST(directories_go_only_so_deep)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_kvfile struct kvfile *facts = kvfile_new();
	struct err err;

	assert_int_equal(io_mkdir_all(scratch.fd, "1/2/3/4/5/6/7/8", 0700), 0);
	images_write(scratch.fd, "1/2/3/4/5/6/7/8/file", 1, 1);
	assert_int_equal(seal_new(&scratch, facts, &err), 0);
	assert_int_equal(mkdirat(scratch.fd, "1/2/3/4/5/6/7/8/9", 0700), 0);
	assert_true(seal_new(&scratch, facts, &err) < 0);
	assert_non_null(strstr(err.text, "1/2/3/4/5/6/7/8/9 of the checkpoint image lies too deep"));
}

TEST(a_manifest_that_is_cut_anywhere_is_refused)
{
	cleanup_sample struct sample sample = sample_new();
	cleanup_free char *text = NULL;
	size_t len;

	assert_int_equal(io_read_file(sample.dir, PROOF_FILE, &text, &len), 0);
	while (len-- > 0) {
		resize(sample.dir, PROOF_FILE, len);
		images_refused(sample.store.fd, NAME, "the manifest of the checkpoint image is cut or damaged");
	}
}

TEST(a_manifest_in_which_any_byte_differs_is_refused)
{
	cleanup_sample struct sample sample = sample_new();
	cleanup_free char *text = NULL;
	size_t len;

	assert_int_equal(io_read_file(sample.dir, PROOF_FILE, &text, &len), 0);
	for (size_t at = 0; at < len; at++) {
		static const unsigned char bits[] = {0x01, 0x20, 0x80, 0xff};
		for (size_t i = 0; i < countof(bits); i++) {
			flip(sample.dir, PROOF_FILE, at, bits[i]);
			images_refused(sample.store.fd, NAME, "the checkpoint image ");
			flip(sample.dir, PROOF_FILE, at, bits[i]);
		}
	}
	accepted(&sample);
}

TEST(a_manifest_that_is_missing_or_no_file_is_refused)
{
	cleanup_sample struct sample sample = sample_new();

	assert_int_equal(renameat(sample.dir, PROOF_FILE, sample.store.fd, "copy"), 0);
	images_refused(sample.store.fd, NAME, "the checkpoint image has no manifest");
	assert_int_equal(mkfifoat(sample.dir, PROOF_FILE, 0600), 0);
	refused(&sample, PROOF_FILE, " of the checkpoint image is no regular file");
	assert_int_equal(unlinkat(sample.dir, PROOF_FILE, 0), 0);
	assert_int_equal(symlinkat("../copy", sample.dir, PROOF_FILE), 0);
	refused(&sample, PROOF_FILE, " of the checkpoint image");
}

TEST(an_image_of_another_key_is_told_from_a_damaged_one)
{
	cleanup_sample struct sample sample = sample_new();
	cleanup_kvfile struct kvfile *facts = NULL;
	struct err err = {0};
	int dir = -1;

	assert_true(image_open(sample.store.fd, NAME, &images_other_key, &facts, &dir, &err) < 0);
	assert_non_null(strstr(err.text, "made by another node, or with another key"));
	assert_int_equal(err.kind, ERR_RESTORE);
	assert_int_equal(dir, -1);
	assert_null(facts);
}

TEST(files_with_the_same_bytes_have_digests_of_their_own)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_kvfile struct kvfile *facts = kvfile_new();
	char digests[4][33];
	struct err err;

	images_write(scratch.fd, "one", 10, 1);
	images_write(scratch.fd, "two", 10, 1);
	for (size_t i = 0; i < 4; i += 2) {
		cleanup_free char *text = NULL;
		assert_int_equal(seal_new(&scratch, facts, &err), 0);
		assert_int_equal(io_read_file(scratch.fd, PROOF_FILE, &text, NULL), 0);
		const char *line = strstr(text, "FILE=");
		assert_int_equal(sscanf(line, "FILE=\"%32s 10 one\"\nFILE=\"%32s", digests[i], digests[i + 1]), 2);
	}
	for (size_t a = 0; a < 4; a++)
		for (size_t b = a + 1; b < 4; b++)
			assert_string_not_equal(digests[a], digests[b]);
}

/* UMAC changes its way at 16 MiB. */
TEST(a_large_file_is_verified_to_its_end)
{
	static const size_t places[] = {0, (16 << 20) - 1, 16 << 20, 40 << 20, (64 << 20) - 1};
	cleanup_sample struct sample sample = sample_new();
	struct err err = {0};

	images_write(sample.dir, "files/pages-2.img", 5000, 3);
	resize(sample.dir, "files/pages-2.img", 64 << 20);
	assert_int_equal(images_seal(sample.dir, "1", &err), 0);
	accepted(&sample);
	for (size_t i = 0; i < countof(places); i++) {
		flip(sample.dir, "files/pages-2.img", places[i], 0x10);
		refused(&sample, "files/pages-2.img", " of the checkpoint image was changed");
		flip(sample.dir, "files/pages-2.img", places[i], 0x10);
	}
	accepted(&sample);
}

TEST(the_size_is_that_of_all_files)
{
	cleanup_sample struct sample sample = sample_new();
	struct stat st;
	struct err err = {0};
	uint64_t size = 0, bytes = 0;

	assert_int_equal(fstatat(sample.dir, PROOF_FILE, &st, 0), 0);
	size = (uint64_t)st.st_size;
	for (size_t i = 0; i < countof(images_files); i++)
		size += images_files[i].size;
	assert_int_equal(image_size(sample.dir, &bytes, &err), 0);
	assert_int_equal(bytes, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_come_back_as_they_were_given),
		cmocka_unit_test(facts_that_could_not_be_read_back_are_refused),
		cmocka_unit_test(a_file_of_another_length_is_named),
		cmocka_unit_test(a_bit_that_is_flipped_anywhere_is_noticed),
		cmocka_unit_test(files_that_changed_places_are_noticed),
		cmocka_unit_test(a_file_of_another_image_is_noticed),
		cmocka_unit_test(a_file_that_is_missing_is_named),
		cmocka_unit_test(a_file_too_many_is_named),
		cmocka_unit_test(what_is_neither_file_nor_directory_is_named),
		cmocka_unit_test(a_directory_that_became_a_link_is_named),
		cmocka_unit_test(names_that_no_image_has_are_refused),
		cmocka_unit_test(directories_go_only_so_deep),
		cmocka_unit_test(a_manifest_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(a_manifest_in_which_any_byte_differs_is_refused),
		cmocka_unit_test(a_manifest_that_is_missing_or_no_file_is_refused),
		cmocka_unit_test(an_image_of_another_key_is_told_from_a_damaged_one),
		cmocka_unit_test(files_with_the_same_bytes_have_digests_of_their_own),
		cmocka_unit_test(a_large_file_is_verified_to_its_end),
		cmocka_unit_test(the_size_is_that_of_all_files),
	};
	return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
