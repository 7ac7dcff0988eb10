#include "netns/linkinfo.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netns/rtnl.h"

static void copy_text(char *to, size_t size, const struct nlattr *attr)
{
	if (attr)
		nla_strlcpy(to, attr, size);
}

static void read_bridge(struct nlattr *data, struct linkinfo *info)
{
	struct nlattr *attrs[IFLA_BR_MAX + 1];

	if (nla_parse_nested(attrs, IFLA_BR_MAX, data, NULL) < 0)
		return;
	info->vlan_filtering = attrs[IFLA_BR_VLAN_FILTERING] && nla_get_u8(attrs[IFLA_BR_VLAN_FILTERING]);
	if (attrs[IFLA_BR_VLAN_DEFAULT_PVID])
		info->default_vlan = nla_get_u16(attrs[IFLA_BR_VLAN_DEFAULT_PVID]);
}

static void read_kind(struct nlattr *linkinfo, struct linkinfo *info)
{
	struct nlattr *attrs[IFLA_INFO_MAX + 1];

	if (nla_parse_nested(attrs, IFLA_INFO_MAX, linkinfo, NULL) < 0)
		return;
	copy_text(info->kind, sizeof(info->kind), attrs[IFLA_INFO_KIND]);
	if (strcmp(info->kind, "bridge") == 0 && attrs[IFLA_INFO_DATA])
		read_bridge(attrs[IFLA_INFO_DATA], info);
}

int linkinfo_read(struct nl_msg *msg, void *ctx)
{
	struct linkinfo *info = ctx;
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *head = nlmsg_data(nlmsg_hdr(msg));

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*head), attrs, IFLA_MAX, NULL) < 0)
		return NL_OK;
	info->index = head->ifi_index;
	info->up = head->ifi_flags & IFF_UP;
	info->bridge = attrs[IFLA_MASTER] ? (int)nla_get_u32(attrs[IFLA_MASTER]) : 0;
	info->mtu = attrs[IFLA_MTU] ? nla_get_u32(attrs[IFLA_MTU]) : 0;
	info->peer = attrs[IFLA_LINK] ? (int)nla_get_u32(attrs[IFLA_LINK]) : 0;
	copy_text(info->name, sizeof(info->name), attrs[IFLA_IFNAME]);
	copy_text(info->alias, sizeof(info->alias), attrs[IFLA_IFALIAS]);
	if (attrs[IFLA_LINKINFO])
		read_kind(attrs[IFLA_LINKINFO], info);
	return NL_OK;
}

static int ask(struct nl_sock *sock, struct nl_msg *msg, struct linkinfo *ret)
{
	struct linkinfo info = {0};

	int r = rtnl_get(sock, msg, linkinfo_read, &info);
	if (r < 0)
		return r;
	if (info.index == 0)
		return -EIO;
	*ret = info;
	return 0;
}

int linkinfo_get(struct nl_sock *sock, int index, const char *name, struct linkinfo *ret)
{
	struct ifinfomsg head = {.ifi_index = index};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, 0, &head, sizeof(head));
	if (index == 0)
		rtnl_put_text(msg, IFLA_IFNAME, name);
	rtnl_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return ask(sock, msg, ret);
}

int linkinfo_make(struct nl_sock *sock, struct nl_msg *msg, struct linkinfo *ret)
{
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ECHO;
	return ask(sock, msg, ret);
}
