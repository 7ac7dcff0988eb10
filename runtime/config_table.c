/* The parameters of a VE, a row each. What reads and writes the values is in value.c, by the row's kind. */
#include <assert.h>
#include <limits.h>
#include <stddef.h>

#include "runtime/base/mem.h"
#include "runtime/config.h"
#include "runtime/netif.h"

#define AT(field) offsetof(struct ve_config, field)
#define CPUS_MAX 8192 /* CONFIG_NR_CPUS of the largest x86-64 kernel */
#define RAM_MIN (1ull << 20)

static const char *const layout_words[] = {[LAYOUT_OVERLAY] = "overlay", [LAYOUT_PRIVATE] = "private", NULL};

/* simfs is what vzctl calls a private area that is a plain directory. */
static const struct param_alias layout_aliases[] = {{"simfs", "private"}, {0}};

static const char *const netfilter_words[] = {
	[NETFILTER_DISABLED] = "disabled",
	[NETFILTER_STATELESS] = "stateless",
	[NETFILTER_STATEFUL] = "stateful",
	[NETFILTER_FULL] = "full",
	NULL,
};

static const char *const switch_words[] = {"off", "on", NULL};
static const char *const checkpointable_words[] = {"yes", "no", NULL};
static const char *const onboot_words[] = {[ONBOOT_AUTO] = "auto", [ONBOOT_YES] = "yes", [ONBOOT_NO] = "no", NULL};
static const char *const all_words[] = {"all", NULL};
static const char *const inherit_words[] = {"inherit", NULL};

#define EDIT (PARAM_EDIT | PARAM_LIVE)
#define ONCE (EDIT | PARAM_ONCE)
#define NETWORK (PARAM_NETWORK | PARAM_LIVE | PARAM_OWN)

