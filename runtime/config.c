#include "runtime/config.h"

#include <fcntl.h>
#include <limits.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/base/userns.h"
#include "runtime/idmap.h"

#define AT(field) offsetof(struct ve_config, field)
#define CPUS_MAX 8192 /* CONFIG_NR_CPUS of the largest x86-64 kernel */
#define RAM_MIN (1ull << 20)

static const char *const layout_words[] = {[LAYOUT_OVERLAY] = "overlay", [LAYOUT_PRIVATE] = "private", NULL};

/* simfs is what vzctl calls a private area that is a plain directory. */
static const struct param_alias layout_aliases[] = {{"simfs", "private"}, {0}};

static const struct param_alias option_aliases[] = {
	{"stop_timeout", "stop-timeout"},
	{"ve_layout", "layout"},
	{"velayout", "layout"},
	{0},
};

/* In the order in which help shows them. */
/* clang-format off */
static const struct param rows[] = {
	{.key = "PHYSPAGES", .option = "ram", .kind = PARAM_MEMORY, .offset = AT(ram), .flags = PARAM_LIVE,
	 .min = RAM_MIN, .argument = "BYTES", .help = "memory it may use, bytes or with a suffix TGMKP"},
	{.key = "SWAPPAGES", .option = "swap", .kind = PARAM_MEMORY, .offset = AT(swap), .flags = PARAM_LIVE,
	 .argument = "BYTES", .help = "swap it may use beside its memory, bytes or with a suffix TGMKP"},
	{.key = "CPUS", .option = "cpus", .kind = PARAM_COUNT, .offset = AT(cpus), .flags = PARAM_LIVE,
	 .max = CPUS_MAX, .argument = "N", .help = "CPUs it sees and runs on, 0 for all of the node's"},
	{.key = "CPULIMIT", .option = "cpulimit", .kind = PARAM_CPULIMIT, .offset = AT(cpulimit), .flags = PARAM_LIVE,
	 .max = CPUS_MAX * 100, .argument = "N[%]",
	 .help = "CPU time it gets at most, percent of one CPU (N%: of the whole node), 0 for no limit"},
	{.key = "CPUUNITS", .option = "cpuunits", .kind = PARAM_COUNT, .offset = AT(cpuunits), .flags = PARAM_LIVE,
	 .min = 8, .max = 500000, .argument = "N", .help = "its weight when CPU time is short, 8 to 500000, 1000 is normal"},
	{.key = "NUMPROC", .option = "numproc", .kind = PARAM_ITEMS, .offset = AT(numproc), .flags = PARAM_LIVE,
	 .argument = "N[:N]", .help = "processes and threads it may have"},
	{.key = "DISKSPACE", .option = "diskspace", .kind = PARAM_SPACE, .offset = AT(diskspace), .flags = PARAM_LIVE,
	 .argument = "SOFT[:HARD]", .help = "disk space it may use, KiB or with a suffix TGMKPB"},
	{.key = "DISKINODES", .option = "diskinodes", .kind = PARAM_ITEMS, .offset = AT(diskinodes), .flags = PARAM_LIVE,
	 .argument = "SOFT[:HARD]", .help = "files and directories it may have"},

	{.key = "HOSTNAME", .option = "hostname", .kind = PARAM_HOSTNAME, .offset = AT(hostname),
	 .flags = PARAM_LIVE | PARAM_OWN, .argument = "NAME", .help = "its host name"},
	{.key = "NAME", .option = "name", .kind = PARAM_NAME, .offset = AT(name), .flags = PARAM_LIVE | PARAM_OWN,
	 .argument = "NAME", .help = "a name that commands take in place of the CTID, \"\" for none"},
	{.key = "DESCRIPTION", .option = "description", .kind = PARAM_TEXT, .offset = AT(description),
	 .flags = PARAM_LIVE | PARAM_OWN, .argument = "TEXT", .help = "what it is for, one line"},

	{.key = "OSTEMPLATE", .option = "ostemplate", .kind = PARAM_TEXT, .offset = AT(ostemplate),
	 .flags = PARAM_LIVE | PARAM_OWN, .argument = "NAME", .help = "the OS template it is made from"},
	{.key = "ORIGIN_SAMPLE", .kind = PARAM_TEXT, .offset = AT(origin_sample), .argument = "NAME",
	 .help = "the sample it was made from"},
	{.key = "VE_ROOT", .option = "root", .kind = PARAM_PATH, .offset = AT(root_area),
	 .flags = PARAM_STOPPED | PARAM_OWN | PARAM_NODE, .argument = "PATH",
	 .help = "where its files are mounted, $VEID for its CTID"},
	{.key = "VE_PRIVATE", .option = "private", .kind = PARAM_PATH, .offset = AT(private_area),
	 .flags = PARAM_STOPPED | PARAM_OWN | PARAM_NODE, .argument = "PATH",
	 .help = "where its files lie, $VEID for its CTID"},
	{.key = "VE_LAYOUT", .option = "layout", .kind = PARAM_WORD, .offset = AT(layout),
	 .flags = PARAM_CREATE | PARAM_OWN | PARAM_NODE, .words = layout_words, .word_aliases = layout_aliases,
	 .argument = "LAYOUT", .help = "overlay: over the template's shared files; private: a copy of its own"},
	{.key = "VE_LAYER", .kind = PARAM_DIGEST, .offset = AT(layer), .flags = PARAM_OWN, .argument = "SHA256",
	 .help = "the template layer under an overlay"},
	{.key = "LOCAL_UID", .kind = PARAM_COUNT, .offset = AT(local_uid), .flags = PARAM_OWN, .max = UINT32_MAX,
	 .argument = "ID", .help = "the node's id of its uid 0 and gid 0"},

	{.key = "DISABLED", .option = "disabled", .kind = PARAM_BOOL, .offset = AT(disabled), .flags = PARAM_LIVE,
	 .argument = "yes|no", .help = "refuse to start it"},
	{.key = "STOP_TIMEOUT", .option = "stop-timeout", .kind = PARAM_COUNT, .offset = AT(stop_timeout),
	 .flags = PARAM_LIVE | PARAM_NODE, .max = INT_MAX, .argument = "SECONDS",
	 .help = "how long its init may take to stop before it is killed, 0 for the node's default"},
};
/* clang-format on */

