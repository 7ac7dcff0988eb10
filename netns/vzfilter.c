/* vzfilter: owns the tables of the packet filter (netns/nft.h). vzd starts it with the listening socket as descriptor
 * 3; it outlives vzd, and ends when told so over the socket. Of root's powers it keeps the one over the network. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns/nft.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

#define LISTENER 3

static int drop_bounding_set(struct err *err)
{
	for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++)
		if (cap != CAP_NET_ADMIN && cap_drop_bound(cap) < 0)
			return err_set(err, errno, "drop capability %d", cap);
	return 0;
}

static int drop_privileges(struct err *err)
{
	int r = drop_bounding_set(err);
	if (r < 0)
		return r;

	cap_t caps = cap_from_text("cap_net_admin=ep");
	r = !caps || cap_set_proc(caps) < 0 ? err_set(err, errno, "drop capabilities") : 0;
	cap_free(caps);
	if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0))
		r = err_set(err, errno, "give up privileges");
	return r;
}

/* Nothing that befalls vzd or its terminal is to end us, and a client that goes away least of all. */
static int settle(struct err *err)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (fcntl(LISTENER, F_SETFD, FD_CLOEXEC) < 0 || chdir("/") < 0)
		return err_set(err, errno, "settle down");
	return 0;
}

static int print_help(FILE *out)
{
	fputs("usage: vzfilter [--help | --version]\n"
	      "\n"
	      "The packet filter of OpenVE: it owns the nftables tables \"inet openve\" and \"bridge openve\". vzd "
	      "starts it,\n"
	      "with its listening socket as file descriptor 3.\n",
	      out);
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	struct err err = {0};
	struct stat st;

	if (argc == 2 && str_eq(argv[1], "--version")) {
		puts("vzfilter " OPENVE_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && str_eq(argv[1], "--help"))
		return print_help(stdout);
	if (argc != 1 || fstat(LISTENER, &st) < 0 || !S_ISSOCK(st.st_mode))
		return print_help(stderr);

	int r = settle(&err);
	if (r == 0)
		r = drop_privileges(&err);
	if (r == 0)
		r = nft_serve(LISTENER, &err);
	if (r < 0)
		fprintf(stderr, "vzfilter: %s\n", err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
