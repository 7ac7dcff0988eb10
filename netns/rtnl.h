/* The kernel's routing netlink (rtnetlink(7)), by libnl: messages through the socket of a namespace (netns.h), and what
 * libnl's return codes mean as errno. */
#pragma once

#include <netlink/msg.h>
#include <netlink/netlink.h>

void rtnl_close(struct nl_sock **sock);
#define cleanup_rtnl __attribute__((cleanup(rtnl_close)))

/* The errno (positive) behind libnl's negative return code. */
int rtnl_errno(int r);

/* A message with its fixed head (struct ifinfomsg, ifaddrmsg, rtmsg …); `flags` are NLM_F_CREATE and its like. Never
 * NULL; sending it frees it. */
struct nl_msg *rtnl_message(int type, int flags, const void *head, size_t size);

/* Add an attribute. */
void rtnl_put(struct nl_msg *msg, int attribute, const void *bytes, size_t size);
void rtnl_put_u8(struct nl_msg *msg, int attribute, uint8_t n);
void rtnl_put_u32(struct nl_msg *msg, int attribute, uint32_t n);
void rtnl_put_text(struct nl_msg *msg, int attribute, const char *text);

/* Begin an attribute that holds attributes; nla_nest_end() ends it. */
struct nlattr *rtnl_nest(struct nl_msg *msg, int attribute);

/* Send the message, which is freed, and wait for the kernel's answer. Returns 0 or -errno, without a reason. */
int rtnl_ask(struct nl_sock *sock, struct nl_msg *msg);

/* Send the question, which is freed, and hand over each message of the kernel's answer; the function returns NL_OK.
 * Returns 0 or a negative errno, without a reason. */
typedef int rtnl_answer(struct nl_msg *msg, void *ctx);
int rtnl_get(struct nl_sock *sock, struct nl_msg *msg, rtnl_answer *answer, void *ctx);