const struct param_table config_table = {.rows = rows, .n = countof(rows), .option_aliases = option_aliases};

void config_done(struct ve_config *config)
{
	param_done(&config_table, config);
}

static int open_conf_dir(void)
{
	return open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int no_such_ve(struct err *err)
{
	return err_say(err, ERR_NO_SUCH_VE, "Container config file does not exist");
}

static int set(struct ve_config *config, const char *key, const char *value, struct err *err)
{
	return param_parse(&config_table, param_by_key(&config_table, key), config, value, PARAM_FROM_FILE, err);
}

/* The node's layout is for VEs to come. One that names none dates from before there was a choice: a plain directory. */
int config_load_at(int dir, uint32_t ctid, const struct ve_config *defaults, struct ve_config *ret, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", ctid);
	cleanup_kvfile struct kvfile *file = NULL;
	cleanup_config struct ve_config config = {0};

	int r = kvfile_load(dir, name, &file, err);
	if (r == -ENOENT)
		return no_such_ve(err);
	if (r < 0)
		return r;

	param_merge(&config_table, &config, defaults);
	r = set(&config, "VE_LAYOUT", "private", err);
	if (r < 0)
		return r;
	r = param_load(&config_table, &config, file, name, err);
	if (r < 0)
		return r;
	*ret = config;
	config = (struct ve_config){0};
	return 0;
}

int config_load(uint32_t ctid, const struct ve_config *defaults, struct ve_config *ret, struct err *err)
{
	cleanup_fd int dir = open_conf_dir();
	if (dir < 0 && errno == ENOENT)
		return no_such_ve(err);
	if (dir < 0)
		return err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR);
	return config_load_at(dir, ctid, defaults, ret, err);
}

int config_save_at(int dir, uint32_t ctid, const struct ve_config *config, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", ctid);
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(dir, name, &file, err);
	if (r == -ENOENT)
		file = kvfile_new();
	else if (r < 0)
		return err_is(err, ERR_CONFIG_SAVE, r);

	param_store(&config_table, config, file);
	return err_is(err, ERR_CONFIG_SAVE, kvfile_save(file, dir, name, err));
}

