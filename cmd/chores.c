#include "cmd/chores.h"

#include <stdbool.h>

#include "cmd/log.h"
#include "cmd/message.h"
#include "cmd/work.h"
#include "cmd/worker.h"
#include "runtime/lifecycle.h"
#include "runtime/network.h"
#include "runtime/network_filter.h"
#include "runtime/ostemplate.h"

#define EMBEDDED_TEMPLATE "busybox"

/* All that is said goes to the log. */
static void on_message(void *ctx, struct message *message)
{
	(void)ctx;
	if (message->kind == MESSAGE_SAY)
		log_info("%s", message->text);
	else if (message->kind == MESSAGE_WARN)
		log_warn("%s", message->text);
	else if (message->kind == MESSAGE_FAILED)
		log_error("%s", message->err.text);
}

static int run_recover(struct work *work, void *ctx)
{
	(void)ctx;
	return lifecycle_recover(&work->op);
}

int chore_recover(struct workers *workers, void (*ended)(void *ctx), void *ctx, struct err *err)
{
	const struct job job = {
		.verb = RECOVER_VERB,
		.run = run_recover,
		.hear = on_message,
		.ended = ended,
		.ctx = ctx,
	};
	return worker_start(workers, &job, err);
}

static int run_network(struct work *work, void *ctx)
{
	(void)ctx;
	return network_filter_rebuild(&work->op);
}

int chore_network(struct workers *workers, void (*ended)(void *ctx), void *ctx, struct err *err)
{
	const struct job job = {
		.verb = NETWORK_VERB,
		.run = run_network,
		.hear = on_message,
		.ended = ended,
		.ctx = ctx,
	};
	return worker_start(workers, &job, err);
}

static int run_neighbours(struct work *work, void *ctx)
{
	(void)ctx;
	return network_answer(&work->op);
}

int chore_neighbours(struct workers *workers, void (*ended)(void *ctx), void *ctx, struct err *err)
{
	const struct job job = {
		.verb = NEIGHBOURS_VERB,
		.run = run_neighbours,
		.hear = on_message,
		.ended = ended,
		.ctx = ctx,
	};
	return worker_start(workers, &job, err);
}

static bool template_is_there(const struct op *op)
{
	struct err missing = {0};
	struct op look = *op;
	struct template template = {0};

	look.err = &missing;
	bool there = ostemplate_find(&look, EMBEDDED_TEMPLATE, &template) == 0 && template.digest[0];
	template_done(&template);
	return there;
}

static int run_template(struct work *work, void *ctx)
{
	struct template template = {0};
	(void)ctx;

	if (template_is_there(&work->op))
		return 0;
	op_say(&work->op, "making template %s", EMBEDDED_TEMPLATE);
	int r = ostemplate_build(&work->op, EMBEDDED_TEMPLATE, &template);
	if (r == 0)
		op_say(&work->op, "template %s is ready", EMBEDDED_TEMPLATE);
	template_done(&template);
	return r;
}

static void on_template_ended(void *ctx)
{
	(void)ctx;
}

void chore_template(struct workers *workers)
{
	const struct job job = {
		.verb = "template build",
		.run = run_template,
		.hear = on_message,
		.ended = on_template_ended,
	};
	struct err err = {0};

	if (worker_start(workers, &job, &err) < 0)
		log_error("%s", err.text);
}
