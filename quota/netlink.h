/* What the processes of a group may ask the kernel for over netlink(7): a BPF program at the security hook
 * netlink_send, which looks through what is sent for words that are not to be there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;
struct err;

#define NETLINK_WORD 24

/* A word in an attribute of a message, or a kind of message, that is refused (EPERM) to who has no leave. No two have
 * the same protocol, attribute, depth and word. */
struct netlink_word {
	uint32_t leave;	    /* any of these bits, see struct netlink_leave */
	uint16_t protocol;  /* NETLINK_ROUTE, NETLINK_NETFILTER */
	uint16_t message;   /* nlmsg_type; 0: any */
	uint16_t attribute; /* nla_type; 0: all messages of the kind (bits 8 to 15) of `message`, whatever is in them */
	bool nested;	    /* the attribute is within another one; else it is in none */
	char word[NETLINK_WORD]; /* a text, or a number of 32 bits in the network's order that begins with a byte 0 */
};

struct netlink_filter {
	int program, storage; /* fds; one pair serves all groups */
};

int netlink_filter_load(const struct btf *btf, const struct netlink_word *words, size_t n, struct netlink_filter *ret,
			struct err *err);

struct netlink_leave {
	uint32_t everywhere; /* bits of a meaning that the words give them */
	uint32_t at_home;    /* in the network namespace `home` */
	uint32_t home;	     /* its inode number */
};

/* Attach it to a group (a directory fd), for it and all below, in place of the one that the group has, with this leave.
 */
int netlink_filter_attach(int cgroup_fd, const struct netlink_filter *filter, const struct netlink_leave *leave,
			  struct err *err);

/* What the leave of a group that has the filter is from now on. */
int netlink_filter_allow(int cgroup_fd, const struct netlink_filter *filter, const struct netlink_leave *leave,
			 struct err *err);
