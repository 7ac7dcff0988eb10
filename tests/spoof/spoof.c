/* Sends what a guest must not be able to send, and tells what of it arrives. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/spoof/tap.h"

static int usage(void)
{
	fputs("usage: spoof list\n"
	      "       spoof send INTERFACE PROBE|all|honest [KEY=VALUE]...\n"
	      "       spoof listen INTERFACE SECONDS\n"
	      "\n"
	      "KEY is ip4, ip6, mac (of the sender; the interface's MAC if not given), to-ip4, to-ip6, to-mac "
	      "(everybody's\n"
	      "if not given), victim-ip4, victim-ip6 or victim-mac. \"all\" is all that are not honest. listen prints "
	      "the name\n"
	      "of each probe that arrives.\n",
	      stderr);
	return 2;
}

static int failed(const char *what, int r)
{
	fprintf(stderr, "spoof: %s: %s\n", what, strerror(-r));
	return 1;
}

static int list(void)
{
	const struct probe *probe;

	for (size_t i = 0; (probe = probe_at(i)); i++)
		printf("%-18s%s%s%s  %s\n", probe->name, probe->where & LINK ? "L" : "-",
		       probe->where & ROUTED ? "R" : "-", probe->honest ? "h" : "-", probe->what);
	return 0;
}

static int parse_who(struct who *who, const char *text)
{
	const char *value;

	if ((value = str_after(text, "ip4=")))
		return ip_parse(value, &who->ip4);
	if ((value = str_after(text, "ip6=")))
		return ip_parse(value, &who->ip6);
	if ((value = str_after(text, "mac=")))
		return mac_parse(value, &who->mac);
	return -EINVAL;
}

static int parse_cast(struct cast *cast, char *texts[])
{
	for (; *texts; texts++) {
		const char *rest;
		int r = (rest = str_after(*texts, "to-"))	? parse_who(&cast->to, rest)
			: (rest = str_after(*texts, "victim-")) ? parse_who(&cast->victim, rest)
								: parse_who(&cast->me, *texts);
		if (r < 0) {
			fprintf(stderr, "spoof: no such thing: %s\n", *texts);
			return r;
		}
	}
	return 0;
}

static bool is_wanted(const struct probe *probe, const char *name)
{
	return str_eq(name, "all")	? !probe->honest
	       : str_eq(name, "honest") ? probe->honest
					: str_eq(name, probe->name);
}

static int send_probes(const char *interface, const char *name, char *texts[])
{
	struct cast cast = {.to.mac = {{255, 255, 255, 255, 255, 255}}};
	const struct probe *probe;
	bool sent = false;

	cleanup_fd int sock = tap_open(interface);
	int r = sock < 0 ? sock : tap_mac(interface, &cast.me.mac);
	if (r < 0)
		return failed(interface, r);
	if (parse_cast(&cast, texts) < 0)
		return 2;
	for (size_t i = 0; (probe = probe_at(i)); i++) {
		if (!is_wanted(probe, name))
			continue;
		r = tap_send(sock, probe, &cast);
		if (r < 0)
			return failed(probe->name, r);
		sent = true;
	}
	return sent ? 0 : failed(name, -ENOENT);
}

static int listen_to(const char *interface, uint32_t seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	cleanup_fd int sock = tap_listen(interface);
	if (sock < 0)
		return failed(interface, sock);

	for (time_t now = time(NULL); now < end; now = time(NULL)) {
		const struct probe *probe = tap_hear(sock, (int)(end - now) * 1000);
		if (probe)
			puts(probe->name);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char *argv[])
{
	uint32_t seconds;

	if (argc == 2 && str_eq(argv[1], "list"))
		return list();
	if (argc >= 4 && str_eq(argv[1], "send"))
		return send_probes(argv[2], argv[3], argv + 4);
	if (argc == 4 && str_eq(argv[1], "listen") && str_u32(argv[3], &seconds) == 0 && seconds < 3600)
		return listen_to(argv[2], seconds);
	return usage();
}
