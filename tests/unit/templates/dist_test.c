/* A tree of each family, before and after; and trees as a hostile owner makes them. */
#include "templates/dist.h"

#include <string.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "templates/treefile.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define MARK "# Auto-generated hostname. Please do not remove this comment.\n"

static const struct dist_names everything = {
	.hostname = "web.example.com",
	.address = "10.1.2.3",
	.nameservers = "192.0.2.53 2001:db8::53",
	.searchdomains = "example.com example.net",
	.routed = "venet0",
	.bridged = "eth0 eth1",
};

/* A file; a link, when its text begins with "-> "; a directory, when the text is NULL. */
struct entry {
	const char *path, *text;
};

static void make_parent(const struct scratch *tree, const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = slash ? str_fmt("%.*s", (int)(slash - path), path) : mem_strdup(".");
	assert_int_equal(io_mkdir_all(tree->fd, parent, 0755), 0);
}

static void put(const struct scratch *tree, const char *path, const char *text)
{
	make_parent(tree, path);
	if (!text)
		assert_int_equal(io_mkdir_all(tree->fd, path, 0755), 0);
	else if (str_after(text, "-> "))
		assert_int_equal(symlinkat(str_after(text, "-> "), tree->fd, path), 0);
	else
		assert_int_equal(io_replace_file(tree->fd, path, text, strlen(text), 0644), 0);
}

static struct scratch plant(const struct entry *entries)
{
	struct scratch tree = scratch_new();

	for (const struct entry *entry = entries; entry->path; entry++)
		put(&tree, entry->path, entry->text);
	return tree;
}

