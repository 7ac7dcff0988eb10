/* The tables of parameters: each row walked, each kind with what it takes, prints and refuses. */
#include "runtime/param.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/config.h"
#include "runtime/node.h"
#include "tests/unit/unit.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define OPTION PARAM_FROM_OPTION
#define IN_FILE PARAM_FROM_FILE

/* What a kind takes, and what a file has for it then. Counts have ranges of their own. */
static const struct {
	enum param_kind kind;
	enum param_form form;
	const char *text, *printed;
} accepted[] = {
	{PARAM_TEXT, OPTION, "a \"b\" $c \\ #d", "a \"b\" $c \\ #d"},
	{PARAM_TEXT, OPTION, "", ""},
	{PARAM_NAME, OPTION, "Web 1-a+b_c.d", "Web 1-a+b_c.d"},
	{PARAM_NAME, OPTION, "105", "105"},
	{PARAM_NAME, OPTION, "", ""},
	{PARAM_HOSTNAME, OPTION, "web-1.example.com", "web-1.example.com"},
	{PARAM_HOSTNAME, OPTION, "4chan", "4chan"},
	{PARAM_HOSTNAME, IN_FILE, "", ""},
	{PARAM_PATH, OPTION, "/vz/private/$VEID", "/vz/private/$VEID"},
	{PARAM_PATH, OPTION, "/vz/${VEID}/fs//", "/vz/${VEID}/fs"},
	{PARAM_DIGEST, IN_FILE, DIGEST, DIGEST},
	{PARAM_BOOL, OPTION, "yes", "yes"},
	{PARAM_BOOL, OPTION, "no", "no"},
	{PARAM_SIZE, IN_FILE, "0", "0"},
	{PARAM_SIZE, IN_FILE, "20G", "21474836480"},
	{PARAM_MEMORY, OPTION, "512M", "0:131072"},
	{PARAM_MEMORY, OPTION, "1.5g", "0:393216"},
	{PARAM_MEMORY, OPTION, "10485761", "0:2561"},
	{PARAM_MEMORY, OPTION, "unlimited", "0:unlimited"},
	{PARAM_MEMORY, IN_FILE, "0:131072", "0:131072"},
	{PARAM_MEMORY, IN_FILE, "65536", "0:65536"},
	{PARAM_MEMORY, IN_FILE, "65536:69632", "0:69632"},
	{PARAM_MEMORY, IN_FILE, "0:512M", "0:131072"},
	{PARAM_MEMORY, IN_FILE, "0:2097153B", "0:512"},
	{PARAM_MEMORY, IN_FILE, "0:unlimited", "0:unlimited"},
	{PARAM_MEMORY, IN_FILE, "unlimited", "0:unlimited"},
	{PARAM_MEMORY, IN_FILE, "0:9223372036854775807", "0:unlimited"},
	{PARAM_ITEMS, OPTION, "240", "240:240"},
	{PARAM_ITEMS, OPTION, "200:240", "200:240"},
	{PARAM_ITEMS, IN_FILE, "200K:unlimited", "204800:unlimited"},
	{PARAM_ITEMS, IN_FILE, "9223372036854775807:18446744073709551615", "unlimited:unlimited"},
	{PARAM_SPACE, OPTION, "1048576", "1048576:1048576"},
	{PARAM_SPACE, OPTION, "2G:2.2G", "2097152:2306867"},
	{PARAM_SPACE, IN_FILE, "2097152:2306867", "2097152:2306867"},
	{PARAM_SPACE, IN_FILE, "5000B:2P", "4:8"},
	{PARAM_SPACE, IN_FILE, "unlimited:unlimited", "unlimited:unlimited"},
	{PARAM_CPULIMIT, OPTION, "0", "0"},
	{PARAM_CPULIMIT, OPTION, "250", "250"},
	{PARAM_CPULIMIT, OPTION, "0%", "0"},
	{PARAM_ADDRESSES, OPTION, "192.0.2.1", "192.0.2.1"},
	{PARAM_ADDRESSES, OPTION, "192.0.2.1/24", "192.0.2.1/24"},
	{PARAM_ADDRESSES, OPTION, "192.0.2.1/255.255.255.0", "192.0.2.1/24"},
	{PARAM_ADDRESSES, IN_FILE, "  10.0.0.1\t2001:DB8:0::1/64 10.0.0.1 ", "10.0.0.1 2001:db8::1/64"},
	{PARAM_NAMESERVERS, OPTION, "192.0.2.53", "192.0.2.53"},
	{PARAM_NAMESERVERS, OPTION, "127.0.0.53 ::1", "127.0.0.53 ::1"},
	{PARAM_NAMESERVERS, IN_FILE, "inherit", "inherit"},
	{PARAM_NAMESERVERS, IN_FILE, "", ""},
	{PARAM_GATEWAY, OPTION, "10.0.0.1", "10.0.0.1"},
	{PARAM_GATEWAY, OPTION, "", ""},
	{PARAM_GATEWAY6, OPTION, "FE80::1", "fe80::1"},
	{PARAM_GATEWAY6, OPTION, "", ""},
	{PARAM_DOMAINS, OPTION, "example.com", "example.com"},
	{PARAM_DOMAINS, OPTION, "a.example  b.example a.example", "a.example b.example"},
	{PARAM_DOMAINS, OPTION, "inherit", "inherit"},
	{PARAM_DEVICE, OPTION, "eth0", "eth0"},
	{PARAM_DEVICE, OPTION, "br-1a2b3c4d.100", "br-1a2b3c4d.100"},
	{PARAM_DEVICE, OPTION, "", ""},
	{PARAM_DEVICES, OPTION, "eth1", "eth1"},
	{PARAM_DEVICES, IN_FILE, "eth1 wlan0 eth1", "eth1 wlan0"},
	{PARAM_MAC, OPTION, "00:18:51:AB:CD:EF", "00:18:51:ab:cd:ef"},
	{PARAM_INTERFACES, OPTION, "eth0", "ifname=eth0,mac_filter=on"},
	{PARAM_INTERFACES, OPTION, "eth0,00:18:51:A1:C6:35,veth1.0,FE:18:51:BF:1D:AC,br0",
	 "ifname=eth0,bridge=br0,mac=00:18:51:a1:c6:35,host_ifname=veth1.0,host_mac=fe:18:51:bf:1d:ac,mac_filter=on"},
	{PARAM_INTERFACES, OPTION, "eth0,,,,br0", "ifname=eth0,bridge=br0,mac_filter=on"},
	{PARAM_INTERFACES, IN_FILE, "ifname=eth0;ifname=eth1", "ifname=eth0,mac_filter=on;ifname=eth1,mac_filter=on"},
	{PARAM_PORTS, OPTION, "192.0.2.1:8080:80", "tcp:192.0.2.1:8080:80"},
	{PARAM_PORTS, OPTION, "udp:[::]:53:53", "udp:[::]:53:53"},
	{PARAM_PORTS, IN_FILE, "tcp:0.0.0.0:1:65535 tcp:0.0.0.0:1:65535", "tcp:0.0.0.0:1:65535"},
	{PARAM_FEATURES, OPTION, "tun:on,sit:off", "tun:on sit:off"},
	{PARAM_FEATURES, OPTION, "tun:on sysfs:on nfs:off tun:off", "tun:off sysfs:on nfs:off"},
	{PARAM_FEATURES, IN_FILE, "nfs:on of_tomorrow:off", "nfs:on of_tomorrow:off"},
	{PARAM_RATE, OPTION, "1024", "*:1:1024"},
	{PARAM_RATE, OPTION, "10M", "*:1:10000"},
	{PARAM_RATE, OPTION, "8k", "*:1:8"},
	{PARAM_RATE, OPTION, "1000G", "*:1:1000000000"},
	{PARAM_RATE, OPTION, "venet0:1:2048", "*:1:2048"},
	{PARAM_RATE, IN_FILE, "*:1:0", "*:1:0"},
	{PARAM_NETWORKS, IN_FILE, "10.0.0.0/8 fd00::/8", "10.0.0.0/8 fd00::/8"},
	{PARAM_NETWORKS, IN_FILE, "", ""},
	{PARAM_SERVICES, IN_FILE, "udp:53 tcp:53 udp:53", "udp:53 tcp:53"},
	{PARAM_NEIGHBOURS, IN_FILE, "detect", "detect"},
	{PARAM_NEIGHBOURS, IN_FILE, "all", "all"},
	{PARAM_NEIGHBOURS, IN_FILE, "list:eth0 eth1", "list:eth0 eth1"},
};

