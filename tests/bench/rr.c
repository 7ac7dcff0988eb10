/* Requests and responses of one byte over one TCP connection, one after the other: how long a round trip takes.
 * `rr serve PORT` answers for ever; `rr ADDRESS PORT N` prints the median of N round trips in microseconds. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int answer(int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int listener = socket(AF_INET6, SOCK_STREAM, 0);
	char byte;

	if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(listener, 8) < 0)
		fail("listen");
	for (;;) {
		int sock = accept(listener, NULL, NULL), on = 1;
		setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		while (read(sock, &byte, 1) == 1 && write(sock, &byte, 1) == 1)
			;
		close(sock);
	}
}

static int dial(const char *address, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || sock < 0 ||
	    connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail(address);
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return sock;
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int ask(int sock, size_t n)
{
	double *times = calloc(n, sizeof(*times));
	char byte = 0;

	for (size_t i = 0; i < n; i++) {
		double start = now();
		if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1)
			fail("round trip");
		times[i] = now() - start;
	}
	qsort(times, n, sizeof(*times), compare);
	printf("%.1f\n", times[n / 2]);
	free(times);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return answer(atoi(argv[2]));
	if (argc == 4)
		return ask(dial(argv[1], argv[2]), strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: rr serve PORT | rr ADDRESS PORT N\n");
	return 2;
}
