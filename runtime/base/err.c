#include "runtime/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int negative_errno(const struct err *err)
{
	return err->no > 0 ? -err->no : -EINVAL;
}

int err_set(struct err *err, int no, const char *fmt, ...)
{
	if (err->kind != ERR_NONE)
		return negative_errno(err);

	err->kind = no == ENOSPC || no == EDQUOT ? ERR_NO_SPACE : ERR_SYSTEM;
	err->no = no;

	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", strerror(no));
	return -no;
}

int err_say(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	if (err->kind != ERR_NONE)
		return negative_errno(err);

	err->kind = kind;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return negative_errno(err);
}

int err_is(struct err *err, enum err_kind kind, int r)
{
	if (err->kind == ERR_SYSTEM)
		err->kind = kind;
	return r;
}

void err_step(struct err *err, const char *step)
{
	if (!err->step[0])
		snprintf(err->step, sizeof(err->step), "%s", step);
}
