/* Each way a token bucket (tc-tbf(8)) that lets so many bytes a second through, and in it a queue that is fair to the
 * flows and keeps the wait short (tc-fq_codel(8)). Only what leaves a device can be made to wait, so what comes from
 * the guest is redirected to the exit of an ifb device, which puts it back where it was: at the entrance of the link,
 * behind the point at which it was taken. All of it is replaced in place, so that no packet passes unshaped while a
 * rate changes. */
#include "netns/shape.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>

#include "netns/linkinfo.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* Handles of ours, which by being ours tell our queues from the kernel's own (handle 0) and an operator's. */
#define BUCKET 0x56450000u
#define QUEUE 0x56460000u
#define ENTRANCE TC_H_MAKE(TC_H_INGRESS, 0)
#define EVERYTHING 0x80000800u /* as u32 counts: hash table 800, bucket 0, filter 800 */

#define VLAN_HLEN 4

struct shaping {
	struct nl_sock *sock;
	const char *link;
	struct err *err;
	int index; /* of the link */
	char ifb[IFNAMSIZ];
	int ifb_index;
	uint64_t rate;	/* bytes per second */
	uint32_t frame; /* bytes: the longest that the link takes, GSO aside */
};

/* ---- the ifb device ---- */

/* A hash: the name of a link may fill all that a name can hold. */
static void name_ifb(const char *link, char ret[IFNAMSIZ])
{
	snprintf(ret, IFNAMSIZ, "ifb%012" PRIx64, str_hash(link) & 0xffffffffffff);
}

/* -ENODEV: there is none. */
static int find_ifb(struct nl_sock *sock, const char *name, int *ret_index, struct err *err)
{
	struct linkinfo info;

	int r = linkinfo_get(sock, 0, name, &info);
	if (r == -ENODEV)
		return r;
	if (r < 0)
		return err_set(err, -r, "look for the ifb device %s", name);
	if (!str_eq(info.kind, "ifb"))
		return err_set(err, EEXIST, "the name %s is needed for an ifb device and another link has it", name);
	*ret_index = info.index;
	return 0;
}

static int drop_ifb(struct nl_sock *sock, const char *name, struct err *err)
{
	struct ifinfomsg head = {0};

	int r = find_ifb(sock, name, &head.ifi_index, err);
	if (r == 0)
		r = rtnl_ask(sock, rtnl_message(RTM_DELLINK, 0, &head, sizeof(head)));
	return r == 0 || r == -ENODEV ? 0 : err_set(err, -r, "remove the ifb device %s", name);
}

/* ---- one piece each ---- */

static struct nl_msg *tc_message(int type, int flags, struct tcmsg head, const char *kind)
{
	struct nl_msg *msg = rtnl_message(type, flags, &head, sizeof(head));

	rtnl_put_text(msg, TCA_KIND, kind);
	return msg;
}

static int failed(const struct shaping *s, int r, const char *what)
{
	return err_set(s->err, -r, "limit the rate of %s: %s", s->link, what);
}

/* A device without multicast, as ifb devices are, gets no IPv6 address. */
static int make_ifb(struct shaping *s, bool *ret_made)
{
	struct ifinfomsg head = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct nl_msg *msg = rtnl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	rtnl_put_text(msg, IFLA_IFNAME, s->ifb);
	struct nlattr *info = rtnl_nest(msg, IFLA_LINKINFO);
	rtnl_put_text(msg, IFLA_INFO_KIND, "ifb");
	nla_nest_end(msg, info);

	int r = rtnl_ask(s->sock, msg);
	if (r < 0 && r != -EEXIST)
		return failed(s, r, "make an ifb device (kernel module ifb)");
	*ret_made = r == 0;
	r = find_ifb(s->sock, s->ifb, &s->ifb_index, s->err);
	return r == -ENODEV ? failed(s, r, "find its ifb device") : r;
}

/* What passes in so many milliseconds, two frames at least. */
static uint32_t worth(const struct shaping *s, unsigned ms)
{
	uint64_t bytes = s->rate * ms / 1000;
	return bytes < 2 * s->frame ? 2 * s->frame : bytes < 1u << 30 ? (uint32_t)bytes : 1u << 30;
}

