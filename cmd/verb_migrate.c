/* The two sides of a move, each with a stream to the vzmigrate that asked. */
#include <sys/socket.h>

#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/migrate.h"

static int take_channel(const struct invocation *invocation, int *ret)
{
	struct err *err = invocation->work->op.err;
	socklen_t size = sizeof(int);
	int type;

	if (invocation->n_fds != 1 || getsockopt(invocation->fds[0], SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    type != SOCK_STREAM)
		return err_say(err, ERR_BAD_VALUE, "a migration needs one descriptor, a stream socket");
	*ret = invocation->fds[0];
	return 0;
}

int verb_migrate_out(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct migrate_out_options options = {
		.receiver = verb_text(invocation, "receiver"),
		.new_ctid = verb_number(invocation, "newCtid"),
		.live = verb_flag(invocation, "live"),
		.keep = verb_flag(invocation, "keep"),
	};
	(void)ret_answer;

	int r = take_channel(invocation, &options.channel);
	return r < 0 ? r : lifecycle_migrate_out(&invocation->work->op, invocation->ctid, &options);
}

int verb_migrate_in(struct invocation *invocation, sd_json_variant **ret_answer)
{
	struct migrate_in_options options = {
		.facts = verb_text(invocation, "facts"),
		.config = verb_text(invocation, "config"),
		.check = verb_flag(invocation, "check"),
		.keep = verb_flag(invocation, "keep"),
	};
	(void)ret_answer;

	int r = take_channel(invocation, &options.channel);
	return r < 0 ? r : lifecycle_migrate_in(&invocation->work->op, &options);
}
