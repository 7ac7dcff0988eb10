#include "netns/ether.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netns/arp.h"
#include "netns/nd.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

int ether_open_mute(struct err *err)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? err_set(err, errno, "open a packet socket") : fd;
}

/* ---- what is heard ---- */

/* Of IPv6 only neighbour solicitations and advertisements: a busy device would fill the socket with all the rest. */
static size_t put_protocol(int family, struct sock_filter *program)
{
	const struct sock_filter nd_only[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct ip6_hdr, ip6_nxt)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, sizeof(struct ip6_hdr) + offsetof(struct icmp6_hdr, icmp6_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	if (family != AF_INET6)
		return 0;
	memcpy(program, nd_only, sizeof(nd_only));
	return countof(nd_only);
}

/* Of the devices only these: what a guest says on its own link must not fill the socket either. */
static size_t put_devices(const int *indexes, size_t n, struct sock_filter *program)
{
	size_t len = 0;

	program[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_IFINDEX);
	for (size_t i = 0; i < n; i++) {
		program[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)indexes[i], 0, 1);
		program[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	}
	program[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return len;
}

static int filter(int wire, int family, const int *indexes, size_t n)
{
	cleanup_free struct sock_filter *program = mem_zero(2 * n + 16, sizeof(*program));
	struct sock_fprog all = {.filter = program};

	all.len = (unsigned short)put_protocol(family, program);
	all.len = (unsigned short)(all.len + put_devices(indexes, n, program + all.len));
	return setsockopt(wire, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all));
}

static int protocol_of(int family)
{
	return family == AF_INET6 ? ETH_P_IPV6 : ETH_P_ARP;
}

int ether_open(int family, const int *indexes, size_t n, struct err *err)
{
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol_of(family))};
	cleanup_fd int wire = ether_open_mute(err);

	if (wire < 0)
		return wire;
	if (filter(wire, family, indexes, n) < 0 || bind(wire, (struct sockaddr *)&all, sizeof(all)) < 0)
		return err_set(err, errno, "listen on a packet socket");
	return steal_fd(&wire);
}

int ether_hear_group(int wire, int index, const struct mac *group, struct err *err)
{
	struct packet_mreq request = {.mr_ifindex = index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = sizeof(*group)};

	memcpy(request.mr_address, group->bytes, sizeof(group->bytes));
	return setsockopt(wire, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)) < 0 && errno != ENODEV
		       ? err_set(err, errno, "listen to a multicast group on a packet socket")
		       : 0;
}

/* A frame of a VLAN whose device the node does not have is for nobody here: PACKET_OTHERHOST. */
static bool is_for_us(const struct sockaddr_ll *from)
{
	return from->sll_halen == sizeof(struct mac) &&
	       (from->sll_pkttype == PACKET_HOST || from->sll_pkttype == PACKET_BROADCAST ||
		from->sll_pkttype == PACKET_MULTICAST);
}

static bool read_claim(const struct sockaddr_ll *from, const void *bytes, size_t len, struct claim *ret)
{
	struct mac mac;

	if (!is_for_us(from))
		return false;
	memcpy(mac.bytes, from->sll_addr, sizeof(mac.bytes));
	return ntohs(from->sll_protocol) == ETH_P_ARP ? arp_read(bytes, len, ret) : nd_read(bytes, len, &mac, ret);
}

bool ether_receive(int wire, int *ret_index, struct claim *ret)
{
	uint8_t bytes[1500];
	struct sockaddr_ll from = {0};
	socklen_t from_len = sizeof(from);

	ssize_t len = recvfrom(wire, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
	if (len < 0 || !read_claim(&from, bytes, (size_t)len, ret))
		return false;
	*ret_index = from.sll_ifindex;
	return true;
}

/* ---- what is said ---- */

int ether_send(int wire, int index, const struct frame *frame, struct err *err)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(frame->protocol),
		.sll_ifindex = index,
		.sll_halen = sizeof(frame->to),
	};

	memcpy(to.sll_addr, frame->to.bytes, sizeof(frame->to.bytes));
	if (sendto(wire, frame->bytes, frame->len, 0, (struct sockaddr *)&to, sizeof(to)) >= 0 || errno == ENETDOWN ||
	    errno == ENXIO || errno == ENODEV)
		return 0;
	return err_set(err, errno, "send to the neighbours of link number %d", index);
}