static struct tc_ratespec ratespec(uint64_t rate)
{
	return (struct tc_ratespec){
		.linklayer = TC_LINKLAYER_ETHERNET,
		.rate = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX,
	};
}

/* A bucket for 100 ms, so that a node that is too busy to look for a while makes up for it. What has been saved is
 * spent at twice the rate, by a second bucket for 10 ms; and a GSO packet that is longer than that one is deep is cut
 * into frames, so that none stands in the way of others for long. `limit` is that of the plain queue which a bucket
 * comes with: what a kernel without fq_codel is left with. */
static int set_bucket(const struct shaping *s, int index)
{
	const uint64_t peak = 2 * s->rate;
	struct tcmsg head = {.tcm_ifindex = index, .tcm_parent = TC_H_ROOT, .tcm_handle = BUCKET};
	struct tc_tbf_qopt bucket = {
		.rate = ratespec(s->rate),
		.peakrate = ratespec(peak),
		.limit = worth(s, 100) + (256u << 10),
	};
	struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, head, "tbf");

	struct nlattr *options = rtnl_nest(msg, TCA_OPTIONS);
	rtnl_put(msg, TCA_TBF_PARMS, &bucket, sizeof(bucket));
	rtnl_put(msg, TCA_TBF_RATE64, &s->rate, sizeof(s->rate));
	rtnl_put(msg, TCA_TBF_PRATE64, &peak, sizeof(peak));
	rtnl_put_u32(msg, TCA_TBF_BURST, worth(s, 100));
	rtnl_put_u32(msg, TCA_TBF_PBURST, worth(s, 10));
	nla_nest_end(msg, options);

	int r = rtnl_ask(s->sock, msg);
	return r < 0 ? failed(s, r, "set up a token bucket (kernel module sch_tbf)") : 0;
}

/* Where one frame takes longer than the 5 ms for which a packet may wait, it is its own time and half of it again that
 * it may (RFC 8289, 4.3). What waits is a second's worth at most: it is the node's memory. */
static int set_queue(const struct shaping *s, int index)
{
	uint64_t frame_us = s->frame * 1500000ull / s->rate;
	uint32_t target = frame_us > 5000 ? (uint32_t)frame_us : 5000;
	uint64_t memory = s->rate < 1 << 20 ? 1 << 20 : s->rate > 32 << 20 ? 32 << 20 : s->rate;
	struct tcmsg head = {.tcm_ifindex = index, .tcm_parent = BUCKET | 1, .tcm_handle = QUEUE};
	struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, head, "fq_codel");

	struct nlattr *options = rtnl_nest(msg, TCA_OPTIONS);
	rtnl_put_u32(msg, TCA_FQ_CODEL_TARGET, target);
	rtnl_put_u32(msg, TCA_FQ_CODEL_INTERVAL, target + 95000);
	rtnl_put_u32(msg, TCA_FQ_CODEL_MEMORY_LIMIT, (uint32_t)memory);
	nla_nest_end(msg, options);

	int r = rtnl_ask(s->sock, msg);
	return r < 0 && r != -ENOENT ? failed(s, r, "set up a fair queue (kernel module sch_fq_codel)") : 0;
}

static int set_entrance(const struct shaping *s)
{
	struct tcmsg head = {.tcm_ifindex = s->index, .tcm_parent = TC_H_INGRESS, .tcm_handle = ENTRANCE};

	int r = rtnl_ask(s->sock, tc_message(RTM_NEWQDISC, NLM_F_CREATE, head, "ingress"));
	return r < 0 ? failed(s, r, "take what comes in (kernel module sch_ingress)") : 0;
}

static void put_redirect(struct nl_msg *msg, int to)
{
	struct tc_mirred redirect = {.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to};

	struct nlattr *actions = rtnl_nest(msg, TCA_U32_ACT);
	struct nlattr *first = rtnl_nest(msg, 1);
	rtnl_put_text(msg, TCA_ACT_KIND, "mirred");
	struct nlattr *options = rtnl_nest(msg, TCA_ACT_OPTIONS);
	rtnl_put(msg, TCA_MIRRED_PARMS, &redirect, sizeof(redirect));
	nla_nest_end(msg, options);
	nla_nest_end(msg, first);
	nla_nest_end(msg, actions);
}

