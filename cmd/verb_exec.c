/* Exec: start a command in a VE and hand it over to vzd, who waits for it. */
#include <sys/stat.h>

#include "cmd/message.h"
#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/enter.h"

#define STDIO 3

/* A file, a terminal or a directory of the node would be open to all of the VE: pipes only. */
static int check_pipes(const struct invocation *invocation)
{
	struct err *err = invocation->work->op.err;
	struct stat st;

	if (invocation->n_fds != STDIO)
		return err_say(err, ERR_BAD_VALUE, "a command without a terminal needs %d descriptors, and %zu came",
			       STDIO, invocation->n_fds);
	for (size_t i = 0; i < STDIO; i++) {
		if (fstat(invocation->fds[i], &st) < 0)
			return err_set(err, errno, "look at descriptor %zu", i);
		if (!S_ISFIFO(st.st_mode))
			return err_say(err, ERR_BAD_VALUE, "descriptor %zu is not a pipe", i);
	}
	return 0;
}

/* The strings stay those of the parameters; the caller frees the array. */
static const char **argv_of(const struct invocation *invocation)
{
	sd_json_variant *words = sd_json_variant_by_key(invocation->parameters, "argv");
	size_t n = sd_json_variant_elements(words);
	const char **argv = mem_zero(n + 1, sizeof(*argv));

	for (size_t i = 0; i < n; i++)
		argv[i] = sd_json_variant_string(sd_json_variant_by_index(words, i));
	return argv;
}

static void hand_over(struct work *work, struct session *session)
{
	struct message message = MESSAGE_NONE;

	message.kind = MESSAGE_COMMAND;
	message.fds[0] = session->pidfd;
	message.fds[1] = session->tty;
	message.text = session->cgroup;
	message_send(work->channel, &message);
	session_done(session);
}

static struct exec_request request_of(const struct invocation *invocation, const char *const *argv)
{
	return (struct exec_request){
		.argv = argv,
		.shell = verb_flag(invocation, "shell"),
		.tty = verb_flag(invocation, "tty"),
		.size.ws_row = (unsigned short)verb_number(invocation, "rows"),
		.size.ws_col = (unsigned short)verb_number(invocation, "columns"),
		.term = verb_text(invocation, "term"),
		.stdio = {-1, -1, -1},
	};
}

int verb_exec(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct op *op = &invocation->work->op;
	cleanup_free const char **argv = argv_of(invocation);
	struct exec_request request = request_of(invocation, argv);
	struct session session;
	(void)ret_answer;

	if (request.tty && !invocation->more)
		return err_say(op->err, ERR_BAD_VALUE, "a terminal can only be handed over to a call with `more`");
	if (!request.shell && !argv[0])
		return err_say(op->err, ERR_MISSING_PARAM, "no command is given");
	if (!request.tty) {
		int r = check_pipes(invocation);
		if (r < 0)
			return r;
		for (size_t i = 0; i < STDIO; i++)
			request.stdio[i] = invocation->fds[i];
	}
	int r = enter_exec(op, invocation->ctid, &request, &session);
	if (r == 0)
		hand_over(invocation->work, &session);
	return r;
}
