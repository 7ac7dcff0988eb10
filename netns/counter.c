#include "netns/counter.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

struct nl_sock *counter_open(struct err *err)
{
	cleanup_rtnl struct nl_sock *sock = nl_socket_alloc();
	int r = sock ? nl_connect(sock, NETLINK_NETFILTER) : -NLE_NOMEM;

	if (r < 0) {
		err_set(err, rtnl_errno(r), "open a netlink socket for the packet filter");
		return NULL;
	}
	return steal_ptr(sock);
}

static struct nl_msg *question(enum counter_family family, const char *table, const char *set, const void *key,
			       size_t key_size)
{
	const struct nfgenmsg head = {.nfgen_family = (uint8_t)family, .version = NFNETLINK_V0};
	struct nl_msg *msg = rtnl_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, 0, &head, sizeof(head));

	rtnl_put_text(msg, NFTA_SET_ELEM_LIST_TABLE, table);
	rtnl_put_text(msg, NFTA_SET_ELEM_LIST_SET, set);
	struct nlattr *list = rtnl_nest(msg, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = rtnl_nest(msg, NFTA_LIST_ELEM);
	struct nlattr *data = rtnl_nest(msg, NFTA_SET_ELEM_KEY);
	rtnl_put(msg, NFTA_DATA_VALUE, key, key_size);
	nla_nest_end(msg, data);
	nla_nest_end(msg, element);
	nla_nest_end(msg, list);
	return msg;
}

static const struct nlattr *inside(const struct nlattr *nest, int type)
{
	return nest ? nla_find(nla_data(nest), nla_len(nest), type) : NULL;
}

static uint64_t number(const struct nlattr *attr)
{
	return attr && nla_len(attr) == sizeof(uint64_t) ? be64toh(nla_get_u64(attr)) : 0;
}

/* list > element > expression > counter. */
static int take(struct nl_msg *msg, void *ctx)
{
	struct net_count *count = ctx;
	const struct nlattr *list =
		nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *expression = inside(inside(list, NFTA_LIST_ELEM), NFTA_SET_ELEM_EXPR);
	const struct nlattr *counter = inside(expression, NFTA_EXPR_DATA);

	count->packets = number(inside(counter, NFTA_COUNTER_PACKETS));
	count->bytes = number(inside(counter, NFTA_COUNTER_BYTES));
	return NL_OK;
}

int counter_read(struct nl_sock *sock, enum counter_family family, const char *table, const char *set, const void *key,
		 size_t key_size, struct net_count *ret)
{
	struct net_count count = {0};

	int r = rtnl_get(sock, question(family, table, set, key, key_size), take, &count);
	if (r == 0)
		*ret = count;
	return r;
}
