/* What the kernel says of one link: one question, whatever the number of links. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct nl_msg;
struct nl_sock;

struct linkinfo {
	int index;
	char name[IFNAMSIZ];
	bool up;
	int bridge;	     /* index of the bridge (or bond …) whose port it is; 0: none */
	int peer;	     /* of a pair's end: index of the other end, in its own namespace */
	char kind[IFNAMSIZ]; /* "veth", "bridge"; "": hardware */
	char alias[256];     /* IFALIASZ of linux/if.h */
	unsigned mtu;
	bool vlan_filtering;   /* a bridge: it knows VLANs */
	uint16_t default_vlan; /* a bridge: the PVID of new ports; 0: none */
};

/* Ask by index or, when that is 0, by name, in the namespace of the socket. Errors come without a reason. */
int linkinfo_get(struct nl_sock *sock, int index, const char *name, struct linkinfo *ret);

/* Send the message, which is freed and makes a link, and get what the kernel has made of it. */
int linkinfo_make(struct nl_sock *sock, struct nl_msg *msg, struct linkinfo *ret);

/* Read one of the kernel's messages into a struct linkinfo: what rtnl_get() calls. */
struct nl_msg;
int linkinfo_read(struct nl_msg *msg, void *info);