/* Both are words of vzctl. */
static const struct {
	const char *key, *text, *printed;
} word_aliases[] = {{"VE_LAYOUT", "simfs", "private"}};

struct object {
	struct node_config node;
	struct ve_config ve;
};

static const struct param_table *const tables[] = {&node_table, &config_table};

static void *object_of(const struct param_table *table, struct object *object)
{
	return table == &node_table ? (void *)&object->node : &object->ve;
}

static void object_done(struct object *object)
{
	param_done(&node_table, &object->node);
	param_done(&config_table, &object->ve);
}

/* Parse in a fresh object, print, parse what was printed, print again. */
static void assert_prints(const struct param_table *table, const struct param *row, const char *text,
			  enum param_form form, const char *printed)
{
	__attribute__((cleanup(object_done))) struct object object = {0};
	void *o = object_of(table, &object);
	struct err err = {0};

	if (param_parse(table, row, o, text, form, &err) < 0)
		fail_msg("%s", err.text);
	cleanup_free char *once = param_print(table, row, o);
	if (!str_eq(once, printed))
		fail_msg("%s: %s is printed as %s, not as %s", row->key, text, once, printed);
	assert_int_equal(*(uint64_t *)o, 1ull << (row - table->rows));

	if (param_parse(table, row, o, once, PARAM_FROM_FILE, &err) < 0)
		fail_msg("%s", err.text);
	cleanup_free char *twice = param_print(table, row, o);
	assert_string_equal(twice, once);
}

