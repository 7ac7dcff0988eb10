#include "runtime/guard.h"

#include <fcntl.h>
#include <linux/lsm.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "quota/autoload.h"
#include "quota/btf.h"
#include "quota/cgroup.h"
#include "quota/device.h"
#include "quota/sysctl.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/bind.h"
#include "runtime/grant.h"

#define PATH_TUNNELS "/proc/sys/net/core/fb_tunnels_only_for_init_net"

/* What a VE's own firewall is made of, under the names that the kernel asks for it by; what ss(8) asks; and veth, which
 * containers in a VE need. Modules of features are loaded for who has them. All others are code that few tenants need
 * and that any of them could otherwise pull in, by a mount, a socket or a link of a kind that nobody heard of. */
static const char *const autoload[] = {
	"arpt_",
	"arptable_",
	"ebt_",
	"ebtable_",
	"ip6t_",
	"ip6table_",
	"ip_set_",
	"ip_tables",
	"ip6_tables",
	"ipt_",
	"iptable_",
	"net-pf-16-proto-12",	   /* NETLINK_NETFILTER */
	"net-pf-16-proto-4-type-", /* NETLINK_SOCK_DIAG */
	"nf-flowtable-",
	"nf-logger-",
	"nf_conntrack_",
	"nf_log_",
	"nfct-helper-",
	"nfnetlink-subsys-",
	"nfnetlink_log",
	"nft-",
	"rtnl-link-veth",
	"xt_",
};

/* Ceilings on memory of the kernel that is charged to nobody: of the fragments of packets that wait for the rest, and
 * of connections that are closed. */
static const char *const settings[] = {
	"net/ipv4/ipfrag_",
	"net/ipv4/tcp_max_tw_buckets",
	"net/ipv6/ip6frag_",
	"net/netfilter/nf_conntrack_frag6_",
};

#define NFT_MESSAGE(type) (NFNL_SUBSYS_NFTABLES << 8 | (type))

#define SUBSYSTEM(n) {GRANT_TRACKING, NETLINK_NETFILTER, (n) << 8, 0, false, ""}
#define OBJECT(x) {GRANT_TRACKING, NETLINK_NETFILTER, NFT_MESSAGE(NFT_MSG_NEWOBJ), NFTA_OBJ_TYPE, false, x}
/* The name of an expression, and of a match or target of iptables in one: all have the number 1. */
#define EXPRESSION(grant, x) {grant, NETLINK_NETFILTER, 0, NFTA_EXPR_NAME, true, x}
#define KIND(grant, x) {grant, NETLINK_ROUTE, RTM_NEWLINK, IFLA_INFO_KIND, true, x}

/* All that makes the kernel track connections (calls nf_ct_netns_get() or makes entries itself), all that translates
 * addresses, and the kinds of links that are features. A kind that no feature has can be made if its module is there.
 */
static const struct netlink_word words[] = {
	SUBSYSTEM(NFNL_SUBSYS_CTNETLINK),
	SUBSYSTEM(NFNL_SUBSYS_CTNETLINK_EXP),
	SUBSYSTEM(NFNL_SUBSYS_CTNETLINK_TIMEOUT),
	SUBSYSTEM(NFNL_SUBSYS_CTHELPER),
	OBJECT("\0\0\0\3"),  /* NFT_OBJECT_CT_HELPER */
	OBJECT("\0\0\0\5"),  /* NFT_OBJECT_CONNLIMIT */
	OBJECT("\0\0\0\7"),  /* NFT_OBJECT_CT_TIMEOUT */
	OBJECT("\0\0\0\11"), /* NFT_OBJECT_CT_EXPECT, 9 */
	OBJECT("\0\0\0\12"), /* NFT_OBJECT_SYNPROXY, 10 */
	EXPRESSION(GRANT_TRACKING, "connlimit"),
	EXPRESSION(GRANT_TRACKING, "ct"),
	EXPRESSION(GRANT_TRACKING, "flow_offload"),
	EXPRESSION(GRANT_TRACKING, "synproxy"),
	EXPRESSION(GRANT_TRACKING, "CONNMARK"),
	EXPRESSION(GRANT_TRACKING, "CONNSECMARK"),
	EXPRESSION(GRANT_TRACKING, "CT"),
	EXPRESSION(GRANT_TRACKING, "SYNPROXY"),
	EXPRESSION(GRANT_TRACKING, "cluster"),
	EXPRESSION(GRANT_TRACKING, "connbytes"),
	EXPRESSION(GRANT_TRACKING, "connlabel"),
	EXPRESSION(GRANT_TRACKING, "connmark"),
	EXPRESSION(GRANT_TRACKING, "conntrack"),
	EXPRESSION(GRANT_TRACKING, "helper"),
	EXPRESSION(GRANT_TRACKING, "state"),
	{GRANT_TRACKING, NETLINK_ROUTE, 0, TCA_ACT_KIND, true, "ct"},

	{GRANT_NAT, NETLINK_NETFILTER, NFT_MESSAGE(NFT_MSG_NEWCHAIN), NFTA_CHAIN_TYPE, false, "nat"},
	EXPRESSION(GRANT_NAT, "masq"),
	EXPRESSION(GRANT_NAT, "nat"),
	EXPRESSION(GRANT_NAT, "redir"),
	EXPRESSION(GRANT_NAT, "DNAT"),
	EXPRESSION(GRANT_NAT, "MASQUERADE"),
	EXPRESSION(GRANT_NAT, "NETMAP"),
	EXPRESSION(GRANT_NAT, "REDIRECT"),
	EXPRESSION(GRANT_NAT, "SNAT"),

	KIND(GRANT_BRIDGE, "bridge"),
	KIND(GRANT_DUMMY, "dummy"),
	KIND(GRANT_IPGRE, "erspan"),
	KIND(GRANT_IPGRE, "gre"),
	KIND(GRANT_IPGRE, "gretap"),
	KIND(GRANT_IPIP, "ipip"),
	KIND(GRANT_SIT, "sit"),
	KIND(GRANT_WIREGUARD, "wireguard"),
};