int config_save(uint32_t ctid, const struct ve_config *config, struct err *err)
{
	cleanup_fd int dir = open_conf_dir();
	if (dir < 0)
		return err_is(err, ERR_CONFIG_SAVE, err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR));
	return config_save_at(dir, ctid, config, err);
}

/* A sample's name becomes part of a file's name. */
static bool is_sample_name(const char *name)
{
	return name[0] && strlen(name) <= NAME_MAX / 2 && !strchr(name, '/');
}

int config_sample_at(int dir, const char *name, int kind, struct ve_config *ret, struct err *err)
{
	if (!is_sample_name(name))
		return err_say(err, kind, "%s is no name of a sample configuration", name);

	cleanup_free char *file_name = str_fmt("ve-%s.conf-sample", name);
	cleanup_kvfile struct kvfile *file = NULL;
	cleanup_config struct ve_config config = {0};

	int r = kvfile_load(dir, file_name, &file, err);
	if (r == -ENOENT)
		return err_say(err, kind, "Sample config %s/%s not found", PATH_VE_CONFIG_DIR, file_name);
	if (r == 0)
		r = param_load_some(&config_table, 0, PARAM_OWN, &config, file, file_name, err);
	if (r < 0) {
		err->kind = kind;
		return r;
	}
	*ret = config;
	config = (struct ve_config){0};
	return 0;
}

int config_sample(const char *name, int kind, struct ve_config *ret, struct err *err)
{
	cleanup_fd int dir = open_conf_dir();
	if (dir < 0)
		return err_is(err, kind, err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR));
	return config_sample_at(dir, name, kind, ret, err);
}

static int check_bounds(const struct param *row, const struct ve_config *config, struct err *err)
{
	if ((row->kind != PARAM_ITEMS && row->kind != PARAM_SPACE) || !param_given(&config_table, row, config))
		return 0;

	const struct bounds *bounds = (const void *)((const char *)config + row->offset);
	if (bounds->barrier <= bounds->limit)
		return 0;
	cleanup_free char *text = param_print(&config_table, row, config);
	return err_say(err, ERR_BAD_VALUE, "Bad parameter for --%s: %s: the first value is above the second",
		       row->option, text);
}

static bool is_given(const struct ve_config *config, const char *key)
{
	return param_given(&config_table, param_by_key(&config_table, key), config);
}

/* A VE on a range outside the pool could share its ids with users of the node. */
static int check_range(const struct ve_config *config, struct err *err)
{
	uint64_t base = config->local_uid;
	if (!is_given(config, "LOCAL_UID") || (base >= IDMAP_FIRST && base <= IDMAP_LAST && base % USERNS_RANGE == 0))
		return 0;
	return err_say(err, ERR_BAD_CONFIG,
		       "LOCAL_UID=\"%ju\" is not a range of ids for VEs, which begin at multiples of %u from %u to %u: "
		       "remove the line, and the next start takes a free range",
		       base, USERNS_RANGE, IDMAP_FIRST, IDMAP_LAST);
}

int config_check(const struct ve_config *config, struct err *err)
{
	for (size_t i = 0; i < config_table.n; i++) {
		int r = check_bounds(&config_table.rows[i], config, err);
		if (r < 0)
			return r;
	}
	/* No limit on memory needs none on swap: that is how vzctl knows configurations from before VSwap. */
	if (is_given(config, "PHYSPAGES") && config->ram != PARAM_UNLIMITED && !is_given(config, "SWAPPAGES"))
		return err_say(err, ERR_MISSING_LIMIT, "required UB parameter (swap) not set");
	return check_range(config, err);
}

char *config_path(const char *value, uint32_t ctid)
{
	cleanup_text struct text path = {0};
	const char *p = value;

	for (const char *dollar; (dollar = strchr(p, '$'));) {
		const char *after = str_after(dollar, "${VEID}");
		if (!after)
			after = str_after(dollar, "$VEID");
		text_add_bytes(&path, p, (size_t)(dollar - p));
		if (after)
			text_add(&path, "%u", ctid);
		else
			text_add(&path, "$");
		p = after ? after : dollar + 1;
	}
	text_add(&path, "%s", p);
	return steal_ptr(path.s);
}