/* Without keys it fits every packet. Unlike matchall, u32 lets a filter be replaced by its handle. */
static int set_redirect(const struct shaping *s)
{
	struct tc_u32_sel all = {.flags = TC_U32_TERMINAL};
	struct tcmsg head = {
		.tcm_ifindex = s->index,
		.tcm_parent = ENTRANCE,
		.tcm_handle = EVERYTHING,
		.tcm_info = TC_H_MAKE(1u << 16, htons(ETH_P_ALL)), /* priority, protocol */
	};
	struct nl_msg *msg = tc_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, head, "u32");

	struct nlattr *options = rtnl_nest(msg, TCA_OPTIONS);
	rtnl_put(msg, TCA_U32_SEL, &all, sizeof(all));
	put_redirect(msg, s->ifb_index);
	nla_nest_end(msg, options);

	int r = rtnl_ask(s->sock, msg);
	return r < 0 ? failed(s, r, "redirect what comes in (kernel modules cls_u32, act_mirred)") : 0;
}

/* -ENOENT, -EINVAL: none, or one that is not of our kind or handle. */
static int remove_queue(const struct shaping *s, uint32_t parent, uint32_t handle, const char *kind)
{
	struct tcmsg head = {.tcm_ifindex = s->index, .tcm_parent = parent, .tcm_handle = handle};

	int r = rtnl_ask(s->sock, tc_message(RTM_DELQDISC, 0, head, kind));
	return r == 0 || r == -ENOENT || r == -EINVAL || r == -ENODEV
		       ? 0
		       : err_set(s->err, -r, "take the limit off the rate of %s", s->link);
}

/* ---- the whole ---- */

/* The buckets stand before anything is led through them. */
static int shape(const struct shaping *s)
{
	const int ends[] = {s->ifb_index, s->index};

	for (size_t i = 0; i < countof(ends); i++) {
		int r = set_bucket(s, ends[i]);
		if (r == 0)
			r = set_queue(s, ends[i]);
		if (r < 0)
			return r;
	}
	int r = set_entrance(s);
	return r < 0 ? r : set_redirect(s);
}

/* All of it, whatever of it there is, and first of all what leads into the ifb device: without it, that path drops. */
static int unshape(const struct shaping *s)
{
	int first = remove_queue(s, TC_H_INGRESS, ENTRANCE, "ingress");
	int second = remove_queue(s, TC_H_ROOT, BUCKET, "tbf");
	int third = drop_ifb(s->sock, s->ifb, s->err);
	return first < 0 ? first : second < 0 ? second : third;
}

static int shape_whole(struct shaping *s)
{
	bool made = false;

	int r = make_ifb(s, &made);
	if (r == 0)
		r = shape(s);
	if (r < 0 && made)
		unshape(s);
	return r;
}

int shape_set(const struct netns *node, const char *link, uint64_t rate, struct err *err)
{
	struct shaping s = {.sock = node->rtnl, .link = link, .err = err, .rate = rate / 8};
	struct linkinfo info;

	if (rate && (rate < SHAPE_MIN || rate > SHAPE_MAX))
		return err_set(err, ERANGE, "limit the rate of %s to %" PRIu64 " bits a second", link, rate);
	name_ifb(link, s.ifb);
	int r = linkinfo_get(s.sock, 0, link, &info);
	if (r == -ENODEV && !rate)
		return drop_ifb(s.sock, s.ifb, err);
	if (r < 0)
		return err_set(err, -r, "limit the rate of %s", link);

	s.index = info.index;
	s.frame = info.mtu + ETH_HLEN + VLAN_HLEN;
	return rate ? shape_whole(&s) : unshape(&s);
}

int shape_forget(const struct netns *node, const char *link, struct err *err)
{
	char ifb[IFNAMSIZ];

	name_ifb(link, ifb);
	return drop_ifb(node->rtnl, ifb, err);
}
