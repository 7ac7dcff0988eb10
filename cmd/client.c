#include "cmd/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-varlink.h>

#include "cmd/errors.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

struct client {
	sd_varlink *link;
	/* the call under way */
	client_answer_t *answer;
	void *ctx;
	struct err *err;
	bool done;
	int r;
};

static int cannot_reach(int r, struct err *err)
{
	if (r == -EACCES || r == -EPERM)
		return err_say(
			err, ERR_PERMISSION,
			"This program can only be run under root or in group vzadmin: cannot reach vzd at %s: %s",
			PATH_SOCKET, strerror(-r));
	return err_say(err, ERR_SYSTEM, "cannot reach vzd at %s: %s; start it (systemctl start vzd)", PATH_SOCKET,
		       strerror(-r));
}

/* vzd's errors carry the message for the person at the terminal; varlink's own do not. */
static int fill_error(struct err *err, const char *error, sd_json_variant *parameters)
{
	const char *reason = sd_json_variant_string(sd_json_variant_by_key(parameters, "reason"));
	const char *step = sd_json_variant_string(sd_json_variant_by_key(parameters, "step"));
	const char *parameter = sd_json_variant_string(sd_json_variant_by_key(parameters, "parameter"));
	enum err_kind kind = error_kind(error);

	if (reason)
		err_say(err, kind, "%s", reason);
	else if (str_eq(error, SD_VARLINK_ERROR_DISCONNECTED))
		err_say(err, kind, "vzd closed the connection before it answered; its log says why");
	else if (parameter)
		err_say(err, kind, "vzd does not take `%s' (%s); is it of another version?", parameter, error);
	else
		err_say(err, kind, "vzd answered %s; is it of another version?", error);

	err->no = (int)sd_json_variant_integer(sd_json_variant_by_key(parameters, "errno"));
	if (step)
		err_step(err, step);
	return err->no > 0 ? -err->no : -EINVAL;
}

static int on_reply(sd_varlink *link, sd_json_variant *parameters, const char *error, sd_varlink_reply_flags_t flags,
		    void *userdata)
{
	struct client *client = userdata;
	(void)link;

	if (error)
		client->r = fill_error(client->err, error, parameters);
	else if (client->answer)
		client->r = client->answer(client->ctx, parameters);
	client->done = client->r < 0 || !(flags & SD_VARLINK_REPLY_CONTINUES);
	return 0;
}

static int set_up(struct client *client)
{
	sd_varlink_set_userdata(client->link, client);

	int r = sd_varlink_bind_reply(client->link, on_reply);
	if (r >= 0) /* an operation takes as long as it takes */
		r = sd_varlink_set_relative_timeout(client->link, UINT64_MAX);
	if (r >= 0)
		r = sd_varlink_set_allow_fd_passing_output(client->link, true);
	if (r >= 0)
		r = sd_varlink_set_allow_fd_passing_input(client->link, true);
	return r;
}

/* What we open must not become the stdout of a command in a VE because our caller had closed it. */
static void hold_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(fd);
}

int client_connect(struct client **ret, struct err *err)
{
	cleanup_client struct client *client = mem_zero(1, sizeof(*client));

	hold_stdio();
	int r = sd_varlink_connect_address(&client->link, PATH_SOCKET);
	if (r < 0)
		return cannot_reach(r, err);
	r = set_up(client);
	if (r < 0)
		return err_set(err, -r, "set up the connection to vzd");
	*ret = steal_ptr(client);
	return 0;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	sd_varlink_close_unref(client->link);
	free(client);
}

int client_begin(struct client *client, const char *method, sd_json_variant *parameters, client_answer_t *answer,
		 void *ctx, struct err *err)
{
	cleanup_free char *name = str_fmt("%s.%s", INTERFACE_NAME, method);

	client->answer = answer;
	client->ctx = ctx;
	client->err = err;
	client->done = false;
	client->r = 0;

	int r = sd_varlink_observe(client->link, name, parameters);
	return r < 0 ? err_set(err, -r, "send the call %s to vzd", name) : 0;
}

int client_process(struct client *client)
{
	while (!client->done) {
		int r = sd_varlink_process(client->link);
		if (r < 0)
			return err_set(client->err, -r, "talk to vzd");
		if (r == 0)
			return 1;
	}
	return client->r;
}

int client_fd(struct client *client)
{
	return sd_varlink_get_fd(client->link);
}

short client_events(struct client *client)
{
	int events = sd_varlink_get_events(client->link);
	return events < 0 ? 0 : (short)events;
}

int client_call(struct client *client, const char *method, sd_json_variant *parameters, client_answer_t *answer,
		void *ctx, struct err *err)
{
	int r = client_begin(client, method, parameters, answer, ctx, err);
	if (r < 0)
		return r;

	while ((r = client_process(client)) > 0) {
		int w = sd_varlink_wait(client->link, UINT64_MAX);
		if (w < 0 && w != -EINTR)
			return err_set(err, -w, "wait for vzd");
	}
	return r;
}

int client_push_fd(struct client *client, int fd, struct err *err)
{
	int r = sd_varlink_push_fd(client->link, fd);
	if (r < 0) {
		fd_close(fd);
		return err_set(err, -r, "hand a file descriptor to vzd");
	}
	return 0;
}

int client_take_fd(struct client *client)
{
	int fd = sd_varlink_take_fd(client->link, 0);
	return fd < 0 ? -1 : fd;
}

int client_bad_json(struct err *err, int r)
{
	if (r == -EUCLEAN)
		return err_say(err, ERR_BAD_VALUE, "vzd takes only text that is valid UTF-8");
	return err_set(err, -r, "put the call together");
}