/* With ipip, sit or ip_gre the kernel would make a tunnel (tunl0, sit0, gre0) in every network namespace, for whoever
 * owns it. */
static int keep_tunnels_away(struct err *err)
{
	int r = io_write_kernel(AT_FDCWD, PATH_TUNNELS, "1");
	return r < 0 ? err_set(err, -r, "write " PATH_TUNNELS) : 0;
}

/* Programs at security hooks can be loaded where the kernel never asks them. */
static int check_lsm(struct err *err)
{
	uint64_t ids[64];
	uint32_t size = sizeof(ids);

	long n = syscall(SYS_lsm_list_modules, ids, &size, 0);
	if (n < 0)
		return err_set(err, errno, "list the kernel's security modules");
	for (long i = 0; i < n; i++)
		if (ids[i] == LSM_ID_BPF)
			return 0;
	return err_say(err, ERR_SYSTEM,
		       "the kernel's security module bpf is off: boot without lsm=, or with bpf in its list");
}

static int load(struct guard *guard, struct err *err)
{
	cleanup_btf struct btf *btf = NULL;
	int r;

	if ((r = btf_open(&btf, err)) < 0 || (r = guard->devices = bind_device_filter(0, err)) < 0 ||
	    (r = guard->devices_tun = bind_device_filter(GRANT_TUN, err)) < 0 ||
	    (r = guard->autoload = autoload_filter_load(btf, autoload, countof(autoload), err)) < 0 ||
	    (r = guard->sysctl = sysctl_filter_load(settings, countof(settings), err)) < 0)
		return r;
	return netlink_filter_load(btf, words, countof(words), &guard->netlink, err);
}

/* The first group with a program at a security hook, and the loss of the last one, make the kernel rewrite its own code
 * and wait: a tenth of a second, which no VE is to pay. So there is always one, with nobody in it. */
static int hold_hooks(const struct guard *guard, const char *base, struct err *err)
{
	cleanup_free char *group = str_fmt("%s/guard", base);

	int r = cgroup_create(group, false, err);
	if (r < 0)
		return r;
	cleanup_fd int fd = cgroup_open(group, err);
	return fd < 0 ? fd : guard_attach(guard, fd, 0, err);
}

int guard_load(const char *base, struct guard *ret, struct err *err)
{
	int r;

	*ret = (struct guard)GUARD_NONE;
	if ((r = check_lsm(err)) < 0 || (r = keep_tunnels_away(err)) < 0 || (r = load(ret, err)) < 0)
		return r;
	return hold_hooks(ret, base, err);
}

/* Without NAT, tracking is granted at home only: entries of connections are memory that is charged to nobody. Each
 * network namespace has a table of its own, with room for net.netfilter.nf_conntrack_max, and root of a VE makes as
 * many as he likes. */
static struct netlink_leave leave(uint32_t granted, uint32_t home)
{
	return (struct netlink_leave){
		.everywhere = granted & GRANT_NAT ? granted : granted & ~(uint32_t)GRANT_TRACKING,
		.at_home = granted,
		.home = home,
	};
}

int guard_attach(const struct guard *guard, int cgroup_fd, uint32_t granted, struct err *err)
{
	const struct netlink_leave everywhere = leave(granted, 0);
	int devices = granted & GRANT_TUN ? guard->devices_tun : guard->devices;
	int r;

	if ((r = device_filter_attach(cgroup_fd, devices, err)) < 0 ||
	    (r = autoload_filter_attach(cgroup_fd, guard->autoload, err)) < 0 ||
	    (r = sysctl_filter_attach(cgroup_fd, guard->sysctl, err)) < 0)
		return r;
	return netlink_filter_attach(cgroup_fd, &guard->netlink, &everywhere, err);
}

int guard_at_home(const struct guard *guard, int cgroup_fd, uint32_t granted, int netns, struct err *err)
{
	struct stat st;

	if (leave(granted, 0).everywhere == granted)
		return 0;
	if (fstat(netns, &st) < 0)
		return err_set(err, errno, "look at the VE's network namespace");
	const struct netlink_leave also = leave(granted, (uint32_t)st.st_ino);
	return netlink_filter_allow(cgroup_fd, &guard->netlink, &also, err);
}
