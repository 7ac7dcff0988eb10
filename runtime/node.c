/* The built-in defaults are a file too: one reader, and the shipped vz.conf says the same. */
#include "runtime/node.h"

#include <assert.h>
#include <fcntl.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/policy.h"
#include "runtime/value.h"

#define FILE_NAME "vz.conf"

static const char built_in[] = "CONFIGFILE=vswap-256m\n"
			       "DEF_OSTEMPLATE=busybox\n"
			       "LXCFS=yes\n"
			       "POOL_SIZE=0\n"
			       "LOGGING=yes\n"
			       "LOGFILE=" PATH_LOG "\n"
			       "NEIGHBOUR_DEVS=detect\n"
			       "SKIP_ARPDETECT=no\n"
			       "ERROR_ON_ARPFAIL=no\n"
			       "SKIP_SYSCTL_SETUP=no\n"
			       "MASQUERADE=\n"
			       "NODE_SERVICES=\n"
			       "CONNECTIONS=65536\n"
			       "VE_ROOT=" PATH_ROOT "\n"
			       "VE_PRIVATE=" PATH_PRIVATE "\n"
			       "VE_LAYOUT=overlay\n"
			       "STOP_TIMEOUT=120\n"
			       "NAMESERVER=\n"
			       "SEARCHDOMAIN=\n"
			       "NETFILTER=stateless\n";

#define CONNECTIONS_MIN 64
#define CONNECTIONS_MAX (1u << 24)

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

	{.key = "NEIGHBOUR_DEVS", .kind = PARAM_NEIGHBOURS, .offset = AT(neighbour_devs), .argument = "WHICH",
	 .help = "devices on which the node answers for addresses of VEs: detect, all or list:DEVICE DEVICE"},
	{.key = "SKIP_ARPDETECT", .kind = PARAM_BOOL, .offset = AT(skip_arpdetect), .argument = "yes|no",
	 .help = "do not ask the network whether somebody has an address that a VE is to have"},
	{.key = "ERROR_ON_ARPFAIL", .kind = PARAM_BOOL, .offset = AT(error_on_arpfail), .argument = "yes|no",
	 .help = "refuse an address that somebody in the network has, do not only warn"},
	{.key = "SKIP_SYSCTL_SETUP", .kind = PARAM_BOOL, .offset = AT(skip_sysctl), .argument = "yes|no",
	 .help = "leave forwarding between the node's devices as it is"},
	{.key = "MASQUERADE", .kind = PARAM_NETWORKS, .offset = AT(masquerade), .argument = "NETWORK",
	 .help = "networks whose VEs reach the world under the node's address"},
	{.key = "NODE_SERVICES", .kind = PARAM_SERVICES, .offset = AT(node_services), .argument = "tcp|udp:PORT",
	 .help = "ports of the node that VEs may reach"},
	{.key = "CONNECTIONS", .kind = PARAM_COUNT, .offset = AT(connections), .min = CONNECTIONS_MIN,
	 .max = CONNECTIONS_MAX, .argument = "N", .help = "connections that the node tracks for one VE at most"},
};
/* clang-format on */

static_assert(countof(rows) <= 64, "`given` has a bit for each row");

const struct param_table node_table = {.rows = rows, .n = countof(rows)};

void node_done(struct node_config *node)
{
	param_done(&node_table, node);
	config_done(&node->ve);
	ips_done(&node->networks);
	free(node->services);
	node->services = NULL;
}

/* The texts were read once already, when their kinds checked them. */
static int read_policy(struct node_config *node, struct err *err)
{
	const char *networks = node->masquerade ? node->masquerade : "";
	const char *services = node->node_services ? node->node_services : "";
	struct why why;

	if (policy_parse_networks(networks, &node->networks, &why) < 0 ||
	    policy_parse_services(services, &node->services, &node->n_services, &why) < 0)
		return err_say(err, ERR_NODE_CONFIG, "%s: %s", FILE_NAME, why.text);
	return 0;
}

struct filter_policy node_policy(const struct node_config *node)
{
	return (struct filter_policy){
		.masquerade = node->networks,
		.services = node->services,
		.n_services = node->n_services,
		.connections = (uint32_t)node->connections,
	};
}

struct neighbour_devices node_neighbours(const struct node_config *node)
{
	struct neighbour_devices devices = {.how = NEIGHBOUR_DETECT};
	struct why why;

	policy_parse_devices(node->neighbour_devs ? node->neighbour_devs : "", &devices, &why);
	return devices;
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
	if (r == 0)
		r = read_policy(&node, err);
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