static const struct param_alias option_aliases[] = {
	{"ip", "ipadd"}, {"stop_timeout", "stop-timeout"}, {"ve_layout", "layout"}, {"velayout", "layout"}, {0},
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
	 .min = 8, .max = 500000, .argument = "N",
	 .help = "its weight when CPU time is short, 8 to 500000, 1000 is normal"},
	{.key = "NUMPROC", .option = "numproc", .kind = PARAM_ITEMS, .offset = AT(numproc), .flags = PARAM_LIVE,
	 .argument = "N[:N]", .help = "processes and threads it may have"},
	{.key = "DISKSPACE", .option = "diskspace", .kind = PARAM_SPACE, .offset = AT(diskspace), .flags = PARAM_LIVE,
	 .argument = "SOFT[:HARD]", .help = "disk space it may use, KiB or with a suffix TGMKPB"},
	{.key = "DISKINODES", .option = "diskinodes", .kind = PARAM_ITEMS, .offset = AT(diskinodes),
	 .flags = PARAM_LIVE, .argument = "SOFT[:HARD]", .help = "files and directories it may have"},

	{.key = "HOSTNAME", .option = "hostname", .kind = PARAM_HOSTNAME, .offset = AT(hostname),
	 .flags = PARAM_LIVE | PARAM_OWN, .argument = "NAME", .help = "its host name"},
	{.key = "NAME", .option = "name", .kind = PARAM_NAME, .offset = AT(name), .flags = PARAM_LIVE | PARAM_OWN,
	 .argument = "NAME", .help = "a name that commands take in place of the CTID, \"\" for none"},
	{.key = "DESCRIPTION", .option = "description", .kind = PARAM_TEXT, .offset = AT(description),
	 .flags = PARAM_LIVE | PARAM_OWN, .argument = "TEXT", .help = "what it is for, one line"},

	{.key = "IP_ADDRESS", .kind = PARAM_ADDRESSES, .offset = AT(ip_address), .flags = NETWORK,
	 .argument = "ADDRESS", .help = "its addresses, routed to it"},
	{.key = "IPADD", .option = "ipadd", .kind = PARAM_ADDRESSES, .offset = AT(edit.ipadd), .flags = EDIT,
	 .argument = "ADDRESS[/BITS]", .help = "give it an address; with --ifname, that interface"},
	{.key = "IPDEL", .option = "ipdel", .kind = PARAM_ADDRESSES, .offset = AT(edit.ipdel), .flags = EDIT,
	 .words = all_words, .argument = "ADDRESS|all", .help = "take one, or all, away from it"},
	{.key = "SKIP_ARPDETECT", .option = "skip_arpdetect", .kind = PARAM_BOOL, .offset = AT(edit.skip_arpdetect),
	 .flags = EDIT, .help = "do not ask the network whether somebody has its addresses"},
	{.key = "NETIF", .kind = PARAM_INTERFACES, .offset = AT(netif), .flags = NETWORK,
	 .argument = "INTERFACE", .help = "its interfaces on bridges of the node"},
	{.key = "NETIF_ADD", .option = "netif_add", .kind = PARAM_INTERFACES, .offset = AT(edit.netif_add),
	 .flags = EDIT, .argument = "IF[,MAC,HOSTIF,HOSTMAC,BRIDGE]",
	 .help = "give it an Ethernet interface IF; what is left out is made up"},
	{.key = "NETIF_DEL", .option = "netif_del", .kind = PARAM_DEVICES, .offset = AT(edit.netif_del),
	 .flags = EDIT, .words = all_words, .argument = "IF|all", .help = "take one, or all, away from it"},
	{.key = "IFNAME", .option = "ifname", .kind = PARAM_DEVICE, .offset = AT(edit.ifname), .flags = ONCE,
	 .argument = "IF", .help = "its interface that --mac to --gw6, --ipadd and --ipdel are about"},
	{.key = "MAC", .option = "mac", .kind = PARAM_MAC, .offset = AT(edit.mac), .flags = ONCE,
	 .argument = "MAC", .help = "the interface's MAC address"},
	{.key = "HOST_IFNAME", .option = "host_ifname", .kind = PARAM_DEVICE, .offset = AT(edit.host_ifname),
	 .flags = ONCE, .argument = "HOSTIF", .help = "the name of its other end, on the node"},
	{.key = "HOST_MAC", .option = "host_mac", .kind = PARAM_MAC, .offset = AT(edit.host_mac), .flags = ONCE,
	 .argument = "MAC", .help = "the MAC address of that end"},
	{.key = "BRIDGE", .option = "bridge", .kind = PARAM_DEVICE, .offset = AT(edit.bridge), .flags = ONCE,
	 .argument = "BRIDGE", .help = "the bridge that end is in, \"\" for none"},
	{.key = "MAC_FILTER", .option = "mac_filter", .kind = PARAM_WORD, .offset = AT(edit.mac_filter),
	 .flags = ONCE, .words = switch_words, .argument = "on|off",
	 .help = "let only the interface's own MAC address send"},
	{.key = "VLAN", .option = "vlan", .kind = PARAM_COUNT, .offset = AT(edit.vlan), .flags = ONCE,
	 .max = NETIF_VLAN_MAX, .argument = "N", .help = "the VLAN it is in on the bridge, 1 to 4094, 0 for none"},
	{.key = "GW", .option = "gw", .kind = PARAM_GATEWAY, .offset = AT(edit.gw), .flags = ONCE,
	 .argument = "ADDRESS", .help = "the interface's IPv4 gateway, \"\" for none"},
	{.key = "GW6", .option = "gw6", .kind = PARAM_GATEWAY6, .offset = AT(edit.gw6), .flags = ONCE,
	 .argument = "ADDRESS", .help = "the interface's IPv6 gateway, \"\" for none"},
	{.key = "NETDEV", .kind = PARAM_DEVICES, .offset = AT(netdev), .flags = NETWORK, .argument = "DEVICE",
	 .help = "devices of the node that it has while it runs"},
	{.key = "NETDEV_ADD", .option = "netdev_add", .kind = PARAM_DEVICES, .offset = AT(edit.netdev_add),
	 .flags = EDIT, .argument = "DEVICE", .help = "give it a network device of the node"},
	{.key = "NETDEV_DEL", .option = "netdev_del", .kind = PARAM_DEVICES, .offset = AT(edit.netdev_del),
	 .flags = EDIT, .argument = "DEVICE", .help = "take it back"},
	{.key = "PORTS", .kind = PARAM_PORTS, .offset = AT(ports), .flags = NETWORK, .argument = "PORT",
	 .help = "ports of the node that lead to it"},
	{.key = "PORT_ADD", .option = "port_add", .kind = PARAM_PORTS, .offset = AT(edit.port_add), .flags = EDIT,
	 .argument = "[udp:]ADDR:PORT:ITSPORT",
	 .help = "let a port of the node's address ADDR (0.0.0.0: any) lead to it"},
	{.key = "PORT_DEL", .option = "port_del", .kind = PARAM_PORTS, .offset = AT(edit.port_del), .flags = EDIT,
	 .words = all_words, .argument = "PORT|all", .help = "take one such, or all, back"},
	{.key = "RATE", .option = "rate", .kind = PARAM_RATE, .offset = AT(rate), .flags = PARAM_LIVE | PARAM_NETWORK,
	 .argument = "KBITS",
	 .help = "kilobits a second it may send and receive, or with a suffix M or G, 0 for no limit"},
	{.key = "NAMESERVER", .option = "nameserver", .kind = PARAM_NAMESERVERS, .offset = AT(nameserver),
	 .flags = PARAM_LIVE | PARAM_NODE, .words = inherit_words, .argument = "ADDRESS|inherit",
	 .help = "its name servers; inherit: those of the node"},
	{.key = "SEARCHDOMAIN", .option = "searchdomain", .kind = PARAM_DOMAINS, .offset = AT(searchdomain),
	 .flags = PARAM_LIVE | PARAM_NODE, .words = inherit_words, .argument = "DOMAIN|inherit",
	 .help = "domains in which it looks names up; inherit: those of the node"},
	{.key = "NETFILTER", .option = "netfilter", .kind = PARAM_WORD, .offset = AT(netfilter), .flags = PARAM_NODE,
	 .words = netfilter_words, .argument = "WHICH",
	 .help = "firewalls it may have: disabled, stateless, stateful or full"},
	{.key = "FEATURES", .option = "features", .kind = PARAM_FEATURES, .offset = AT(features),
	 .argument = "NAME:on|off", .help = "what it may have beyond: tun, wireguard, bridge, dummy, sit, ipip, ipgre"},

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

	{.key = "CHECKPOINTABLE", .option = "checkpointable", .kind = PARAM_WORD, .offset = AT(uncheckpointable),
	 .words = checkpointable_words, .argument = "yes|no",
	 .help = "start it so that it can be suspended; no: services of its systemd may have namespaces of all kinds"},
	{.key = "ONBOOT", .option = "onboot", .kind = PARAM_WORD, .offset = AT(onboot),
	 .flags = PARAM_LIVE | PARAM_OWN, .words = onboot_words, .argument = "yes|no|auto",
	 .help = "start it when the node comes up; auto: if it ran when the node went down"},
	{.key = "BOOTORDER", .option = "bootorder", .kind = PARAM_COUNT, .offset = AT(bootorder),
	 .flags = PARAM_LIVE | PARAM_OWN, .max = INT_MAX, .argument = "N",
	 .help = "when among others: the higher, the earlier"},
	{.key = "DISABLED", .option = "disabled", .kind = PARAM_BOOL, .offset = AT(disabled), .flags = PARAM_LIVE,
	 .argument = "yes|no", .help = "refuse to start it"},
	{.key = "STOP_TIMEOUT", .option = "stop-timeout", .kind = PARAM_COUNT, .offset = AT(stop_timeout),
	 .flags = PARAM_LIVE | PARAM_NODE, .max = INT_MAX, .argument = "SECONDS",
	 .help = "how long its init may take to stop before it is killed, 0 for the node's default"},
};
/* clang-format on */

static_assert(countof(rows) <= 64, "`given` has a bit for each row");

const struct param_table config_table = {.rows = rows, .n = countof(rows), .option_aliases = option_aliases};
