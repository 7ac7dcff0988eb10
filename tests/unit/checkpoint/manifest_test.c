/* What a manifest says, and whom it believes. */
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint/key.h"
#include "checkpoint/manifest.h"
#include "checkpoint/seal.h"
#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static const struct image_key key = {.bytes = "a key for tests, 32 bytes of it"};

static void add_hex(struct text *text, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add(text, "%02x", bytes[i]);
}

/* Seal what another version may have written. */
static char *sealed(const char *body)
{
	uint8_t owner[SEAL_OWNER_LEN], seal[SEAL_LEN];
	struct text text = {0};

	seal_owner(&key, owner);
	seal_text(&key, body, strlen(body), seal);
	text_add(&text, "%sSEAL=\"", body);
	add_hex(&text, owner, sizeof(owner));
	text_add(&text, " ");
	add_hex(&text, seal, sizeof(seal));
	text_add(&text, "\"\n");
	return text.s;
}

/* Returns the reason it is refused for, "" if it is not. */
static char *refusal(const char *body)
{
	cleanup_free char *text = sealed(body);
	cleanup_manifest struct manifest manifest = {0};
	struct err err = {0};

	manifest_parse(text, strlen(text), &key, &manifest, &err);
	return mem_strdup(err.text);
}

TEST(a_manifest_comes_back_as_it_was_printed)
{
	cleanup_manifest struct manifest manifest = {.image = 0xfedcba9876543210}, same = {0};
	cleanup_kvfile struct kvfile *facts = kvfile_new();
	struct err err = {0};

	kvfile_set(facts, "CTID", "101");
	assert_int_equal(manifest_set_facts(&manifest, facts, &err), 0);
	struct content *content = contents_add(&manifest.contents, mem_strdup("files/pages-1.img"), UINT64_MAX);
	memset(content->digest, 0xa5, sizeof(content->digest));
	contents_add(&manifest.contents, mem_strdup("log"), 0);

	cleanup_free char *text = manifest_print(&manifest, &key);
	assert_int_equal(manifest_parse(text, strlen(text), &key, &same, &err), 0);
	assert_true(same.image == manifest.image);
	assert_string_equal(kvfile_get(same.facts, "CTID"), "101");
	assert_null(kvfile_get(same.facts, "FORMAT"));
	assert_int_equal(same.contents.n, 2);
	assert_string_equal(same.contents.list[0].path, "files/pages-1.img");
	assert_true(same.contents.list[0].size == UINT64_MAX);
	assert_memory_equal(same.contents.list[0].digest, content->digest, sizeof(content->digest));
	assert_string_equal(same.contents.list[1].path, "log");
	assert_int_equal(same.contents.list[1].size, 0);
}

TEST(a_shell_and_a_person_can_read_it)
{
	cleanup_manifest struct manifest manifest = {.image = 0x1};
	contents_add(&manifest.contents, mem_strdup("log"), 7);

	cleanup_free char *text = manifest_print(&manifest, &key);
	assert_non_null(str_after(text, "FORMAT=\"1\"\nIMAGE=\"0000000000000001\"\n"
					"FILE=\"00000000000000000000000000000000 7 log\"\nSEAL=\""));
}

TEST(a_newer_format_is_named)
{
	cleanup_free char *two = refusal("FORMAT=\"2\"\nIMAGE=\"0000000000000001\"\nNEWS=\"\"\n");
	cleanup_free char *many = refusal("FORMAT=\"4000000000\"\nFILE=\"in another way\"\n");

	assert_string_equal(two, "the checkpoint image has format 2, and this version of OpenVE reads format 1");
	assert_non_null(strstr(many, "has format 4000000000"));
}

TEST(another_key_makes_another_seal)
{
	static const struct image_key other = {.bytes = "b key for tests, 32 bytes of it"};
	cleanup_manifest struct manifest manifest = {0}, parsed = {0};
	struct err err = {0};

	cleanup_free char *text = manifest_print(&manifest, &other);
	assert_true(manifest_parse(text, strlen(text), &key, &parsed, &err) < 0);
	assert_non_null(strstr(err.text, "another node"));

	/* Who knows whose it should be, and not the key. */
	cleanup_free char *ours = manifest_print(&manifest, &key);
	struct err forged = {0};
	memcpy(strstr(text, "SEAL="), strstr(ours, "SEAL="), strlen("SEAL=\"0123456789abcdef"));
	assert_true(manifest_parse(text, strlen(text), &key, &parsed, &forged) < 0);
	assert_non_null(strstr(forged.text, "damaged"));
}

TEST(lines_that_make_no_sense_are_refused)
{
#define HEAD "FORMAT=\"1\"\nIMAGE=\"0000000000000001\"\n"
#define HEX32 "0123456789abcdef0123456789abcdef"
	static const char *const bad[] = {
		"",
		"IMAGE=\"0000000000000001\"\n",
		"FORMAT=\"\"\n",
		"FORMAT=\"one\"\n",
		"FORMAT=\"1\"\nIMAGE=\"1\"\n",
		"FORMAT=\"1\"\nIMAGE=\"000000000000000g\"\n",
		HEAD "FILE=\"\"\n",
		HEAD "FILE=\"" HEX32 "\"\n",
		HEAD "FILE=\"" HEX32 " 1\"\n",
		HEAD "FILE=\"" HEX32 " 1 \"\n",
		HEAD "FILE=\"" HEX32 " -1 a\"\n",
		HEAD "FILE=\"" HEX32 " 18446744073709551616 a\"\n",
		HEAD "FILE=\"0" HEX32 " 1 a\"\n",
		HEAD "FILE=\"0123456789ABCDEF0123456789ABCDEF 1 a\"\n",
		HEAD "SEAL=\"\"\n",
		HEAD "FACT=\"open\n",
	};
	cleanup_free char *good = refusal(HEAD "FILE=\"" HEX32 " 1 a\"\n");

	assert_string_equal(good, "");
	for (size_t i = 0; i < countof(bad); i++) {
		cleanup_free char *reason = refusal(bad[i]);
		if (!strstr(reason, "the checkpoint image"))
			fail_msg("%s is taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_comes_back_as_it_was_printed),
		cmocka_unit_test(a_shell_and_a_person_can_read_it),
		cmocka_unit_test(a_newer_format_is_named),
		cmocka_unit_test(another_key_makes_another_seal),
		cmocka_unit_test(lines_that_make_no_sense_are_refused),
	};
	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
