/* The built-in defaults are a file too: one reader, and the shipped vz.conf says the same. */
#include "runtime/node.h"

#include <fcntl.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"

#define FILE_NAME "vz.conf"

static const char built_in[] = "CONFIGFILE=vswap-256m\n"
			       "DEF_OSTEMPLATE=busybox\n"
			       "LXCFS=yes\n"
			       "POOL_SIZE=0\n"
			       "LOGGING=yes\n"
			       "LOGFILE=" PATH_LOG "\n"
			       "VE_ROOT=" PATH_ROOT "\n"
			       "VE_PRIVATE=" PATH_PRIVATE "\n"
			       "VE_LAYOUT=overlay\n"
			       "STOP_TIMEOUT=120\n";

#define AT(field) offsetof(struct node_config, field)

/* clang-format off */
static const struct param rows[] = {
	{.key = "CONFIGFILE", .kind = PARAM_TEXT, .offset = AT(sample), .argument = "NAME",
	 .help = "the sample configuration of VEs that are created without --config"},
	{.key = "DEF_OSTEMPLATE", .kind = PARAM_TEXT, .offset = AT(ostemplate), .argument = "NAME",
	 .help = "the OS template of VEs that are created without --ostemplate"},
	{.key = "LXCFS", .kind = PARAM_BOOL, .offset = AT(lxcfs), .argument = "yes|no",
	 .help = "let VEs see their own limits in /proc, by LXCFS"},
	{.key = "POOL_SIZE", .kind = PARAM_SIZE, .offset = AT(pool_size), .argument = "BYTES",
	 .help = "size of a new pool image, bytes or with a suffix TGMK, 0 for three quarters of what is free"},
	{.key = "LOGGING", .kind = PARAM_BOOL, .offset = AT(logging), .argument = "yes|no", .help = "write LOGFILE"},
	{.key = "LOGFILE", .kind = PARAM_PATH, .offset = AT(logfile), .argument = "PATH",
	 .help = "the log of what was done to VEs"},
};
/* clang-format on */

const struct param_table node_table = {.rows = rows, .n = countof(rows)};

void node_done(struct node_config *node)
{
	param_done(&node_table, node);
	config_done(&node->ve);
}

static int apply(struct node_config *node, const struct kvfile *file, const char *name, struct err *err)
{
	int r = param_load(&node_table, node, file, name, err);
	if (r < 0)
		return r;
	return param_load_some(&config_table, PARAM_NODE, 0, &node->ve, file, name, err);
}

static int set_defaults(struct node_config *node, struct err *err)
{
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_parse("built-in defaults", built_in, sizeof(built_in) - 1, &file, err);
	return r < 0 ? r : apply(node, file, "built-in defaults", err);
}

static int read_file(int dir, struct node_config *node, struct err *err)
{
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(dir, FILE_NAME, &file, err);
	if (r == -ENOENT)
		return err_say(err, ERR_NODE_CONFIG, "%s does not exist: install it again, with the package",
			       PATH_NODE_CONFIG);
	return r < 0 ? r : apply(node, file, FILE_NAME, err);
}

int node_load_at(int dir, struct node_config *ret, struct err *err)
{
	cleanup_node struct node_config node = {0};

	int r = set_defaults(&node, err);
	if (r == 0)
		r = read_file(dir, &node, err);
	if (r < 0) {
		err->kind = ERR_NODE_CONFIG;
		return r;
	}
	*ret = node;
	node = (struct node_config){0};
	return 0;
}

int node_load(struct node_config *ret, struct err *err)
{
	cleanup_fd int dir = open(PATH_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_is(err, ERR_NODE_CONFIG, err_set(err, errno, "open %s", PATH_CONFIG_DIR));
	return node_load_at(dir, ret, err);
}
