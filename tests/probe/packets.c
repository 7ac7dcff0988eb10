/* A VE's root and netfilter, for suites: `packets flows N` sends N datagrams that are each a connection of its own, and
 * says how many went; `packets fragments N` the first fragments of N packets whose rest never comes; `packets xtables`
 * asks for the table "filter" by the interface that iptables had before nftables. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS 60000
#define FRAGMENT 1400

/* include/uapi/linux/netfilter_ipv4/ip_tables.h */
#define IPT_SO_GET_INFO 64
struct xtables_info {
	char name[32];
	unsigned numbers[13];
};

static struct sockaddr_in loopback(unsigned host, unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host),
	};
}

static int send_flows(unsigned n)
{
	unsigned sent = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_in to = loopback(i / PORTS, 1024 + i % PORTS);
		/* Where nobody listens the one before is refused, which is told by the next. */
		for (int tries = 0; tries < 2; tries++)
			if (sendto(fd, "", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1) {
				sent++;
				break;
			}
	}
	printf("%u\n", sent);
	return 0;
}

static int send_fragments(unsigned n)
{
	static char packet[FRAGMENT];
	struct iphdr *header = (void *)packet;
	struct sockaddr_in to = loopback(0, 0);
	unsigned sent = 0;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	for (unsigned i = 0; i < n; i++) {
		*header = (struct iphdr){
			.version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.id = htons((uint16_t)(i % 65535 + 1)),
			.frag_off = htons(IP_MF),
			.tot_len = htons(FRAGMENT - FRAGMENT % 8 - 4), /* 20 bytes of header, a multiple of 8 of data */
			.saddr = htonl(INADDR_LOOPBACK + 1 + i / 65535),
			.daddr = to.sin_addr.s_addr,
		};
		sent += sendto(fd, packet, ntohs(header->tot_len), 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
	}
	printf("%u\n", sent);
	return 0;
}

static int ask_xtables(void)
{
	struct xtables_info info = {.name = "filter"};
	socklen_t size = sizeof(info);
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	int r = getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &size);
	puts(r < 0 ? strerror(errno) : "yes");
	return r < 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "flows") == 0)
		return send_flows((unsigned)atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "fragments") == 0)
		return send_fragments((unsigned)atoi(argv[2]));
	if (argc == 2 && strcmp(argv[1], "xtables") == 0)
		return ask_xtables();
	fputs("usage: packets flows N | fragments N | xtables\n", stderr);
	return 2;
}
