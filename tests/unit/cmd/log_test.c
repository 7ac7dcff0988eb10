/* vzctl's log file: one line for each thing that was done, in the format that scripts read. */
#include "cmd/log.h"

#include <regex.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/node.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static bool matches(const char *text, const char *pattern)
{
	regex_t regex;
	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	bool found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

TEST(each_record_is_a_line_of_vzctls_format)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_free char *path = str_fmt("%s/vz/vzctl.log", scratch.path), *text = NULL;
	const struct node_config node = {.logging = true, .logfile = path};
	struct stat st;

	log_operation(&node, &(struct log_record){.ctid = 101, .verb = "start", .text = "started", .uid = 0});
	log_operation(&node,
		      &(struct log_record){.verb = "create", .text = "bad\nname", .uid = LOG_NOBODY, .result = 21});

	assert_int_equal(io_read_file(scratch.fd, "vz/vzctl.log", &text, NULL), 0);
	assert_true(matches(text,
			    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9]{4} vzctl : CT 101 : started \\(uid 0\\)\n"
			    "[0-9T:+-]+ vzctl : bad name\n$"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

TEST(without_logging_there_is_no_file)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	cleanup_free char *path = str_fmt("%s/vzctl.log", scratch.path);
	const struct node_config node = {.logging = false, .logfile = path};

	log_operation(&node, &(struct log_record){.ctid = 101, .verb = "start", .text = "started", .uid = 0});
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_record_is_a_line_of_vzctls_format),
		cmocka_unit_test(without_logging_there_is_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
