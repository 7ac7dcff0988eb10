/* A client's connection to vzd, and calls over it. The answers are JSON; everything else of sd-varlink stays in here.
 */
#pragma once

#include <systemd/sd-json.h>

struct client;
struct err;

/* Hears every answer to a call, the last one too. A negative result ends the call and is its result. */
typedef int client_answer_t(void *ctx, sd_json_variant *answer);

/* What vzctl exits with when there is no vzd to talk to; vzerror.h has it for "not an OpenVZ kernel". */
#define CLIENT_EXIT_NO_DAEMON 5

/* ERR_PERMISSION if this user may not; else vzd does not run. Of 0, 1 and 2, those that are closed become /dev/null. */
int client_connect(struct client **ret, struct err *err);
void client_free(struct client *client);
static inline void client_freep(struct client **client)
{
	client_free(*client);
}
#define cleanup_client __attribute__((cleanup(client_freep)))

/* Call a method by its bare name and wait for all its answers. Parameters may be NULL. */
int client_call(struct client *client, const char *method, sd_json_variant *parameters, client_answer_t *answer,
		void *ctx, struct err *err);

/* The same in parts, for a caller who has more to wait for. Begin; then, whenever client_fd() is ready for
 * client_events(), process: 1 while answers are to come, 0 after the last. `err` must live as long. */
int client_begin(struct client *client, const char *method, sd_json_variant *parameters, client_answer_t *answer,
		 void *ctx, struct err *err);
int client_process(struct client *client);
int client_fd(struct client *client);
short client_events(struct client *client);

/* Send a descriptor along with the call that begins next. It belongs to the connection from now on. */
int client_push_fd(struct client *client, int fd, struct err *err);

/* Take the descriptor that came with the current answer; -1 if none did. */
int client_take_fd(struct client *client);

#define cleanup_json __attribute__((cleanup(sd_json_variant_unrefp)))

/* The reason for a failure to put a value into JSON: texts must be UTF-8 there. */
int client_bad_json(struct err *err, int r);
