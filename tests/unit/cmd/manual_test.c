/* The man pages, which are written by hand, against the tables: what there is stands in them. Run in the root of the
 * source tree. */
#include <fcntl.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/errors.h"
#include "cmd/fields.h"
#include "cmd/options.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/unit.h"

static char *read_page(const char *name)
{
	cleanup_free char *path = str_fmt("man/%s", name);
	char *text = NULL;

	if (io_read_file(AT_FDCWD, path, &text, NULL) < 0)
		fail_msg("cannot read %s", path);
	return text;
}

static bool ends_word(char c)
{
	return strchr(" \n\t,.;:", c) != NULL;
}

/* As a whole word: "--name" is not found in "--name_filter". */
static bool has(const char *page, const char *text)
{
	for (const char *p = page; (p = strstr(p, text)); p++)
		if (ends_word(p[-1]) && ends_word(p[strlen(text)]))
			return true;
	return false;
}

static void check(const char *page, const char *text)
{
	if (!has(page, text))
		fail_msg("the man page does not say: %s", text);
}

static void check_options(const char *page, const struct option_row *rows)
{
	for (const struct option_row *o = rows; o && o->name; o++) {
		cleanup_free char *text = str_fmt("Fl %s%s", o->name[1] ? "-" : "", o->name);
		check(page, text);
	}
}

static void check_commands(const char *page, const char *family, const struct command *table)
{
	for (const struct command *c = table; c->name; c++) {
		cleanup_free char *name = str_fmt("%s%s", family, c->name);
		check(page, name);
		if (c->alias)
			check(page, c->alias);
		check_options(page, c->options);
		if (c->commands) {
			cleanup_free char *members = str_fmt("%s ", c->name);
			check_commands(page, members, c->commands);
		}
	}
}

TEST(vzctl_says_every_subcommand_and_its_options)
{
	cleanup_free char *page = read_page("vzctl.8");
	check_commands(page, "", command_table);
}

TEST(vzctl_says_every_parameter)
{
	cleanup_free char *page = read_page("vzctl.8");

	for (size_t i = 0; i < config_table.n; i++) {
		if (!config_table.rows[i].option)
			continue;
		cleanup_free char *text = str_fmt(".It Fl -%s", config_table.rows[i].option);
		check(page, text);
	}
}

TEST(vzctl_says_every_exit_code)
{
	cleanup_free char *page = read_page("vzctl.8");

	for (enum err_kind kind = ERR_NONE + 1; kind < ERR_COUNT; kind++) {
		cleanup_free char *text = str_fmt(".It %d", error_table[kind].exit_code);
		check(page, text);
	}
}

TEST(vzlist_says_every_field)
{
	cleanup_free char *page = read_page("vzlist.8");

	for (size_t i = 0; i < field_count; i++)
		if (field_table[i].part == 0)
			check(page, field_table[i].name);
}

TEST(vz_conf_says_every_key)
{
	cleanup_free char *page = read_page("vz.conf.5");
	cleanup_free char *shipped = NULL;

	for (size_t i = 0; i < config_table.n; i++) {
		cleanup_free char *text = str_fmt(".It Sy %s", config_table.rows[i].key);
		if (!(config_table.rows[i].flags & PARAM_EDIT))
			check(page, text);
	}
	assert_int_equal(io_read_file(AT_FDCWD, "etc/vz.conf", &shipped, NULL), 0);
	for (char *rest = shipped, *line; (line = strsep(&rest, "\n"));) {
		char *equals = strchr(line, '=');
		if (line[0] == '#' || !equals)
			continue;
		*equals = '\0';
		cleanup_free char *text = str_fmt(".It Sy %s", line);
		check(page, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vzctl_says_every_subcommand_and_its_options),
		cmocka_unit_test(vzctl_says_every_parameter),
		cmocka_unit_test(vzctl_says_every_exit_code),
		cmocka_unit_test(vzlist_says_every_field),
		cmocka_unit_test(vz_conf_says_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
