#include "runtime/op.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static void speak(void (*to)(void *ctx, const char *text), void *ctx, const char *fmt, va_list ap)
{
	char text[512];
	vsnprintf(text, sizeof(text), fmt, ap);
	to(ctx, text);
}

void op_say(const struct op *op, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	speak(op->listener->say, op->listener->ctx, fmt, ap);
	va_end(ap);
}

void op_warn(const struct op *op, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	speak(op->listener->warn, op->listener->ctx, fmt, ap);
	va_end(ap);
}

/* Fault injection, for tests: $OPENVE_FAULTS names a file `VERB STEP HOW`, HOW being `fail` (the step fails after it
 * has been applied) or `die` (the worker is killed there). */
static int injected_fault(const struct op *op, const struct step *step)
{
	const char *path = getenv("OPENVE_FAULTS");
	if (!path)
		return 0;

	cleanup_free char *text = NULL;
	if (io_read_file(AT_FDCWD, path, &text, NULL) < 0)
		return 0;

	char verb[32], name[32], how[32];
	if (sscanf(text, "%31s %31s %31s", verb, name, how) != 3 || !str_eq(verb, op->verb) ||
	    !str_eq(name, step->name))
		return 0;
	if (str_eq(how, "die"))
		kill(getpid(), SIGKILL);
	return err_set(op->err, EIO, "injected fault");
}

static int apply(struct op *op, const struct step *step, void *ctx)
{
	int r = step->apply ? step->apply(op, ctx) : 0;
	if (r >= 0)
		r = injected_fault(op, step);
	if (r < 0)
		err_step(op->err, step->name);
	return r < 0 ? r : 0;
}

int op_unwind(struct op *op, const struct step *steps, size_t n, void *ctx)
{
	struct err *outer = op->err;
	int first = 0;

	for (size_t i = n; i-- > 0;) {
		struct err err = {0};
		if (!steps[i].undo)
			continue;
		op->err = &err;
		int r = steps[i].undo(op, ctx);
		if (r >= 0)
			continue;
		err_step(&err, steps[i].name);
		if (first == 0 && outer->kind == ERR_NONE) {
			*outer = err;
			first = r;
		} else {
			op_warn(op, "undo of %s: %s", steps[i].name, err.text);
		}
	}
	op->err = outer;
	return first;
}

int op_run(struct op *op, const struct step *steps, size_t n, void *ctx)
{
	for (size_t i = 0; i < n; i++) {
		int r = apply(op, &steps[i], ctx);
		if (r < 0) {
			op_unwind(op, steps, i + 1, ctx);
			return r;
		}
	}
	return 0;
}
