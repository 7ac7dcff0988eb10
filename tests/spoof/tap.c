#include "tests/spoof/tap.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "runtime/base/mem.h"

static int open_packet(const char *interface, int protocol)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol)};

	address.sll_ifindex = (int)if_nametoindex(interface);
	if (address.sll_ifindex == 0)
		return -errno;
	cleanup_fd int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons((uint16_t)protocol));
	if (sock < 0 || bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&sock);
}

int tap_mac(const char *interface, struct mac *ret)
{
	struct ifreq request = {0};
	cleanup_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (sock < 0 || ioctl(sock, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(ret->bytes, request.ifr_hwaddr.sa_data, sizeof(ret->bytes));
	return 0;
}

int tap_open(const char *interface)
{
	return open_packet(interface, 0);
}

int tap_send(int sock, const struct probe *probe, const struct cast *cast)
{
	for (unsigned part = 0; part == 0 || part < probe->parts; part++) {
		struct frame frame = {0};
		probe->build(&frame, probe, cast, part);
		if (send(sock, frame.bytes, frame.len, 0) < 0)
			return -errno;
	}
	return 0;
}

int tap_listen(const char *interface)
{
	return open_packet(interface, ETH_P_ALL);
}

int tap_listen_ip(int family, int protocol)
{
	int sock = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	return sock < 0 ? -errno : sock;
}

/* The probe whose mark is in there. */
static const struct probe *recognise(const char *bytes, size_t n)
{
	const char *mark = memmem(bytes, n, PROBE_MARK, strlen(PROBE_MARK));
	if (!mark)
		return NULL;

	char name[64] = "";
	const char *begin = mark + strlen(PROBE_MARK), *end = memchr(begin, ';', n - (size_t)(begin - bytes));
	if (end && (size_t)(end - begin) < sizeof(name))
		memcpy(name, begin, (size_t)(end - begin));
	return probe_find(name);
}

/* What the machine itself sends through a packet socket's interface is heard there, too. */
static const struct probe *hear_one(int sock)
{
	char bytes[4096];
	struct sockaddr_storage from = {0};
	socklen_t size = sizeof(from);

	ssize_t n = recvfrom(sock, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
	bool own = from.ss_family == AF_PACKET && ((struct sockaddr_ll *)&from)->sll_pkttype == PACKET_OUTGOING;
	return n > 0 && !own ? recognise(bytes, (size_t)n) : NULL;
}

static int elapsed_ms(const struct timespec *since)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)((now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000);
}

const struct probe *tap_hear(int sock, int ms)
{
	struct timespec begin;
	clock_gettime(CLOCK_MONOTONIC, &begin);

	for (;;) {
		int left = ms - elapsed_ms(&begin);
		if (left < 0 || poll(&(struct pollfd){.fd = sock, .events = POLLIN}, 1, left) <= 0)
			return NULL;
		const struct probe *probe = hear_one(sock);
		if (probe)
			return probe;
	}
}