static size_t walk_kind(const struct param_table *table, const struct param *row)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(accepted); i++) {
		if (accepted[i].kind != row->kind)
			continue;
		assert_prints(table, row, accepted[i].text, accepted[i].form, accepted[i].printed);
		n++;
	}
	return n;
}

static size_t walk_count(const struct param_table *table, const struct param *row)
{
	cleanup_free char *min = str_fmt("%ju", row->min), *max = str_fmt("%ju", row->max);

	assert_true(row->min < row->max);
	assert_prints(table, row, min, PARAM_FROM_OPTION, min);
	assert_prints(table, row, max, PARAM_FROM_FILE, max);
	return 2;
}

static size_t walk_words(const struct param_table *table, const struct param *row)
{
	size_t n = 0;

	for (; row->words[n]; n++)
		assert_prints(table, row, row->words[n], PARAM_FROM_OPTION, row->words[n]);
	for (size_t i = 0; i < countof(word_aliases); i++)
		if (str_eq(word_aliases[i].key, row->key))
			assert_prints(table, row, word_aliases[i].text, PARAM_FROM_OPTION, word_aliases[i].printed);
	return n;
}

static size_t walk(const struct param_table *table, const struct param *row)
{
	switch (row->kind) {
	case PARAM_COUNT:
		return walk_count(table, row);
	case PARAM_WORD:
		return walk_words(table, row);
	default:
		return walk_kind(table, row);
	}
}

