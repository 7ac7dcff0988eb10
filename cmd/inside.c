#include "cmd/inside.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd/report.h"
#include "cmd/request.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define EXIT_COMMAND_FAILED 8 /* vzerror.h */

/* The VE's shell is bash where there is one: the same shell again, which bash names in BASH and no other shell does. */
static const char *const read_stdin[] = {"exec", "${BASH:-sh}", "-s", NULL};

static const char *const *words_after_ctid(const struct request *request)
{
	return (const char *const *)request->options.words + 1;
}

static int run(struct request *request, const char *const *argv, bool shell)
{
	struct session session = {
		.ve = request->options.words[0],
		.argv = argv,
		.shell = shell,
		.tty = terminal_is_ours(STDIN_FILENO) && isatty(STDOUT_FILENO),
	};
	if (!argv[0])
		return err_say(request->err, ERR_BAD_OPTION, "No command line given for exec");
	return session_run(&session, request->client, request->err);
}

int inside_exec2(struct request *request)
{
	const char *const *argv = words_after_ctid(request);
	bool from_stdin = argv[0] && str_eq(argv[0], "-") && !argv[1];

	return run(request, from_stdin ? read_stdin : argv, true);
}

int inside_exec(struct request *request)
{
	int r = inside_exec2(request);
	return r > 0 ? EXIT_COMMAND_FAILED : r;
}

int inside_exec3(struct request *request)
{
	return run(request, words_after_ctid(request), false);
}

/* After the command, on a line of its own so that it may end with `&` or a comment, a shell takes over. */
static const char **then_shell(const char *const *command)
{
	const char **argv = NULL;
	size_t n = 0;

	for (; command[n]; n++) {
		argv = mem_grow(argv, n + 3, sizeof(*argv));
		argv[n] = command[n];
	}
	argv[n++] = "\nexec ${BASH:-sh} -l";
	argv[n] = NULL;
	return argv;
}

static int parse_enter(const struct request *request, const char ***ret_argv)
{
	const char *const *words = words_after_ctid(request);

	if (!words[0]) {
		*ret_argv = mem_zero(1, sizeof(**ret_argv));
		return 0;
	}
	if (!str_eq(words[0], "--exec"))
		return err_say(request->err, ERR_BAD_OPTION, "vzctl: enter takes --exec COMMAND, not '%s'", words[0]);
	if (!words[1])
		return err_say(request->err, ERR_BAD_OPTION, "No command line given for enter --exec");
	*ret_argv = then_shell(words + 1);
	return 0;
}

int inside_enter(struct request *request)
{
	const char *ve = request->options.words[0];
	cleanup_free const char **argv = NULL;
	cleanup_free char *entered = str_fmt("entered into CT %s", ve), *left = str_fmt("exited from CT %s", ve);

	int r = parse_enter(request, &argv);
	if (r < 0)
		return r;
	struct session session = {
		.ve = ve,
		.argv = argv,
		.shell = true,
		.tty = terminal_is_ours(STDIN_FILENO),
		.entered = request->report->quiet ? NULL : entered,
	};
	r = session_run(&session, request->client, request->err);
	if (r >= 0)
		report_say(request->report, left);
	return r;
}
