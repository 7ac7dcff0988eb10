/* The server: libnftables' context lives as long as the process, and with it the netlink socket by which the kernel
 * knows the owner of the tables. One request at a time, in the order of their coming. */
#include "netns/nft.h"

#include <nftables/libnftables.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define PATIENCE 10 /* seconds that a client may keep the others waiting without a word */

static void free_context(struct nft_ctx **nft)
{
	if (*nft)
		nft_ctx_free(*nft);
	*nft = NULL;
}

#define cleanup_context __attribute__((cleanup(free_context)))

static struct nft_ctx *new_context(struct err *err)
{
	cleanup_context struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft || nft_ctx_buffer_output(nft) != 0 || nft_ctx_buffer_error(nft) != 0) {
		err_set(err, ENOMEM, "set up libnftables");
		return NULL;
	}
	nft_ctx_input_set_flags(nft, NFT_CTX_INPUT_NO_DNS);
	return steal_ptr(nft);
}

/* libnftables gives no error numbers, only their texts, with something before and perhaps something behind. */
static int error_number(const char *line)
{
	static const int known[] = {EEXIST, ENOENT, EPERM, EBUSY, ENFILE, ENOMEM, EOPNOTSUPP, ENOBUFS, EMLINK};

	for (size_t i = 0; i < countof(known); i++)
		if (strstr(line, strerror(known[i])))
			return known[i];
	return EINVAL;
}

/* The first line without the place in front of it, and the next, which quotes the command. */
static char *first_error(const char *text)
{
	const char *error = strstr(text, "Error: ");
	if (!error)
		return str_fmt("%.200s", text);

	error += strlen("Error: ");
	int len = (int)strcspn(error, "\n");
	const char *command = error + len + (error[len] != '\0');
	return str_fmt("%.*s (%.*s)", len, error, (int)strcspn(command, "\n"), command);
}

static int answer(int sock, int no, const char *text)
{
	cleanup_free char *head = str_fmt("%d\n", no);
	int r = io_write_all(sock, head, strlen(head));
	return r < 0 ? r : io_write_all(sock, text, strlen(text));
}

/* Who has given up waiting has taken back what he did; then it must not be done either. */
static bool has_given_up(int sock)
{
	struct pollfd client = {.fd = sock};
	return poll(&client, 1, 0) > 0 && client.revents & (POLLHUP | POLLERR);
}

static int run(int sock, struct nft_ctx *nft, const char *commands)
{
	bool done = nft_run_cmd_from_buffer(nft, commands) == 0;
	const char *output = nft_ctx_get_output_buffer(nft), *errors = nft_ctx_get_error_buffer(nft);
	if (done)
		return answer(sock, 0, output);

	cleanup_free char *error = first_error(errors);
	return answer(sock, error_number(error), error);
}

/* Returns whether to go on. What cannot be read or answered concerns only him who asked. */
static bool serve(int sock, struct nft_ctx **nft)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	cleanup_free char *request = NULL;

	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    io_read_fd(sock, &request, NULL) < 0)
		return true;

	if (str_eq(request, "quit")) {
		free_context(nft);
		answer(sock, 0, "");
		return false;
	}
	if (str_eq(request, "version"))
		answer(sock, 0, OPENVE_VERSION);
	else if (!has_given_up(sock))
		run(sock, *nft, request);
	return true;
}

int nft_serve(int listener, struct err *err)
{
	cleanup_context struct nft_ctx *nft = new_context(err);
	if (!nft)
		return -ENOMEM;

	for (bool on = true; on;) {
		cleanup_fd int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (sock >= 0)
			on = serve(sock, &nft);
		else if (errno != EINTR && errno != ECONNABORTED)
			return err_set(err, errno, "accept a connection");
	}
	return 0;
}
