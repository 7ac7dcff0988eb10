#include "netns/unlock.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/* nftables_get_table() in CRIU's criu/net.c: "inet CRIU-…". */
#define LOCK "CRIU-"
#define FAMILY NFPROTO_INET

struct tables {
	char **names;
	size_t n;
};

static void tables_done(struct tables *tables)
{
	for (size_t i = 0; i < tables->n; i++)
		free(tables->names[i]);
	free(tables->names);
}

#define cleanup_tables __attribute__((cleanup(tables_done)))

static int note_lock(struct nl_msg *msg, void *ctx)
{
	const struct nlattr *name = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct nfgenmsg), NFTA_TABLE_NAME);
	struct tables *tables = ctx;

	if (!name || !str_after(nla_get_string(name), LOCK))
		return NL_OK;
	tables->names = mem_grow(tables->names, tables->n + 1, sizeof(*tables->names));
	tables->names[tables->n++] = mem_strdup(nla_get_string(name));
	return NL_OK;
}

static int find_locks(struct nl_sock *sock, struct tables *ret)
{
	const struct nfgenmsg head = {.nfgen_family = FAMILY, .version = NFNETLINK_V0};
	return rtnl_get(sock,
			rtnl_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_DUMP, &head, sizeof(head)),
			note_lock, ret);
}

struct batch {
	unsigned char bytes[1024];
	size_t len;
};

static void batch_add(struct batch *batch, struct nl_sock *sock, struct nl_msg *msg)
{
	nl_complete_msg(sock, msg);
	size_t len = nlmsg_hdr(msg)->nlmsg_len;
	memcpy(batch->bytes + batch->len, nlmsg_hdr(msg), len);
	batch->len += NLMSG_ALIGN(len);
	nlmsg_free(msg);
}

/* Tables are changed by batches only, and a batch comes in one piece. */
static int remove_lock(struct nl_sock *sock, const char *name)
{
	const struct nfgenmsg edge = {
		.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
	const struct nfgenmsg head = {.nfgen_family = FAMILY, .version = NFNETLINK_V0};
	struct batch batch = {0};

	struct nl_msg *msg = rtnl_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_ACK, &head, sizeof(head));
	rtnl_put_text(msg, NFTA_TABLE_NAME, name);
	batch_add(&batch, sock, rtnl_message(NFNL_MSG_BATCH_BEGIN, 0, &edge, sizeof(edge)));
	batch_add(&batch, sock, msg);
	batch_add(&batch, sock, rtnl_message(NFNL_MSG_BATCH_END, 0, &edge, sizeof(edge)));
	int r = nl_sendto(sock, batch.bytes, batch.len);
	if (r >= 0)
		r = nl_wait_for_ack(sock);
	return r < 0 ? -rtnl_errno(r) : 0;
}

int netns_unlock(int netns, struct err *err)
{
	cleanup_rtnl struct nl_sock *sock = NULL;
	cleanup_tables struct tables tables = {0};

	int r = netns_socket(netns, NETLINK_NETFILTER, &sock, err);
	if (r < 0)
		return r;
	/* Of a batch, not every message is answered. */
	nl_socket_disable_seq_check(sock);
	r = find_locks(sock, &tables);
	for (size_t i = 0; i < tables.n && r == 0; i++)
		r = remove_lock(sock, tables.names[i]);
	return r < 0 ? err_set(err, -r, "take CRIU's lock off the network") : 0;
}
