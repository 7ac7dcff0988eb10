/* Sockets below TCP and UDP: raw ICMP, routing netlink, packets. */
#include "tests/objects/helper.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 3000
#define LOOPBACK 1 /* index of the interface, in every namespace */
#define ECHO_ID 0x0b1e

static const struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};

/* Echo replies are the only ones that it lets through. */
static bool prepare_icmp(struct held *held)
{
	const struct icmp_filter filter = {.data = ~(1U << ICMP_ECHOREPLY)};

	held->fd[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (held->fd[0] < 0)
		return skip(held, "no raw socket: %m");
	return ok(held, setsockopt(held->fd[0], SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)) == 0, "filter: %m");
}

static uint16_t sum_of(const void *bytes, size_t size)
{
	const uint16_t *words = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

static bool check_icmp(struct held *held)
{
	struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = htons(ECHO_ID), .un.echo.sequence = htons(1)};
	unsigned char packet[256];
	struct icmphdr answer;
	struct pollfd wait = {.fd = held->fd[0], .events = POLLIN};

	echo.checksum = sum_of(&echo, sizeof(echo));
	if (!ok(held,
		sendto(held->fd[0], &echo, sizeof(echo), 0, (const struct sockaddr *)&here, sizeof(here)) ==
			sizeof(echo),
		"send: %m"))
		return false;
	do {
		ssize_t n = poll(&wait, 1, PATIENCE_MS) == 1 ? recv(held->fd[0], packet, sizeof(packet), 0) : -1;
		if (!ok(held, n >= (ssize_t)(sizeof(struct iphdr) + sizeof(answer)), "no answer to a ping"))
			return false;
		memcpy(&answer, packet + sizeof(struct iphdr), sizeof(answer));
	} while (answer.type == ICMP_ECHOREPLY && answer.un.echo.id != htons(ECHO_ID));
	return ok(held, answer.type == ICMP_ECHOREPLY, "its filter lets type %u through", answer.type);
}

static bool spoil_icmp(struct held *held)
{
	const struct icmp_filter filter = {.data = ~0U};

	return setsockopt(held->fd[0], SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)) == 0;
}

static struct sockaddr_nl name_of(int fd)
{
	struct sockaddr_nl name = {0};
	socklen_t size = sizeof(name);

	getsockname(fd, (struct sockaddr *)&name, &size);
	return name;
}

static bool prepare_netlink(struct held *held)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	held->fd[0] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (!ok(held, held->fd[0] >= 0 && bind(held->fd[0], (const struct sockaddr *)&address, sizeof(address)) == 0,
		"netlink: %m"))
		return false;
	held->id = (int)name_of(held->fd[0]).nl_pid;
	return true;
}

/* It asks for the loopback interface, and hears that it is the one of this name. What the kernel tells the group of
 * other links in between comes first. */
static bool check_netlink(struct held *held)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} ask = {{.nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 99},
		 {.ifi_index = LOOPBACK}};
	char bytes[16384] __attribute__((aligned(8)));
	const struct nlmsghdr *header = (const void *)bytes;
	struct pollfd wait = {.fd = held->fd[0], .events = POLLIN};
	struct sockaddr_nl name = name_of(held->fd[0]);

	if (!ok(held, (int)name.nl_pid == held->id, "its address is %u, not %d", name.nl_pid, held->id) ||
	    !ok(held, name.nl_groups == RTMGRP_LINK, "its groups are %#x", name.nl_groups) ||
	    !ok(held, send(held->fd[0], &ask, sizeof(ask), 0) == sizeof(ask), "send: %m"))
		return false;
	do {
		ssize_t n = poll(&wait, 1, PATIENCE_MS) == 1 ? recv(held->fd[0], bytes, sizeof(bytes), 0) : -1;
		if (!ok(held, n > (ssize_t)sizeof(*header), "no answer"))
			return false;
	} while (header->nlmsg_seq != 99);
	return ok(held, header->nlmsg_type == RTM_NEWLINK, "the answer is of type %u", header->nlmsg_type);
}

static bool spoil_netlink(struct held *held)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = (unsigned)held->id};

	return bind(held->fd[0], (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* IP packets of the loopback interface. */
static bool prepare_packet(struct held *held)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = LOOPBACK,
	};

	held->fd[0] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (held->fd[0] < 0)
		return skip(held, "no packet socket: %m");
	return ok(held, bind(held->fd[0], (const struct sockaddr *)&address, sizeof(address)) == 0, "bind: %m");
}

static bool is_ours(const unsigned char *packet, ssize_t n, const char *text)
{
	return n > (ssize_t)strlen(text) && memcmp(packet + n - strlen(text), text, strlen(text)) == 0;
}

static bool check_packet(struct held *held)
{
	static const char text[] = "seen below";
	unsigned char packet[2048];
	struct sockaddr_in to = here;
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd wait = {.fd = held->fd[0], .events = POLLIN};
	bool seen = false;

	/* Those of others since the last check are not waited for. */
	while (recv(held->fd[0], packet, sizeof(packet), MSG_DONTWAIT) > 0)
		continue;
	to.sin_port = htons(9); /* discard: nobody is there, and the packet passes all the same */
	sendto(udp, text, strlen(text), 0, (const struct sockaddr *)&to, sizeof(to));
	while (!seen && poll(&wait, 1, PATIENCE_MS) == 1)
		seen = is_ours(packet, recv(held->fd[0], packet, sizeof(packet), 0), text);
	close(udp);
	return ok(held, seen, "it does not see a packet");
}

static bool spoil_packet(struct held *held)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = LOOPBACK};

	return bind(held->fd[0], (const struct sockaddr *)&address, sizeof(address)) == 0;
}

struct kinds packets_kinds(void)
{
	static const struct kind list[] = {
		{"raw-icmp", prepare_icmp, check_icmp, spoil_icmp},
		{"netlink-route", prepare_netlink, check_netlink, spoil_netlink},
		{"packet", prepare_packet, check_packet, spoil_packet},
	};
	return (struct kinds){list, countof(list)};
}
