#include "netns/rtnl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/mem.h"

void rtnl_close(struct nl_sock **sock)
{
	nl_socket_free(*sock);
	*sock = NULL;
}

/* libnl folds the kernel's errno into fewer codes of its own; of those that mean the same to it, the first here. */
int rtnl_errno(int r)
{
	static const int known[] = {
		EPERM, ENODEV, ENOENT, EEXIST, EBUSY, EINVAL, ENOMEM, EOPNOTSUPP, EACCES, ERANGE, EAGAIN, EINTR,
	};

	for (size_t i = 0; i < countof(known); i++)
		if (nl_syserr2nlerr(known[i]) == -r)
			return known[i];
	return EIO;
}

/* ---- messages ---- */

/* Putting fails only when memory does: a message has room for a page, ours are a few hundred bytes. */
static void must(bool done)
{
	if (!done) {
		fputs("out of memory\n", stderr);
		abort();
	}
}

struct nl_msg *rtnl_message(int type, int flags, const void *head, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	must(msg && nlmsg_append(msg, (void *)head, size, NLMSG_ALIGNTO) == 0);
	return msg;
}

void rtnl_put(struct nl_msg *msg, int attribute, const void *bytes, size_t size)
{
	must(nla_put(msg, attribute, (int)size, bytes) == 0);
}

void rtnl_put_u8(struct nl_msg *msg, int attribute, uint8_t n)
{
	rtnl_put(msg, attribute, &n, sizeof(n));
}

void rtnl_put_u32(struct nl_msg *msg, int attribute, uint32_t n)
{
	rtnl_put(msg, attribute, &n, sizeof(n));
}

void rtnl_put_text(struct nl_msg *msg, int attribute, const char *text)
{
	rtnl_put(msg, attribute, text, strlen(text) + 1);
}

struct nlattr *rtnl_nest(struct nl_msg *msg, int attribute)
{
	struct nlattr *nest = nla_nest_start(msg, NLA_F_NESTED | attribute);
	must(nest);
	return nest;
}

/* ---- questions and answers ---- */

/* The kernel answers while we send. What is left of an answer that was not understood must not be taken for the next.
 */
static int settle(struct nl_sock *sock, int r, int exact)
{
	char rest[256];

	if (exact || r >= 0)
		return exact;
	while (recv(nl_socket_get_fd(sock), rest, sizeof(rest), MSG_DONTWAIT) >= 0)
		;
	return -rtnl_errno(r);
}

static int keep_errno(struct sockaddr_nl *from __attribute__((unused)), struct nlmsgerr *refusal, void *ret_errno)
{
	*(int *)ret_errno = refusal->error;
	return NL_STOP;
}

int rtnl_ask(struct nl_sock *sock, struct nl_msg *msg)
{
	int exact = 0;

	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, keep_errno, &exact);
	int r = nl_send_sync(sock, msg);
	nl_socket_modify_err_cb(sock, NL_CB_DEFAULT, NULL, NULL);
	return settle(sock, r, exact);
}

/* After the answer to a question about one thing comes an acknowledgement; a dump ends by itself. */
static int converse(struct nl_sock *sock, struct nl_msg *msg)
{
	bool dump = (nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	int r = nl_send_auto(sock, msg);
	if (r >= 0)
		r = nl_recvmsgs_default(sock);
	return r >= 0 && !dump ? nl_wait_for_ack(sock) : r;
}

int rtnl_get(struct nl_sock *sock, struct nl_msg *msg, rtnl_answer *answer, void *ctx)
{
	int exact = 0;

	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, keep_errno, &exact);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, answer, ctx);
	int r = converse(sock, msg);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	nl_socket_modify_err_cb(sock, NL_CB_DEFAULT, NULL, NULL);
	nlmsg_free(msg);
	return settle(sock, r, exact);
}
