/* Numbered lines over one TCP connection, to see from outside what a stop does to it. The server answers each line with
 * its own count of lines before it; the client knows which count must come. */
#include "tests/objects/helper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STALL_LIMIT_S 120 /* after which the client gives the connection up */

static int failed(const char *what)
{
	fprintf(stderr, "objects: %s: %m\n", what);
	return 1;
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Numeric, of either family. The size of the address, 0 if it is none. */
static socklen_t parse(const char *address, const char *port, union address *ret)
{
	in_port_t number = htons((uint16_t)atoi(port));
	union address parsed = {0};

	if (inet_pton(AF_INET, address, &parsed.in.sin_addr) == 1) {
		parsed.in.sin_family = AF_INET;
		parsed.in.sin_port = number;
		*ret = parsed;
		return sizeof(parsed.in);
	}
	parsed = (union address){.in6 = {.sin6_family = AF_INET6, .sin6_port = number}};
	if (inet_pton(AF_INET6, address, &parsed.in6.sin6_addr) != 1)
		return 0;
	*ret = parsed;
	return sizeof(parsed.in6);
}

/* -1 with errno. */
static int open_socket(const char *text, const char *port, bool bound)
{
	union address address;
	socklen_t size = parse(text, port, &address);

	if (size == 0) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if ((bound ? bind(fd, &address.any, size) : connect(fd, &address.any, size)) == 0)
		return fd;
	int no = errno;
	close(fd);
	errno = no;
	return -1;
}

static int answer_lines(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[256];

	for (unsigned long n = 0; in && fgets(line, sizeof(line), in); n++)
		if (dprintf(fd, "%lu %s", n, line) < 0)
			return 1;
	return 0;
}

/* A process for each connection. */
int echo_serve(const char *address, const char *port)
{
	int listener = open_socket(address, port, true);

	if (listener < 0 || listen(listener, 16) < 0)
		return failed(address);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			_exit(answer_lines(fd));
		}
		close(fd);
	}
}

/* The answer to line n, waited for. False with what came instead. */
static bool expect(FILE *in, unsigned n, char came[static 256])
{
	char wanted[64];

	errno = 0;
	if (!fgets(came, 256, in)) {
		snprintf(came, 256, "%s", errno ? strerror(errno) : "the end of the connection");
		return false;
	}
	snprintf(wanted, sizeof(wanted), "%u line %u\n", n, n);
	if (strcmp(came, wanted) == 0)
		return true;
	came[strcspn(came, "\n")] = 0;
	return false;
}

int echo_call(const char *address, const char *port, unsigned count, unsigned interval_ms)
{
	const struct timeval patience = {.tv_sec = STALL_LIMIT_S};
	int64_t longest = 0;
	char came[256];
	unsigned n;
	int fd = open_socket(address, port, false);

	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in)
		return failed(address);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	signal(SIGPIPE, SIG_IGN);
	for (n = 0; n < count; n++) {
		int64_t start = now(CLOCK_MONOTONIC);
		if (dprintf(fd, "line %u\n", n) < 0) {
			snprintf(came, sizeof(came), "%s", strerror(errno));
			break;
		}
		if (!expect(in, n, came))
			break;
		int64_t took = now(CLOCK_MONOTONIC) - start;
		longest = took > longest ? took : longest;
		pause_ms(interval_ms);
	}
	printf("%u of %u lines, longest stall %ld ms\n", n, count, longest / MS);
	puts(n == count ? "the connection survived" : "the connection did not survive");
	if (n < count)
		printf("instead of the answer to line %u came: %s\n", n, came);
	fclose(in);
	return n < count;
}
