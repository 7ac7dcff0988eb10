/* vzctl snapshot-list's columns, blank for blank. */
#include "cmd/snapshots.h"

#include <stdlib.h>
#include <systemd/sd-json.h>
#include <time.h>

#include "runtime/base/err.h"
#include "tests/unit/unit.h"

#define A "11111111-1111-4111-8111-111111111111"
#define B "22222222-2222-4222-8222-222222222222"

static const char sample[] = "[{\"id\":\"" A "\",\"parent\":null,\"current\":false,\"date\":1350000000,"
			     "\"name\":null,\"description\":null,\"memory\":false,\"target\":null},"
			     "{\"id\":\"" B "\",\"parent\":\"" A "\",\"current\":true,\"date\":1350000001,"
			     "\"name\":\"a name that is longer than its column has room\",\"description\":\"why\","
			     "\"memory\":true,\"target\":\"/mnt\"}]";

static int print(const char *json, const char *fields, bool header, bool as_json, char **ret, struct err *err)
{
	sd_json_variant *array = NULL;
	size_t len;

	assert_true(sd_json_parse(json, 0, &array, NULL, NULL) >= 0);
	FILE *out = open_memstream(ret, &len);
	int r = snapshots_print(out, array, fields, header, as_json, err);
	fclose(out);
	sd_json_variant_unref(array);
	return r;
}

static void check(const char *fields, bool header, bool as_json, const char *expected)
{
	struct err err = {0};
	char *text = NULL;

	if (print(sample, fields, header, as_json, &text, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(text, expected);
	free(text);
}

TEST(the_usual_columns)
{
	check(NULL, true, false,
	      "PARENT_UUID                            C UUID                                   DATE                "
	      "NAME\n"
	      "                                         {" A "} 2012-10-12 00:00:00\n"
	      "{" A "} * {" B "} 2012-10-12 00:00:01 a name that is longer than its column has room\n");
}

TEST(chosen_columns_and_their_widths)
{
	check("current,name,desc,device,target", false, false,
	      "\n"
	      "* a name that is longer than its c why                                               /mnt\n");
	check("id", false, false, "{" A "}\n{" B "}\n");
	check("parent_id,desc", true, false, "PARENT_UUID                            DESC\n\n{" A "} why\n");
}

TEST(json_says_what_is_not_there)
{
	check("uuid,parent_uuid,current,name", false, true,
	      "[\n  {\n    \"uuid\": \"{" A
	      "}\",\n    \"parent_uuid\": null,\n    \"current\": false,\n    \"name\": null\n  },\n"
	      "  {\n    \"uuid\": \"{" B "}\",\n    \"parent_uuid\": \"{" A "}\",\n    \"current\": true,\n"
	      "    \"name\": \"a name that is longer than its column has room\"\n  }\n]\n");
}

TEST(an_unknown_field_is_refused)
{
	struct err err = {0};
	char *text = NULL;

	assert_true(print(sample, "uuid,,name", true, false, &text, &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_VALUE);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_columns),
		cmocka_unit_test(chosen_columns_and_their_widths),
		cmocka_unit_test(json_says_what_is_not_there),
		cmocka_unit_test(an_unknown_field_is_refused),
	};
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