static void assert_file(const struct scratch *tree, const char *path, const char *expected)
{
	cleanup_free char *text = NULL;
	struct stat st;

	if (fstatat(tree->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    io_read_file(tree->fd, path, &text, NULL) < 0)
		fail_msg("%s is no file", path);
	if (!str_eq(text, expected))
		fail_msg("%s says:\n%s\nand not:\n%s", path, text, expected);
}

static void assert_absent(const struct scratch *tree, const char *path)
{
	struct stat st;
	if (fstatat(tree->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		fail_msg("%s is there", path);
}

static void assert_written(const struct scratch *tree, const struct dist_names *names)
{
	struct err err = {0};
	if (dist_write(tree->fd, names, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_refused(const struct scratch *tree, const struct dist_names *names, const char *reason)
{
	struct err err = {0};

	if (dist_write(tree->fd, names, &err) >= 0)
		fail_msg("it is not refused: %s", reason);
	assert_string_equal(err.text, reason);
}

static void assert_tree(const struct scratch *tree, const struct entry *entries)
{
	for (const struct entry *entry = entries; entry->path; entry++)
		assert_file(tree, entry->path, entry->text);
}

/* ---- families ---- */

#define NETWORKD_ROUTED                                                                                                \
	"# Addresses and routes come from the node.\n[Match]\nName=venet0\n\n"                                         \
	"[Network]\nKeepConfiguration=yes\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
#define NETWORKD_BRIDGED                                                                                               \
	"# Addresses and routes come from the node.\n[Match]\nName=eth0 eth1\n\n"                                      \
	"[Network]\nKeepConfiguration=yes\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no\n"
#define RESOLV "search example.com example.net\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"

TEST(debian_with_systemd_resolved)
{
	static const struct entry before[] = {
		{"etc/hostname", "template\n"},
		{"etc/hosts", "127.0.0.1\tlocalhost\n\n# The following lines are desirable\n::1 localhost\n"},
		{"etc/resolv.conf", "-> ../run/systemd/resolve/stub-resolv.conf"},
		{"run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n"},
		{"lib", "-> usr/lib"},
		{"usr/lib/systemd/systemd-network-generator", ""},
		{0},
	};
	static const struct entry after[] = {
		{"etc/hostname", "web.example.com\n"},
		{"etc/hosts", "127.0.0.1\tlocalhost\n\n# The following lines are desirable\n::1 localhost\n" MARK
			      "10.1.2.3 web.example.com web\n"},
		{"etc/resolv.conf", RESOLV},
		{"run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n"},
		{"run/systemd/network/05-openve-routed.network", NETWORKD_ROUTED},
		{"run/systemd/network/05-openve-bridged.network", NETWORKD_BRIDGED},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
	assert_absent(&tree, "etc/HOSTNAME");
	assert_absent(&tree, "etc/sysconfig");
	assert_absent(&tree, "run/NetworkManager");
}

TEST(debian_with_resolvconf)
{
	static const struct entry before[] = {
		{"etc/resolv.conf", "-> /run/resolvconf/resolv.conf"},
		{"etc/resolvconf/resolv.conf.d/base", "options rotate\nnameserver 10.0.0.1\n"},
		{0},
	};
	static const struct entry after[] = {
		{"etc/hostname", "web.example.com\n"},
		{"etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" MARK
			      "10.1.2.3 web.example.com web\n"},
		{"etc/resolv.conf", RESOLV},
		{"etc/resolvconf/resolv.conf.d/base", "options rotate\n" RESOLV},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
	assert_absent(&tree, "run/systemd");
}

TEST(red_hat_before_systemd)
{
	static const struct entry before[] = {
		{"etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=template.localdomain\nNOZEROCONF=yes\n"},
		{"etc/resolv.conf",
		 "; generated by /sbin/dhclient-script\ndomain old\nnameserver 10.0.0.1\noptions rotate"},
		{0},
	};
	static const struct entry after[] = {
		{"etc/hostname", "web.example.com\n"},
		{"etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=\"web.example.com\"\nNOZEROCONF=yes\n"},
		{"etc/resolv.conf", "; generated by /sbin/dhclient-script\noptions rotate\n" RESOLV},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
}

TEST(red_hat_with_network_manager)
{
	static const struct entry before[] = {
		{"etc/sysconfig/network", "# Created by anaconda\n"},
		{"etc/NetworkManager/conf.d", NULL},
		{"etc/resolv.conf", "# Generated by NetworkManager\n"},
		{0},
	};
	static const struct entry after[] = {
		{"etc/sysconfig/network", "# Created by anaconda\nHOSTNAME=\"web.example.com\"\n"},
		{"etc/resolv.conf", "# Generated by NetworkManager\n" RESOLV},
		{"run/NetworkManager/conf.d/05-openve-resolver.conf",
		 "# /etc/resolv.conf comes from the node.\n[main]\ndns=none\n"},
		{"run/NetworkManager/conf.d/05-openve-devices.conf",
		 "# Addresses and routes come from the node.\n[keyfile]\nunmanaged-devices+="
		 "interface-name:venet0;interface-name:eth0;interface-name:eth1;\n"},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
}

TEST(alpine_and_gentoo_with_openrc)
{
	static const struct entry before[] = {
		{"etc/hostname", "localhost\n"},
		{"etc/conf.d/hostname", "# Set to the hostname of this machine\nhostname='localhost'\n"},
		{"etc/hosts", "127.0.0.1\tlocalhost localhost.localdomain\n"},
		{"etc/resolvconf.conf", "resolv_conf=/etc/resolv.conf\n"},
		{0},
	};
	static const struct entry after[] = {
		{"etc/hostname", "web.example.com\n"},
		{"etc/conf.d/hostname", "# Set to the hostname of this machine\nhostname=\"web.example.com\"\n"},
		{"etc/hosts", "127.0.0.1\tlocalhost localhost.localdomain\n" MARK "10.1.2.3 web.example.com web\n"},
		{"etc/resolv.conf", RESOLV},
		{"etc/resolvconf.conf", "resolv_conf=/etc/resolv.conf\nname_servers=\"192.0.2.53 2001:db8::53\"\n"
					"search_domains=\"example.com example.net\"\n"},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
}

TEST(suse_with_netconfig)
{
	static const struct entry before[] = {
		{"etc/hostname", "linux\n"},
		{"etc/HOSTNAME", "-> hostname"},
		{"etc/resolv.conf", "-> /run/netconfig/resolv.conf"},
		{"etc/sysconfig/network/config", "## Type: string\nNETCONFIG_DNS_STATIC_SEARCHLIST=\"\"\n\n"
						 "NETCONFIG_DNS_STATIC_SERVERS=\"\"\nNETCONFIG_DNS_RANKING=\"auto\"\n"},
		{0},
	};
	static const struct entry after[] = {
		{"etc/hostname", "web.example.com\n"},
		{"etc/resolv.conf", RESOLV},
		{"etc/sysconfig/network/config",
		 "## Type: string\nNETCONFIG_DNS_STATIC_SEARCHLIST=\"example.com example.net\"\n\n"
		 "NETCONFIG_DNS_STATIC_SERVERS=\"192.0.2.53 2001:db8::53\"\nNETCONFIG_DNS_RANKING=\"auto\"\n"},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);
	char target[32] = "";

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
	assert_true(readlinkat(tree.fd, "etc/HOSTNAME", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "hostname");
}

TEST(arch_and_an_empty_tree)
{
	static const struct entry before[] = {{0}};
	static const struct entry after[] = {
		{"etc/hostname", "web.example.com\n"},
		{"etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" MARK
			      "10.1.2.3 web.example.com web\n"},
		{"etc/resolv.conf", RESOLV},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &everything);
	assert_tree(&tree, after);
}

/* ---- what is said ---- */

TEST(what_is_not_given_is_left_alone)
{
	static const struct entry before[] = {
		{"etc/hostname", "mine\n"},
		{"etc/hosts", MARK "10.0.0.9 mine\n"},
		{"etc/resolv.conf", "search mine\nnameserver 10.0.0.1\n"},
		{"etc/NetworkManager", NULL},
		{"lib/systemd/systemd-network-generator", ""},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);
	const struct dist_names nothing = {0}, servers = {.nameservers = "10.0.0.2"},
				domains = {.searchdomains = "b c"};

	assert_written(&tree, &nothing);
	assert_file(&tree, "etc/hostname", "mine\n");
	assert_file(&tree, "etc/hosts", MARK "10.0.0.9 mine\n");
	assert_file(&tree, "etc/resolv.conf", "search mine\nnameserver 10.0.0.1\n");
	assert_absent(&tree, "run");
	assert_written(&tree, &servers);
	assert_file(&tree, "etc/resolv.conf", "search mine\nnameserver 10.0.0.2\n");
	assert_written(&tree, &domains);
	assert_file(&tree, "etc/resolv.conf", "nameserver 10.0.0.2\nsearch b c\n");
	assert_file(&tree, "etc/hostname", "mine\n");
}

TEST(the_line_of_the_last_time_is_replaced_in_its_place)
{
	static const struct entry before[] = {
		{"etc/hosts",
		 "127.0.0.1 localhost\n" MARK "198.51.100.7 old.example.com  old localhost\n::1 localhost\n"},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);
	const struct dist_names first = {.hostname = "one"}, second = {.hostname = "two", .address = "fd00::2"};

	assert_written(&tree, &first);
	assert_file(&tree, "etc/hosts", "127.0.0.1 localhost\n" MARK "127.0.1.1 one\n::1 localhost\n");
	assert_written(&tree, &second);
	assert_file(&tree, "etc/hosts", "127.0.0.1 localhost\n" MARK "fd00::2 two\n::1 localhost\n");
}

TEST(a_line_that_somebody_took_away_comes_again_and_costs_no_other)
{
	static const struct entry before[] = {{"etc/hosts", MARK "# mine\n10.0.0.9 mine"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);
	const struct dist_names names = {.hostname = "one"};

	assert_written(&tree, &names);
	assert_file(&tree, "etc/hosts", MARK "127.0.1.1 one\n# mine\n10.0.0.9 mine\n");
}

static ino_t inode_of(const struct scratch *tree, const char *path)
{
	struct stat st;
	assert_int_equal(fstatat(tree->fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

TEST(what_says_so_already_is_not_written_again)
{
	static const struct entry before[] = {{"etc/sysconfig/network", "HOSTNAME=web.example.com\n"}, {0}};
	static const char *const files[] = {"etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/sysconfig/network"};
	cleanup_scratch struct scratch tree = plant(before);
	ino_t inodes[countof(files)];

	assert_written(&tree, &everything);
	for (size_t i = 0; i < countof(files); i++)
		inodes[i] = inode_of(&tree, files[i]);
	assert_written(&tree, &everything);
	for (size_t i = 0; i < countof(files); i++)
		assert_int_equal(inode_of(&tree, files[i]), inodes[i]);
	assert_file(&tree, "etc/sysconfig/network", "HOSTNAME=web.example.com\n");
}

TEST(mode_and_owner_stay)
{
	static const struct entry before[] = {{"etc/hostname", "old\n"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);
	const struct dist_names names = {.hostname = "new", .nameservers = "10.0.0.1"};
	bool root = geteuid() == 0;
	struct stat st;

	assert_int_equal(fchmodat(tree.fd, "etc/hostname", 0640, 0), 0);
	if (root)
		assert_int_equal(fchownat(tree.fd, "etc/hostname", 7, 8, 0), 0);
	umask(077);
	assert_written(&tree, &names);
	umask(022);
	assert_int_equal(fstatat(tree.fd, "etc/hostname", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_uid, root ? 7 : geteuid());
	assert_int_equal(st.st_gid, root ? 8 : getegid());
	assert_int_equal(fstatat(tree.fd, "etc/resolv.conf", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

/* ---- hostile trees ---- */

static const struct dist_names named = {.hostname = "web"};

TEST(links_lead_where_they_lead_inside)
{
	static const struct entry before[] = {
		{"etc/hostname", "-> /data/../data/name"},
		{"data/name", "old\n"},
		{"etc/hosts", "-> ../../../../data/hosts"},
		{0},
	};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &named);
	assert_file(&tree, "data/name", "web\n");
	assert_file(&tree, "data/hosts",
		    "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" MARK "127.0.1.1 web\n");
}

TEST(a_directory_that_is_a_link_to_the_outside_leads_nowhere)
{
	cleanup_scratch struct scratch outside = scratch_new();
	cleanup_scratch struct scratch tree = scratch_new();
	struct err err = {0};

	assert_int_equal(symlinkat(outside.path, tree.fd, "etc"), 0);
	assert_true(dist_write(tree.fd, &everything, &err) < 0);
	assert_true(str_after(err.text, "find /etc/hostname: ") != NULL);
	assert_absent(&outside, "hostname");
	assert_absent(&outside, "resolv.conf");
}

TEST(loops_of_links_are_refused)
{
	static const struct entry before[] = {{"etc/hostname", "-> x"}, {"etc/x", "-> hostname"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);
	cleanup_free char *reason = str_fmt("find /etc/hostname: %s", strerror(ELOOP));

	assert_refused(&tree, &named, reason);
}

TEST(one_bad_file_does_not_keep_the_others_from_being_written)
{
	static const struct entry before[] = {{"etc/resolv.conf", NULL}, {"etc/sysconfig/network", "X=\"open\n"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);

	assert_int_equal(mkfifoat(tree.fd, "etc/hostname", 0644), 0);
	alarm(5);
	assert_refused(&tree, &everything, "/etc/hostname is not a regular file");
	alarm(0);
	assert_file(&tree, "etc/hosts",
		    "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" MARK
		    "10.1.2.3 web.example.com web\n");
	assert_file(&tree, "etc/sysconfig/network", "X=\"open\n");
	const struct dist_names servers = {.nameservers = "10.0.0.1"};
	assert_refused(&tree, &servers, "/etc/resolv.conf is not a regular file");
}

TEST(files_without_an_end_and_files_that_are_no_text_are_refused)
{
	static const struct entry before[] = {{"etc/x", ""}, {0}};
	cleanup_scratch struct scratch tree = plant(before);
	cleanup_free char *reason = str_fmt("read /etc/hostname: %s", strerror(EFBIG));

	cleanup_fd int fd = openat(tree.fd, "etc/hostname", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, 1ll << 40), 0);
	assert_refused(&tree, &named, reason);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_refused(&tree, &named, "/etc/hostname is not a text file");
}

TEST(search_domains_alone_do_not_cost_the_name_servers_of_a_daemon)
{
	static const struct entry before[] = {{"etc/resolv.conf", "-> ../run/systemd/resolve/stub-resolv.conf"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);
	const struct dist_names domains = {.searchdomains = "a"};
	struct stat st;

	assert_refused(&tree, &domains,
		       "/etc/resolv.conf is a symbolic link, which search domains without name servers do not replace");
	assert_int_equal(fstatat(tree.fd, "etc/resolv.conf", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

TEST(a_temporary_file_that_was_left_is_no_obstacle)
{
	static const struct entry before[] = {
		{"etc/.hostname.openve", "-> /etc/passwd"}, {"etc/passwd", "root\n"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);

	assert_written(&tree, &named);
	assert_file(&tree, "etc/hostname", "web\n");
	assert_file(&tree, "etc/passwd", "root\n");
	assert_absent(&tree, "etc/.hostname.openve");
}

TEST(what_cannot_be_written_leaves_no_temporary_file)
{
	static const struct entry before[] = {{"etc/hostname", "old\n"}, {0}};
	cleanup_scratch struct scratch tree = plant(before);
	cleanup_treefile struct treefile file = {.dir = -1};
	struct err err = {0};

	assert_int_equal(treefile_open(tree.fd, "etc/hostname", 0, &file, &err), 0);
	assert_int_equal(unlinkat(tree.fd, "etc/hostname", 0), 0);
	assert_int_equal(io_mkdir_all(tree.fd, "etc/hostname", 0755), 0);
	assert_true(treefile_write(&file, "new\n", &err) < 0);
	assert_true(str_after(err.text, "write /etc/hostname: ") != NULL);
	assert_absent(&tree, "etc/.hostname.openve");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debian_with_systemd_resolved),
		cmocka_unit_test(debian_with_resolvconf),
		cmocka_unit_test(red_hat_before_systemd),
		cmocka_unit_test(red_hat_with_network_manager),
		cmocka_unit_test(alpine_and_gentoo_with_openrc),
		cmocka_unit_test(suse_with_netconfig),
		cmocka_unit_test(arch_and_an_empty_tree),
		cmocka_unit_test(what_is_not_given_is_left_alone),
		cmocka_unit_test(the_line_of_the_last_time_is_replaced_in_its_place),
		cmocka_unit_test(a_line_that_somebody_took_away_comes_again_and_costs_no_other),
		cmocka_unit_test(what_says_so_already_is_not_written_again),
		cmocka_unit_test(mode_and_owner_stay),
		cmocka_unit_test(links_lead_where_they_lead_inside),
		cmocka_unit_test(a_directory_that_is_a_link_to_the_outside_leads_nowhere),
		cmocka_unit_test(loops_of_links_are_refused),
		cmocka_unit_test(one_bad_file_does_not_keep_the_others_from_being_written),
		cmocka_unit_test(files_without_an_end_and_files_that_are_no_text_are_refused),
		cmocka_unit_test(search_domains_alone_do_not_cost_the_name_servers_of_a_daemon),
		cmocka_unit_test(a_temporary_file_that_was_left_is_no_obstacle),
		cmocka_unit_test(what_cannot_be_written_leaves_no_temporary_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
