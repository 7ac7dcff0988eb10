#include "cmd/options.h"

#include <getopt.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* Values of long options lie above all characters, so that optopt tells one from the other. */
#define FIRST 256

/* Options of vzctl's subcommands that are known and not built; config_unsupported() has those of `set`. */
static const char *const unsupported[] = {
	"applyconfig_map",    "context",       "dumpfile", "flags", "force", "setmode",
	"skip_app_templates", "skip_ve_setup", "skiplock",
};

static size_t count(const struct option_row *rows)
{
	size_t n = 0;

	while (rows && rows[n].name)
		n++;
	return n;
}

static size_t count_aliases(void)
{
	size_t n = 0;

	while (config_table.option_aliases && config_table.option_aliases[n].alias)
		n++;
	return n;
}

static void add(struct option *names, size_t *n, const char *name, bool has_argument)
{
	names[*n] = (struct option){.name = name, .has_arg = has_argument, .val = FIRST + (int)*n};
	++*n;
}

/* The subcommand's own rows come first, so that their number is their place. */
static struct option *name_all(const struct option_row *rows, bool settings)
{
	size_t n = 0, own = count(rows), aliases = settings ? count_aliases() : 0;
	struct option *names = mem_zero(own + config_table.n + aliases + 1, sizeof(*names));

	for (size_t i = 0; i < own; i++)
		add(names, &n, rows[i].name, rows[i].argument);
	for (size_t i = 0; settings && i < config_table.n; i++)
		if (config_table.rows[i].option)
			add(names, &n, config_table.rows[i].option, config_table.rows[i].argument);
	for (size_t i = 0; i < aliases; i++)
		add(names, &n, config_table.option_aliases[i].alias, true);
	return names;
}

/* A name of one character is also a short option. */
static char *short_names(const struct option_row *rows)
{
	struct text text = {0};

	text_add(&text, ":");
	for (size_t i = 0; i < count(rows); i++)
		if (!rows[i].name[1])
			text_add(&text, "%s%s", rows[i].name, rows[i].argument ? ":" : "");
	return text.s;
}

static const struct option *find(const struct option *names, int c)
{
	size_t i = 0;

	if (c >= FIRST)
		return &names[c - FIRST];
	while (names[i].name[0] != c || names[i].name[1])
		i++;
	return &names[i];
}

static bool is_unsupported(const char *name)
{
	for (size_t i = 0; i < countof(unsupported); i++)
		if (str_eq(unsupported[i], name))
			return true;
	return config_unsupported(name);
}

/* In the words of getopt(3), which vzctl leaves them to. */
static int refuse(const char *arg, const struct option *names, struct err *err)
{
	if (optopt >= FIRST)
		return err_say(err, ERR_BAD_VALUE, "vzctl: option '--%s' doesn't allow an argument",
			       names[optopt - FIRST].name);
	if (optopt)
		return err_say(err, ERR_BAD_VALUE, "vzctl: invalid option -- '%c'", optopt);

	const char *name = arg + strspn(arg, "-");
	int len = (int)strcspn(name, "=");
	cleanup_free char *bare = str_fmt("%.*s", len, name);
	if (is_unsupported(bare))
		return err_say(err, ERR_BAD_VALUE, "--%s is not supported yet", bare);
	return err_say(err, ERR_BAD_VALUE, "vzctl: unrecognized option '--%s'", bare);
}

static int take_setting(struct ve_config *settings, const char *name, const char *argument, struct err *err)
{
	const struct param *row = param_by_option(&config_table, name);

	if ((row->flags & PARAM_ONCE) && param_given(&config_table, row, settings))
		return err_say(err, ERR_BAD_VALUE, "--%s is given twice: a command changes one interface", name);
	return param_parse(&config_table, row, settings, argument ? argument : "yes", PARAM_FROM_OPTION, err);
}

static int take(struct options *options, const struct option *option, const char *argument, struct err *err)
{
	size_t i = (size_t)(option->val - FIRST);

	if (i >= count(options->rows))
		return take_setting(&options->settings, option->name, argument, err);
	options->values[i] = argument ? argument : "";
	return 0;
}

static int parse(struct options *options, const struct option *names, int argc, char **argv, struct err *err)
{
	cleanup_free char *letters = short_names(options->rows);
	int c;

	optind = 0; /* glibc's getopt begins anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, names, NULL)) >= 0) {
		if (c == ':')
			return err_say(err, ERR_BAD_VALUE, "vzctl: option '%s%s' requires an argument",
				       optopt < FIRST ? "-" : "--", find(names, optopt)->name);
		int r = c == '?' ? refuse(argv[optind - 1], names, err) : take(options, find(names, c), optarg, err);
		if (r < 0)
			return r;
	}
	options->words = argv + optind;
	options->n_words = (size_t)(argc - optind);
	return 0;
}

int options_parse(const struct option_row *rows, bool settings, int argc, char **argv, struct options *ret,
		  struct err *err)
{
	cleanup_free struct option *names = name_all(rows, settings);
	struct options options = {.rows = rows};

	int r = parse(&options, names, argc, argv, err);
	if (r < 0) {
		options_done(&options);
		return r;
	}
	*ret = options;
	return 0;
}

void options_done(struct options *options)
{
	config_done(&options->settings);
}

const char *options_value(const struct options *options, const char *name)
{
	for (size_t i = 0; i < count(options->rows); i++)
		if (str_eq(options->rows[i].name, name))
			return options->values[i];
	return NULL;
}