TEST(every_parameter_prints_what_it_parses_and_parses_what_it_prints)
{
	for (size_t t = 0; t < countof(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct param *row = &tables[t]->rows[i];
			if (walk(tables[t], row) == 0)
				fail_msg("no value of the kind of %s was tried", row->key);
		}
}

static void assert_unique(const struct param_table *table, const struct param *row)
{
	assert_ptr_equal(param_by_key(table, row->key), row);
	if (row->option)
		assert_ptr_equal(param_by_option(table, row->option), row);
}

TEST(every_parameter_can_be_shown_to_people)
{
	for (size_t t = 0; t < countof(tables); t++) {
		assert_true(tables[t]->n <= 64);
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct param *row = &tables[t]->rows[i];
			assert_unique(tables[t], row);
			assert_true(row->argument || (row->kind == PARAM_BOOL && row->option));
			assert_non_null(row->help);
			assert_false(str_ends(row->help, "."));
			for (const char *c = row->key; *c; c++)
				assert_true(isupper((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
		}
	}
}

TEST(options_have_vzctls_other_names)
{
	for (const struct param_alias *a = config_table.option_aliases; a->alias; a++) {
		assert_non_null(param_by_option(&config_table, a->alias));
		assert_ptr_equal(param_by_option(&config_table, a->alias), param_by_option(&config_table, a->name));
	}
	assert_string_equal(param_by_option(&config_table, "velayout")->key, "VE_LAYOUT");
	assert_string_equal(param_by_option(&config_table, "ve_layout")->key, "VE_LAYOUT");
	assert_null(param_by_option(&config_table, "nothing"));
	assert_null(param_by_option(&config_table, "local_uid"));
	assert_null(param_by_key(&config_table, "ram"));
}

TEST(a_share_of_the_node_becomes_a_share_of_one_cpu)
{
	cleanup_free char *quarter = str_fmt("%ld", 25 * sysconf(_SC_NPROCESSORS_ONLN));
	assert_prints(&config_table, param_by_option(&config_table, "cpulimit"), "25%", PARAM_FROM_OPTION, quarter);
}

#define BYTE_SUFFIX "a number may end with T, G, M, K, P (pages) or B (bytes)"
#define ITEM_SUFFIX "a number may end with T, G, M or K"
#define PORT_FORM "a published port is [tcp:|udp:]ADDRESS:PORT:ITSPORT, an IPv6 address in brackets"
#define RATE_RANGE "a rate is 0 for none, or 8 to 1000000000 kilobits a second"
#define RFC1123 "a host name is letters, digits and hyphens between dots (RFC 1123)"

static const struct {
	const char *key;
	enum param_form form;
	const char *text, *reason;
} refused[] = {
	{"PHYSPAGES", OPTION, "12x", BYTE_SUFFIX},
	{"PHYSPAGES", OPTION, "", "not a number"},
	{"PHYSPAGES", OPTION, "0:512M", BYTE_SUFFIX},
	{"PHYSPAGES", OPTION, "8388608T", "the number is too large"},
	{"PHYSPAGES", OPTION, "512", "must be 1048576 bytes or more"},
	{"PHYSPAGES", IN_FILE, "0:0", "must be 1048576 bytes or more"},
	{"PHYSPAGES", IN_FILE, "0:9223372036854775806", "the number is too large"},
	{"PHYSPAGES", IN_FILE, "0:", "not a number"},
	{"PHYSPAGES", IN_FILE, ":1M", "not a number"},
	{"PHYSPAGES", IN_FILE, "0:1M:2M", BYTE_SUFFIX},
	{"SWAPPAGES", OPTION, "-1", "not a number"},
	{"CPUS", OPTION, "two", "not a number"},
	{"CPUS", OPTION, "8193", "must be 0 to 8192"},
	{"CPUUNITS", OPTION, "7", "must be 8 to 500000"},
	{"CPUUNITS", OPTION, "500001", "must be 8 to 500000"},
	{"CPUUNITS", OPTION, "99999999999999999999", "must be 8 to 500000"},
	{"CPULIMIT", OPTION, "101%", "must be 0 to 100"},
	{"CPULIMIT", OPTION, "%", "not a number"},
	{"CPULIMIT", OPTION, "819201", "must be 0 to 819200"},
	{"NUMPROC", OPTION, "12x", ITEM_SUFFIX},
	{"NUMPROC", OPTION, "1:2:3", ITEM_SUFFIX},
	{"DISKSPACE", OPTION, "9007199254740992", "the number is too large"},
	{"DISKSPACE", OPTION, "1G:much", "not a number"},
	{"HOSTNAME", OPTION, "my_host", RFC1123},
	{"HOSTNAME", OPTION, "a..b", RFC1123},
	{"HOSTNAME", OPTION, "-a", RFC1123},
	{"HOSTNAME", OPTION, "a.b-", RFC1123},
	{"HOSTNAME", OPTION, "aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa",
	 "the kernel keeps host names of up to 64 characters"},
	{"NAME", OPTION, "a/b", "a name is made of letters, digits, spaces and - + _ ."},
	{"NAME", OPTION, "..", "this cannot be the name of a visible file, as a name must"},
	{"NAME", OPTION, ".web", "this cannot be the name of a visible file, as a name must"},
	{"DESCRIPTION", OPTION, "a\nPHYSPAGES=0", "a value is one line"},
	{"VE_PRIVATE", OPTION, "vz/private", "a path begins with /"},
	{"VE_PRIVATE", OPTION, "//", "the root directory of the node is no place for it"},
	{"VE_PRIVATE", OPTION, "/vz/../etc", "a path does without .."},
	{"VE_ROOT", OPTION, "/vz/$HOME", "the only variable in a path is $VEID"},
	{"VE_LAYOUT", OPTION, "ploop", "must be overlay or private"},
	{"VE_LAYOUT", OPTION, "ploop:expanded", "must be overlay or private"},
	{"VE_LAYER", IN_FILE, "../../etc", "a digest is 64 hexadecimal digits"},
	{"LOCAL_UID", IN_FILE, "4294967296", "must be 0 to 4294967295"},
	{"DISABLED", OPTION, "true", "must be yes or no"},
	{"STOP_TIMEOUT", OPTION, "2147483648", "must be 0 to 2147483647"},

	{"IPADD", OPTION, "", "it is empty"},
	{"IPADD", OPTION, "all", "all is not an IP address"},
	{"IPADD", OPTION, "10.0.0", "10.0.0 is not an IP address"},
	{"IPADD", OPTION, "10.0.0.256", "10.0.0.256 is not an IP address"},
	{"IPADD", OPTION, "010.0.0.1", "010.0.0.1 is not an IP address"},
	{"IPADD", OPTION, "10.0.0.1/33", "10.0.0.1/33 is not an IP address"},
	{"IPADD", OPTION, "10.0.0.1/255.0.255.0", "10.0.0.1/255.0.255.0 is not an IP address"},
	{"IPADD", OPTION, "10.0.0.1/", "10.0.0.1/ is not an IP address"},
	{"IPADD", OPTION, "10.0.0.1,10.0.0.2", "10.0.0.1,10.0.0.2 is not an IP address"},
	{"IPADD", OPTION, "fd00::1%eth0", "fd00::1%eth0 is not an IP address"},
	{"IPADD", OPTION, "[fd00::1]", "[fd00::1] is not an IP address"},
	{"IPADD", OPTION, "10.0.0.1\nPHYSPAGES=0", "a value is one line"},
	{"IPADD", OPTION, "127.0.0.1", "127.0.0.1 is a loopback address"},
	{"IPADD", OPTION, "0.0.0.0", "0.0.0.0 is an unspecified address"},
	{"IPADD", OPTION, "224.0.0.1", "224.0.0.1 is a multicast address"},
	{"IPADD", OPTION, "255.255.255.255", "255.255.255.255 is the broadcast address"},
	{"IPADD", OPTION, "169.254.1.1", "169.254.1.1 is a link-local address"},
	{"IPADD", OPTION, "10.0.0.1 ff02::1", "ff02::1 is a multicast address"},
	{"IPADD", OPTION, "::ffff:10.0.0.1", "::ffff:10.0.0.1 is an IPv4-mapped address"},
	{"IPDEL", OPTION, "everything", "everything is not an IP address"},
	{"NAMESERVER", OPTION, "ns.example.com", "ns.example.com is not an IP address"},
	{"NAMESERVER", OPTION, "192.0.2.53/24", "the address of a name server has no prefix"},
	{"NAMESERVER", OPTION, "inherit 192.0.2.53", "inherit is not an IP address"},
	{"SEARCHDOMAIN", OPTION, "a_b.example",
	 "a_b.example: a domain is letters, digits and hyphens between dots (RFC 1123)"},
	{"SEARCHDOMAIN", OPTION, "a..b", "a..b: a domain is letters, digits and hyphens between dots (RFC 1123)"},
	{"GW", OPTION, "fd00::1", "not an IPv4 address"},
	{"GW", OPTION, "10.0.0.1/24", "not an IPv4 address"},
	{"GW6", OPTION, "10.0.0.1", "not an IPv6 address"},
	{"MAC", OPTION, "00:18:51:ab:cd", "a MAC address is six bytes like 00:18:51:ab:cd:ef"},
	{"MAC", OPTION, "00-18-51-ab-cd-ef", "a MAC address is six bytes like 00:18:51:ab:cd:ef"},
	{"MAC", OPTION, "01:00:5e:00:00:01", "that is a MAC address of a group (its first byte is odd)"},
	{"HOST_MAC", OPTION, "ff:ff:ff:ff:ff:ff", "that is a MAC address of a group (its first byte is odd)"},
	{"MAC", OPTION, "00:00:00:00:00:00", "that is no station's MAC address"},
	{"VLAN", OPTION, "4095", "must be 0 to 4094"},
	{"MAC_FILTER", OPTION, "yes", "must be off or on"},
	{"IFNAME", OPTION, "eth0/1", "the name of a network device is letters, digits and . _ - +"},
	{"IFNAME", OPTION, "eth0:1", "the name of a network device is letters, digits and . _ - +"},
	{"IFNAME", OPTION, "eth 0", "the name of a network device is letters, digits and . _ - +"},
	{"IFNAME", OPTION, "eth*", "the name of a network device is letters, digits and . _ - +"},
	{"IFNAME", OPTION, "eth%d", "the name of a network device is letters, digits and . _ - +"},
	{"IFNAME", OPTION, "\"eth0\"", "the name of a network device is letters, digits and . _ - +"},
	{"IFNAME", OPTION, "-eth0", "the name of a network device begins with a letter or a digit"},
	{"IFNAME", OPTION, "..", "the name of a network device begins with a letter or a digit"},
	{"IFNAME", OPTION, "sixteen-letters0", "a network device has a name of 1 to 15 characters"},
	{"IFNAME", OPTION, "lo", "that name is the kernel's own"},
	{"BRIDGE", OPTION, "all", "that name is the kernel's own"},
	{"IFNAME", OPTION, "venet0", "names that begin with venet or ifb are OpenVE's own"},
	{"HOST_IFNAME", OPTION, "ifb0", "names that begin with venet or ifb are OpenVE's own"},
	{"NETDEV_ADD", OPTION, "", "it is empty"},
	{"NETDEV_ADD", OPTION, "eth1 venet101", "venet101: names that begin with venet or ifb are OpenVE's own"},
	{"NETIF_ADD", OPTION, "", "a network device has a name of 1 to 15 characters"},
	{"NETIF_ADD", OPTION, ",00:18:51:ab:cd:ef", "a network device has a name of 1 to 15 characters"},
	{"NETIF_ADD", OPTION, "eth0,veth101.0", "veth101.0: a MAC address is six bytes like 00:18:51:ab:cd:ef"},
	{"NETIF_ADD", OPTION, "eth0,,,,br0,", "an interface is IF[,MAC,HOST_IF,HOST_MAC,BRIDGE]"},
	{"NETIF_ADD", OPTION, "ifname=eth0",
	 "ifname=eth0: the name of a network device is letters, digits and . _ - +"},
	{"NETIF", IN_FILE, "bridge=br0", "an interface has no ifname"},
	{"NETIF", IN_FILE, "ifname=eth0;ifname=eth0", "two interfaces are called eth0"},
	{"NETIF", IN_FILE, "ifname=eth0,vlan=4095", "vlan must be 0 to 4094"},
	{"NETIF", IN_FILE, "ifname=eth0,ip=10.0.0.0.1", "10.0.0.0.1 is not an IP address"},
	{"NETIF", IN_FILE, "ifname=eth0,gw=fd00::1", "fd00::1 is not an IPv4 address"},
	{"NETIF", IN_FILE, "ifname=eth0,mac_filter=maybe", "mac_filter must be on or off"},
	{"PORT_ADD", OPTION, "8080:80", PORT_FORM},
	{"PORT_ADD", OPTION, "8080", PORT_FORM},
	{"PORT_ADD", OPTION, "tcp:", PORT_FORM},
	{"PORT_ADD", OPTION, "2001:db8::1:80:80", "2001 is not an IP address of the node"},
	{"PORT_ADD", OPTION, "[2001:db8::1:80:80", PORT_FORM},
	{"PORT_ADD", OPTION, "[192.0.2.1]:80:80", PORT_FORM},
	{"PORT_ADD", OPTION, "sctp:192.0.2.1:80:80", "sctp is not an IP address of the node"},
	{"PORT_ADD", OPTION, "192.0.2.1:0:80", "0 is not a port, 1 to 65535"},
	{"PORT_ADD", OPTION, "192.0.2.1:80:65536", "65536 is not a port, 1 to 65535"},
	{"PORT_ADD", OPTION, "192.0.2.1:80:80:80", "80:80 is not a port, 1 to 65535"},
	{"PORT_ADD", OPTION, "127.0.0.1:80:80", "127.0.0.1 is a loopback address, whose ports cannot be published"},
	{"PORT_ADD", OPTION, "[::1]:80:80", "::1 is the loopback address, whose ports cannot be published"},
	{"PORT_ADD", OPTION, "192.0.2.1/24:80:80", "192.0.2.1/24 is not an IP address of the node"},
	{"PORT_ADD", OPTION, "192.0.2.1:80:80 192.0.2.1:80:81", "port 80 of the node would lead to two ports"},
	{"FEATURES", OPTION, "tun", "tun: a feature is NAME:on or NAME:off"},
	{"FEATURES", OPTION, "tun:yes", "tun:yes: a feature is NAME:on or NAME:off"},
	{"FEATURES", OPTION, "teleport:on", "teleport is not a feature"},
	{"FEATURES", OPTION, "nfs:on", "nfs:on is not supported yet"},
	{"FEATURES", OPTION, "sysfs:off", "sysfs:off is not supported yet"},
	{"FEATURES", IN_FILE, "a\nB:on", "a\nB:on: a feature is NAME:on or NAME:off"},
	{"RATE", OPTION, "fast", "fast is not a number of kilobits, nor one with a suffix K, M or G"},
	{"RATE", OPTION, "", " is not a number of kilobits, nor one with a suffix K, M or G"},
	{"RATE", OPTION, "-1", "-1 is not a number of kilobits, nor one with a suffix K, M or G"},
	{"RATE", OPTION, "7", RATE_RANGE},
	{"RATE", OPTION, "1001G", RATE_RANGE},
	{"RATE", OPTION, "99999999999999999999", RATE_RANGE},
	{"RATE", OPTION, "1:1024", "a rate is KBITS or *:1:KBITS"},
	{"RATE", OPTION, "eth0:1:1024", "a rate is for each interface there is: * in place of eth0"},
	{"RATE", OPTION, "*:2:1024", "there is one class of traffic, 1"},
	{"NETFILTER", OPTION, "some", "must be disabled, stateless, stateful or full"},
};

TEST(a_bad_value_is_refused_with_the_reason_and_changes_nothing)
{
	for (size_t i = 0; i < countof(refused); i++) {
		cleanup_config struct ve_config config = {0}, zero = {0};
		struct err err = {0};
		const struct param *row = param_by_key(&config_table, refused[i].key);
		const char *label = row->option ? row->option : row->key;

		int r = param_parse(&config_table, row, &config, refused[i].text, refused[i].form, &err);
		assert_true(r < 0);
		assert_int_equal(err.kind, ERR_BAD_VALUE);
		cleanup_free char *message = str_fmt("Bad parameter for %s%s: %s: %s", row->option ? "--" : "", label,
						     refused[i].text, refused[i].reason);
		assert_string_equal(err.text, message);
		assert_memory_equal(&config, &zero, sizeof(config));
	}
}

/* One option after the other, as on a command line. */
static void assert_together(const char *option, const char *first, const char *second, const char *expected)
{
	const struct param *row = param_by_option(&config_table, option);
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	if (param_parse(&config_table, row, &config, first, OPTION, &err) < 0 ||
	    param_parse(&config_table, row, &config, second, OPTION, &err) < 0)
		fail_msg("%s", err.text);
	cleanup_free char *text = param_print(&config_table, row, &config);
	assert_string_equal(text, expected);
}

TEST(a_list_grows_by_each_option_and_anything_else_is_replaced)
{
	assert_together("ipadd", "10.0.0.1", "fd00::1/64 10.0.0.1", "10.0.0.1 fd00::1/64");
	assert_together("nameserver", "192.0.2.53", "192.0.2.54", "192.0.2.53 192.0.2.54");
	assert_together("nameserver", "inherit", "inherit", "inherit");
	assert_together("searchdomain", "a.example", "b.example", "a.example b.example");
	assert_together("netif_add", "eth0,,,,br0", "eth1",
			"ifname=eth0,bridge=br0,mac_filter=on;ifname=eth1,mac_filter=on");
	assert_together("netif_del", "eth0", "eth1", "eth0 eth1");
	assert_together("port_add", "192.0.2.1:80:80", "udp:0.0.0.0:53:53", "tcp:192.0.2.1:80:80 udp:0.0.0.0:53:53");
	assert_together("features", "tun:on", "sit:off,tun:off", "tun:off sit:off");
	assert_together("rate", "1M", "2M", "*:1:2000");
	assert_together("cpus", "1", "2", "2");
}

static void assert_apart(const char *option, const char *first, const char *second, const char *reason)
{
	const struct param *row = param_by_option(&config_table, option);
	cleanup_free char *expected = str_fmt("Bad parameter for --%s: %s: %s", option, second, reason);
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	assert_int_equal(param_parse(&config_table, row, &config, first, OPTION, &err), 0);
	assert_true(param_parse(&config_table, row, &config, second, OPTION, &err) < 0);
	assert_string_equal(err.text, expected);
	cleanup_free char *text = param_print(&config_table, row, &config);
	assert_string_equal(text, first);
}

TEST(what_does_not_go_together_is_refused_and_the_first_stays)
{
	assert_apart("ipdel", "all", "10.0.0.1", "`all' stands alone");
	assert_apart("ipdel", "10.0.0.1", "all", "`all' stands alone");
	assert_apart("nameserver", "inherit", "192.0.2.53", "`inherit' stands alone");
	assert_apart("port_add", "tcp:192.0.2.1:80:80", "192.0.2.1:80:81",
		     "port 80 of the node would lead to two ports");
}

/* Taken or refused; what is taken prints as something that is taken again, and the same. */
static void assert_harmless(const struct param_table *table, const struct param *row, const char *text,
			    enum param_form form)
{
	__attribute__((cleanup(object_done))) struct object object = {0};
	void *o = object_of(table, &object);
	struct err err = {0};

	if (param_parse(table, row, o, text, form, &err) < 0) {
		assert_null(param_print(table, row, o));
		return;
	}
	cleanup_free char *once = param_print(table, row, o);
	if (!once[0])
		return;
	if (param_parse(table, row, o, once, IN_FILE, &err) < 0)
		fail_msg("%s: what %s is printed as is refused: %s", row->key, text, err.text);
	cleanup_free char *twice = param_print(table, row, o);
	assert_string_equal(twice, once);
	assert_null(strchr(once, '\n'));
}

TEST(no_text_does_harm)
{
	static const char *const texts[] = {
		"",
		" ",
		"\t",
		"\n",
		",",
		";",
		":",
		"::",
		":::",
		"[",
		"]",
		"[]",
		"[]:1:1",
		"[::]:1",
		"[::1",
		"/",
		"//",
		"/..",
		"%",
		"%s%n",
		"*",
		"*:*:*",
		"=",
		"a=b",
		"ifname=",
		"ifname",
		"ifname=a;;",
		"\xff\xfe",
		"\x01",
		"0",
		"-0",
		"-1",
		"+1",
		"1e9",
		"0x10",
		"1.2.3.4/",
		"1.2.3.4/-1",
		"::/129",
		"all all",
		"tcp:",
		"tcp:::::",
		"tun::on",
		":on",
		"list:",
		"list: ",
		"*:1:",
		"*:1:1:1",
		"a,b,c,d,e,f",
		"99999999999999999999999999",
		"18446744073709551615",
	};
	cleanup_free char *words = str_fmt("%070000d", 7), *blanks = str_fmt("%70000d", 7);

	for (size_t t = 0; t < countof(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct param *row = &tables[t]->rows[i];
			for (size_t j = 0; j < 2 * countof(texts); j++)
				assert_harmless(tables[t], row, texts[j / 2], j % 2 ? OPTION : IN_FILE);
			assert_harmless(tables[t], row, words, OPTION);
			assert_harmless(tables[t], row, blanks, OPTION);
		}
}

static void set(struct ve_config *config, const char *key, const char *text)
{
	struct err err = {0};
	if (param_parse(&config_table, param_by_key(&config_table, key), config, text, PARAM_FROM_FILE, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_printed(const struct ve_config *config, const char *key, const char *expected)
{
	cleanup_free char *text = param_print(&config_table, param_by_key(&config_table, key), config);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

TEST(a_merge_takes_over_what_is_given_and_nothing_else)
{
	cleanup_config struct ve_config config = {0}, change = {0};

	set(&config, "HOSTNAME", "old");
	set(&config, "NAME", "old");
	set(&config, "CPUUNITS", "1000");
	set(&change, "HOSTNAME", "new");
	set(&change, "NAME", "");
	set(&change, "DISABLED", "no");
	param_merge(&config_table, &config, &change);

	assert_printed(&config, "HOSTNAME", "new");
	assert_printed(&config, "NAME", "");
	assert_null(config.name);
	assert_printed(&config, "CPUUNITS", "1000");
	assert_printed(&config, "DISABLED", "no");
	assert_printed(&config, "DESCRIPTION", NULL);
	assert_ptr_not_equal(config.hostname, change.hostname);
}

static struct kvfile *parse_file(const char *text)
{
	struct kvfile *file = NULL;
	struct err err = {0};
	assert_int_equal(kvfile_parse("101.conf", text, strlen(text), &file, &err), 0);
	return file;
}

TEST(a_bad_value_in_a_file_is_named_with_the_file)
{
	cleanup_kvfile struct kvfile *file = parse_file("# c\nCPUUNITS=\"1000\"\nPHYSPAGES=\"0:lots\"\n");
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	assert_true(param_load(&config_table, &config, file, "101.conf", &err) < 0);
	assert_int_equal(err.kind, ERR_BAD_CONFIG);
	assert_string_equal(err.text, "101.conf: bad value PHYSPAGES=\"0:lots\": not a number");
}

TEST(a_part_of_the_rows_can_be_loaded)
{
	cleanup_kvfile struct kvfile *file =
		parse_file("HOSTNAME=a\nCPUUNITS=10\nVE_ROOT=/r\nSTOP_TIMEOUT=5\nLOCAL_UID=x\n");
	cleanup_config struct ve_config sample = {0}, node = {0};
	struct err err = {0};

	assert_int_equal(param_load_some(&config_table, 0, PARAM_OWN, &sample, file, "f", &err), 0);
	assert_printed(&sample, "HOSTNAME", NULL);
	assert_printed(&sample, "CPUUNITS", "10");
	assert_printed(&sample, "VE_ROOT", NULL);
	assert_printed(&sample, "STOP_TIMEOUT", "5");

	assert_int_equal(param_load_some(&config_table, PARAM_NODE, 0, &node, file, "f", &err), 0);
	assert_printed(&node, "CPUUNITS", NULL);
	assert_printed(&node, "VE_ROOT", "/r");
	assert_printed(&node, "STOP_TIMEOUT", "5");
}

TEST(an_edit_is_never_in_a_file)
{
	cleanup_kvfile struct kvfile *file = parse_file("IPADD=10.0.0.1\nMAC=nonsense\n");
	cleanup_config struct ve_config config = {0};
	struct err err = {0};

	assert_int_equal(param_load(&config_table, &config, file, "101.conf", &err), 0);
	assert_int_equal(config.given, 0);
	set(&config, "IPADD", "10.0.0.2");
	param_store(&config_table, &config, file);
	cleanup_free char *text = kvfile_text(file);
	assert_string_equal(text, "IPADD=10.0.0.1\nMAC=nonsense\n");
}

TEST(storing_writes_what_is_given_and_keeps_the_rest)
{
	cleanup_kvfile struct kvfile *file = parse_file("#UUID: 7a9f\nONBOOT=\"yes\"\nCPUUNITS=\"10\"\nCPUS=\"2\"\n");
	cleanup_config struct ve_config config = {0};

	set(&config, "CPUUNITS", "1000");
	set(&config, "PHYSPAGES", "0:1G");
	param_store(&config_table, &config, file);
	cleanup_free char *text = kvfile_text(file);
	assert_string_equal(text, "#UUID: 7a9f\nONBOOT=\"yes\"\nCPUUNITS=\"1000\"\nCPUS=\"2\"\n"
				  "PHYSPAGES=\"0:262144\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_prints_what_it_parses_and_parses_what_it_prints),
		cmocka_unit_test(every_parameter_can_be_shown_to_people),
		cmocka_unit_test(options_have_vzctls_other_names),
		cmocka_unit_test(a_share_of_the_node_becomes_a_share_of_one_cpu),
		cmocka_unit_test(a_bad_value_is_refused_with_the_reason_and_changes_nothing),
		cmocka_unit_test(a_list_grows_by_each_option_and_anything_else_is_replaced),
		cmocka_unit_test(what_does_not_go_together_is_refused_and_the_first_stays),
		cmocka_unit_test(no_text_does_harm),
		cmocka_unit_test(a_merge_takes_over_what_is_given_and_nothing_else),
		cmocka_unit_test(a_bad_value_in_a_file_is_named_with_the_file),
		cmocka_unit_test(a_part_of_the_rows_can_be_loaded),
		cmocka_unit_test(an_edit_is_never_in_a_file),
		cmocka_unit_test(storing_writes_what_is_given_and_keeps_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
