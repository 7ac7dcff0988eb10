/* Answers for guests' addresses (proxy ARP, proxy neighbour discovery): the part of neighbour.h that is about them. The
 * kernel gives them, on devices that forward, for the addresses in a table of its own. It forgets those of a device
 * that goes down. */
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netns/neighbour.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "netns/uplink.h"
#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

static struct nl_msg *proxy_message(int type, int flags, int index, const struct ip *ip)
{
	struct ndmsg head = {.ndm_family = (uint8_t)ip->family, .ndm_ifindex = index, .ndm_flags = NTF_PROXY};
	struct nl_msg *msg = rtnl_message(type, flags, &head, sizeof(head));

	rtnl_put(msg, NDA_DST, ip->bytes, ip_bytes(ip->family));
	return msg;
}

/* -ENOENT: there is no such device any more, or it does not have that family. */
static int set_sysctl(int family, const char *group, const char *device, const char *name, const char *value,
		      struct err *err)
{
	cleanup_free char *path =
		str_fmt(PATH_SYSCTL_NET "/ipv%c/%s/%s/%s", family == AF_INET6 ? '6' : '4', group, device, name);

	int r = io_write_kernel(AT_FDCWD, path, value);
	return r < 0 && r != -ENOENT ? err_set(err, -r, "write %s", path) : r;
}

/* By default the kernel lets up to 0.8 s pass before it answers for another. IPv6 does so only where that is asked for.
 */
static int allow_answers(int family, const char *device, struct err *err)
{
	int r = set_sysctl(family, "neigh", device, "proxy_delay", "0", err);
	return r == 0 && family == AF_INET6 ? set_sysctl(family, "conf", device, "proxy_ndp", "1", err) : r;
}

static int answer_on(struct nl_sock *sock, const struct uplink *uplink, const struct ip *ip, struct err *err)
{
	char text[IP_TEXT];

	int r = allow_answers(ip->family, uplink->name, err);
	if (r == 0)
		r = rtnl_ask(sock, proxy_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, uplink->index, ip));
	if (r == 0 || r == -ENOENT || r == -ENODEV)
		return 0;
	return err_set(err, -r, "answer for %s on %s", ip_print(ip, text), uplink->name);
}

int neighbour_answer(const struct netns *node, const struct neighbour_devices *devices, const struct ip *ip,
		     struct err *err)
{
	struct uplink uplinks[NEIGHBOUR_DEVICES];
	int n = uplink_find(node->rtnl, devices, ip, uplinks, err), r = n < 0 ? n : 0;
	for (int i = 0; i < n && r == 0; i++)
		r = answer_on(node->rtnl, &uplinks[i], ip, err);
	return r;
}

struct answers {
	const struct ip *ip;
	int *indexes;
	size_t n;
};

static int note_answer(struct nl_msg *msg, void *ctx)
{
	struct answers *answers = ctx;
	const struct ndmsg *head = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *address = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(*head), NDA_DST);
	size_t size = ip_bytes(answers->ip->family);

	if (head->ndm_family != answers->ip->family || !(head->ndm_flags & NTF_PROXY) || head->ndm_ifindex == 0 ||
	    !address || nla_len(address) != (int)size || memcmp(nla_data(address), answers->ip->bytes, size) != 0)
		return NL_OK;
	answers->indexes = mem_grow(answers->indexes, answers->n + 1, sizeof(*answers->indexes));
	answers->indexes[answers->n++] = head->ndm_ifindex;
	return NL_OK;
}

static int forget(struct nl_sock *sock, const struct ip *ip)
{
	struct ndmsg head = {.ndm_family = (uint8_t)ip->family, .ndm_flags = NTF_PROXY};
	struct answers answers = {.ip = ip};

	int r = rtnl_get(sock, rtnl_message(RTM_GETNEIGH, NLM_F_DUMP, &head, sizeof(head)), note_answer, &answers);
	cleanup_free int *indexes = answers.indexes;
	for (size_t i = 0; i < answers.n && r == 0; i++) {
		r = rtnl_ask(sock, proxy_message(RTM_DELNEIGH, 0, indexes[i], ip));
		if (r == -ENOENT || r == -ENODEV)
			r = 0;
	}
	return r;
}

/* Twice: the kernel lists them in pieces and goes on by counting, so that it misses one where others have just been
 * removed before it. */
int neighbour_forget(const struct netns *node, const struct ip *ip, struct err *err)
{
	char text[IP_TEXT];
	int r = forget(node->rtnl, ip);
	if (r == 0)
		r = forget(node->rtnl, ip);
	return r < 0 ? err_set(err, -r, "stop answering for %s", ip_print(ip, text)) : 0;
}
