/* The half that runs on the node: it starts the sandbox, watches how far the archive is read, and takes the verdict,
 * which may come from a process that the archive has taken over. */
#include "templates/unpack.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "templates/extract.h"
#include "templates/sandbox.h"

#define TICK_MS 200

/* What the sandbox says at its end. */
struct verdict {
	int r;
	struct err err;
	struct unpacked unpacked;
};

static void work(const void *name)
{
	struct verdict verdict = {0};

	verdict.r = extract_archive(STDIN_FILENO, name, &verdict.unpacked, &verdict.err);
	io_send(STDOUT_FILENO, &verdict, sizeof(verdict), NULL, 0);
}

/* A message that a terminal will see has no control characters, and its kind is one that a bad archive can have. */
static int believe(struct verdict *verdict, struct unpacked *ret, struct err *err)
{
	if (verdict->r == 0) {
		*ret = verdict->unpacked;
		return 0;
	}

	char *text = verdict->err.text;
	text[sizeof(verdict->err.text) - 1] = '\0';
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return err_say(err, verdict->err.kind == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_TEMPLATE_DAMAGED, "%s", text);
}

/* The file's position is ours as well as the sandbox's. */
static void watch(int sock, int archive, void (*tick)(void *ctx, uint64_t done), void *ctx)
{
	struct pollfd end = {.fd = sock, .events = POLLIN};

	while (poll(&end, 1, TICK_MS) <= 0) {
		off_t done = lseek(archive, 0, SEEK_CUR);
		if (tick && done >= 0)
			tick(ctx, (uint64_t)done);
	}
}

/* Descriptors that came with the verdict would be dropped by recv(2). */
static int await_verdict(pid_t pid, int sock, const char *name, struct unpacked *ret, struct err *err)
{
	struct verdict verdict;
	ssize_t n;

	do
		n = recv(sock, &verdict, sizeof(verdict), 0);
	while (n < 0 && errno == EINTR);
	int r = sandbox_wait(pid, err);
	if (r < 0)
		return err_is(err, ERR_TEMPLATE_DAMAGED, r);
	if (n != sizeof(verdict))
		return err_say(err, ERR_TEMPLATE_DAMAGED, "template %s: the sandbox that unpacks it gave up", name);
	return believe(&verdict, ret, err);
}

int unpack_archive(int archive, int target, uint32_t scratch_base, const char *name,
		   void (*tick)(void *ctx, uint64_t done), void *ctx, struct unpacked *ret, struct err *err)
{
	int ends[2];
	if (lseek(archive, 0, SEEK_SET) < 0)
		return err_set(err, errno, "read the archive of template %s", name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, errno, "make a socket for a sandbox");
	cleanup_fd int ours = ends[0], theirs = ends[1];

	const struct sandbox sandbox = {
		.root = target,
		.base = scratch_base,
		.in = archive,
		.out = theirs,
		.work = work,
		.ctx = name,
	};
	pid_t pid = sandbox_start(&sandbox, err);
	if (pid < 0)
		return pid;

	theirs = fd_close(theirs);
	watch(ours, archive, tick, ctx);
	return await_verdict(pid, ours, name, ret, err);
}
