#include "cmd/receive.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/client.h"
#include "cmd/errors.h"
#include "cmd/peer.h"
#include "runtime/base/err.h"
#include "runtime/base/frame.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define HELLO_MS 30000

struct relay {
	int in, out;	/* the giving node */
	int channel;	/* the worker of vzd */
	bool committed; /* it was told COMMIT: what it became is its own word only */
	struct client *client;
};

static int lost(struct err *err)
{
	return err_say(err, ERR_INTERRUPTED, "the giving node is gone");
}

static int hear(int fd, const char *word, int timeout_ms, struct frame *ret, struct err *err)
{
	int r = frame_receive(fd, timeout_ms, ret);
	if (r <= 0)
		return lost(err);
	return str_eq(ret->word, word) ? 0 : err_say(err, ERR_BAD_VALUE, "%s came in place of %s", ret->word, word);
}

static bool is_set(const struct kvfile *facts, const char *key)
{
	const char *value = kvfile_get(facts, key);
	return value && str_eq(value, "yes");
}

static int begin(struct relay *relay, const struct frame *offer, const struct frame *config, struct err *err)
{
	cleanup_kvfile struct kvfile *facts = NULL;
	cleanup_json sd_json_variant *parameters = NULL;
	int ends[2];

	int r = frame_facts(offer, &facts, err);
	if (r < 0)
		return r;
	r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR_STRING("facts", offer->body),
			   SD_JSON_BUILD_PAIR_STRING("config", config->body),
			   SD_JSON_BUILD_PAIR_BOOLEAN("check", is_set(facts, "CHECK")),
			   SD_JSON_BUILD_PAIR_BOOLEAN("keep", is_set(facts, "KEEP")));
	if (r < 0)
		return client_bad_json(err, r);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a socket");
	relay->channel = ends[0];
	r = client_push_fd(relay->client, ends[1], err);
	return r < 0 ? r : client_begin(relay->client, "MigrateIn", parameters, NULL, NULL, err);
}

static void hang_up(struct relay *relay)
{
	shutdown(relay->channel, SHUT_WR);
	relay->in = -1;
}

static void inwards(struct relay *relay)
{
	cleanup_frame struct frame frame = {0};

	if (frame_receive(relay->in, HELLO_MS, &frame) <= 0) {
		hang_up(relay);
		return;
	}
	/* Before: if it is not passed on whole, we do not know. */
	if (str_eq(frame.word, "COMMIT"))
		relay->committed = true;
	if (frame_send(relay->channel, frame.word, frame.body) < 0)
		hang_up(relay);
}

/* False at the end of what the worker says. */
static bool outwards(struct relay *relay)
{
	char bytes[4096];

	ssize_t n = read(relay->channel, bytes, sizeof(bytes));
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (io_write_all(relay->out, bytes, (size_t)n) < 0)
		hang_up(relay);
	return true;
}

/* Both ways, until vzd has answered and the worker has said all. */
static int carry(struct relay *relay)
{
	bool open = true;
	int r = client_process(relay->client);

	while (r > 0 || open) {
		struct pollfd ready[] = {
			{.fd = relay->in, .events = POLLIN},
			{.fd = open ? relay->channel : -1, .events = POLLIN},
			{.fd = r > 0 ? client_fd(relay->client) : -1,
			 .events = r > 0 ? client_events(relay->client) : 0},
		};
		if (poll(ready, countof(ready), -1) < 0 && errno != EINTR)
			return -errno;
		if (ready[0].revents)
			inwards(relay);
		if (ready[1].revents)
			open = outwards(relay);
		if (ready[2].revents)
			r = client_process(relay->client);
		/* vzd is gone, and its worker is not: it discards all when it hears no more. */
		if (r < 0)
			hang_up(relay);
	}
	return r;
}

static int serve(struct relay *relay, struct err *err)
{
	cleanup_kvfile struct kvfile *self = peer_self(), *other = NULL;
	cleanup_frame struct frame hello = {0}, offer = {0}, config = {0};
	int r;

	if (frame_send_facts(relay->out, "HELLO", self) < 0)
		return lost(err);
	if ((r = hear(relay->in, "HELLO", HELLO_MS, &hello, err)) < 0 || (r = frame_facts(&hello, &other, err)) < 0 ||
	    (r = peer_speaks(other, err)) < 0 || (r = client_connect(&relay->client, err)) < 0 ||
	    (r = hear(relay->in, "OFFER", -1, &offer, err)) < 0 ||
	    (r = hear(relay->in, "CONFIG", HELLO_MS, &config, err)) < 0 || (r = begin(relay, &offer, &config, err)) < 0)
		return r;
	return carry(relay);
}

/* FAILED says for certain that nothing of it stays here: that is not so if the worker was lost when it was becoming
 * this node's. */
static void tell_failure(const struct relay *relay, const struct err *err)
{
	cleanup_kvfile struct kvfile *reason = kvfile_new();
	bool certain = !relay->committed || err->kind != ERR_INTERRUPTED;

	kvfile_set(reason, "ERROR", error_table[err->kind].name);
	kvfile_set(reason, "REASON", err->text);
	frame_send_facts(relay->out, certain ? "FAILED" : "LOST", reason);
}

int receive_run(int in, int out)
{
	struct relay relay = {.in = in, .out = out, .channel = -1};
	struct err err = {0};

	int r = serve(&relay, &err);
	client_free(relay.client);
	fd_close(relay.channel);
	if (r >= 0)
		return EXIT_SUCCESS;
	err_set(&err, -r, "receive");
	tell_failure(&relay, &err);
	return EXIT_FAILURE;
}
