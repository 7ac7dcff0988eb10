/* A network namespace inside the VE's: a pair of interfaces, one with an address, and a socket that uses it. */
#include "tests/objects/helper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "10.99.7.1"
#define MTU 1300

struct request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char attributes[512];
};

static struct rtattr *add(struct request *request, unsigned short type, const void *data, size_t size)
{
	struct rtattr *attribute = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size > 0)
		memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + (unsigned)RTA_ALIGN(attribute->rta_len);
	return attribute;
}

static void close_nest(const struct request *request, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((const char *)request + request->header.nlmsg_len - (const char *)nest);
}

/* Whether the kernel does what is asked; errno says why not. */
static bool ask(struct request *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[1024];
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	bool done = send(fd, request, request->header.nlmsg_len, 0) > 0 && recv(fd, &answer, sizeof(answer), 0) > 0;
	close(fd);
	errno = -answer.error.error;
	return done && answer.error.error == 0;
}

static bool make_pair(void)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			   .nlmsg_type = RTM_NEWLINK,
			   .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL},
	};

	add(&request, IFLA_IFNAME, "held0", 6);
	struct rtattr *info = add(&request, IFLA_LINKINFO, NULL, 0);
	add(&request, IFLA_INFO_KIND, "veth", 4);
	struct rtattr *data = add(&request, IFLA_INFO_DATA, NULL, 0);
	struct rtattr *peer = add(&request, VETH_INFO_PEER, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg));
	add(&request, IFLA_IFNAME, "held1", 6);
	close_nest(&request, peer);
	close_nest(&request, data);
	close_nest(&request, info);
	return ask(&request);
}

static bool add_address(void)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			   .nlmsg_type = RTM_NEWADDR,
			   .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL},
		.address = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = if_nametoindex("held0")},
	};
	in_addr_t address = inet_addr(ADDRESS);

	add(&request, IFA_LOCAL, &address, sizeof(address));
	add(&request, IFA_ADDRESS, &address, sizeof(address));
	return ask(&request);
}

/* One of the questions of netdevice(7). */
static struct ifreq about(const char *name, unsigned long question)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	ioctl(fd, question, &request);
	close(fd);
	return request;
}

static bool change(const char *name, unsigned long what, struct ifreq request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	bool done = ioctl(fd, what, &request) == 0;
	close(fd);
	return done;
}

static bool set_up(const char *name)
{
	return change(name, SIOCSIFFLAGS, (struct ifreq){.ifr_flags = IFF_UP | IFF_RUNNING});
}

static bool prepare_netns(struct held *held)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(ADDRESS)};

	if (unshare(CLONE_NEWNET) < 0)
		return skip(held, "no network namespace can be made: %m");
	if (!make_pair())
		return skip(held, "no pair of interfaces can be made: %m");
	held->fd[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq hardware = about("held0", SIOCGIFHWADDR);
	memcpy(held->text, hardware.ifr_hwaddr.sa_data, 6);
	return ok(held, add_address(), "add an address: %m") &&
	       ok(held, set_up("lo") && set_up("held0") && set_up("held1"), "bring them up: %m") &&
	       ok(held, change("held0", SIOCSIFMTU, (struct ifreq){.ifr_mtu = MTU}), "set the MTU: %m") &&
	       ok(held, bind(held->fd[0], (const struct sockaddr *)&address, sizeof(address)) == 0, "bind: %m");
}

static bool check_netns(struct held *held)
{
	struct sockaddr_in name = {0};
	socklen_t size = sizeof(name);
	struct ifreq address = about("held0", SIOCGIFADDR);
	struct sockaddr_in is;

	memcpy(&is, &address.ifr_addr, sizeof(is));
	getsockname(held->fd[0], (struct sockaddr *)&name, &size);
	return ok(held, if_nametoindex("held0") && if_nametoindex("held1"), "the interfaces are gone") &&
	       ok(held, is.sin_addr.s_addr == inet_addr(ADDRESS), "the address is gone") &&
	       ok(held, about("held0", SIOCGIFMTU).ifr_mtu == MTU, "its MTU is another one") &&
	       ok(held, about("held1", SIOCGIFFLAGS).ifr_flags & IFF_UP, "the other end is down") &&
	       ok(held, memcmp(about("held0", SIOCGIFHWADDR).ifr_hwaddr.sa_data, held->text, 6) == 0,
		  "its MAC is another one") &&
	       ok(held, sendto(held->fd[0], "x", 1, 0, (struct sockaddr *)&name, size) == 1 && get(held->fd[0], "x"),
		  "nothing goes to the address: %m");
}

static bool spoil_netns(struct held *held)
{
	(void)held;
	return change("held0", SIOCSIFMTU, (struct ifreq){.ifr_mtu = MTU + 1});
}

struct kinds netns_kinds(void)
{
	static const struct kind list[] = {
		{"network-namespace", prepare_netns, check_netns, spoil_netns},
	};
	return (struct kinds){list, countof(list)};
}
