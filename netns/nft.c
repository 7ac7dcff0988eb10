/* The client of vzfilter: one connection is one question. */
#include "netns/nft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define PATIENCE 60 /* seconds: several rebuilds of a full node may be waiting in front of us */

static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = PATIENCE};

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ENAMETOOLONG, "connect to %s", path);
	strcpy(address.sun_path, path);

	cleanup_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return err_set(err, errno, "make a socket");
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, errno, "no packet filter serves on %s; vzd starts one", path);
	return steal_fd(&sock);
}

static int send_all(int sock, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(sock, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return shutdown(sock, SHUT_WR) < 0 ? -errno : 0;
}

/* Send the request and wait for the answer. Returns the errno in it, positive; *ret_text is what comes after that. */
static int ask(const char *path, const char *request, char **ret_text, struct err *err)
{
	cleanup_fd int sock = connect_to(path, err);
	if (sock < 0)
		return sock;

	cleanup_free char *answer = NULL;
	int r = send_all(sock, request, strlen(request));
	if (r == 0)
		r = io_read_fd(sock, &answer, NULL);
	if (r < 0)
		return err_set(err, -r, "talk to the packet filter on %s", path);

	char *end;
	long no = strtol(answer, &end, 10);
	if (end == answer || *end != '\n' || no < 0 || no > 4095)
		return err_set(err, EPROTO, "understand the packet filter on %s", path);
	*ret_text = mem_strdup(end + 1);
	return (int)no;
}

int nft_run(const char *socket_path, const char *commands, char **ret_output, struct err *err)
{
	cleanup_free char *text = NULL;

	int no = ask(socket_path, commands, &text, err);
	if (no < 0)
		return no;
	if (no > 0) {
		if (err->kind == ERR_NONE)
			err->no = no;
		return err_say(err, ERR_SYSTEM, "the packet filter refuses a change: %s", text);
	}
	if (ret_output)
		*ret_output = steal_ptr(text);
	return 0;
}

bool nft_is_current(const char *socket_path)
{
	cleanup_free char *version = NULL;
	struct err ignored = {0};

	return ask(socket_path, "version", &version, &ignored) == 0 && version && str_eq(version, OPENVE_VERSION);
}

void nft_quit(const char *socket_path)
{
	cleanup_free char *nothing = NULL;
	struct err ignored = {0};

	ask(socket_path, "quit", &nothing, &ignored);
}
