/* A command that ends leaves what it started in the background alone, as `service start` in a VE expects, and its group
 * with it; the group goes with the VE then. One whose caller went away is killed with all of that. */
#include "cmd/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "cmd/exits.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

/* The killed leave their group one by one, and no event tells of the last. */
#define RETRIES 50
#define RETRY_USEC 100000

struct exec {
	struct execs *execs;
	struct exec *next;
	struct exit_watch *exit;
	sd_event_source *timer;
	char *directory; /* of its group */
	unsigned retries;
	exec_ended_t *ended; /* NULL: abandoned */
	void *ctx;
};

static void exec_free(struct exec *exec)
{
	for (struct exec **link = &exec->execs->first; *link; link = &(*link)->next) {
		if (*link == exec) {
			*link = exec->next;
			break;
		}
	}
	exits_forget(exec->exit);
	sd_event_source_disable_unref(exec->timer);
	free(exec->directory);
	free(exec);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

static void remove_group(struct exec *exec)
{
	int r = rmdir(exec->directory) < 0 ? -errno : 0;

	exec->timer = sd_event_source_disable_unref(exec->timer);
	if (r == -EBUSY && !exec->ended && exec->retries++ < RETRIES &&
	    sd_event_add_time_relative(exec->execs->exits->event, &exec->timer, CLOCK_MONOTONIC, RETRY_USEC, 0,
				       on_retry, exec) >= 0)
		return;
	exec_free(exec);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	remove_group(userdata);
	return 0;
}

static void on_exit_of(void *ctx, const struct ending *ending)
{
	struct exec *exec = ctx;
	int status = ending->code == CLD_EXITED ? ending->status : 128 + ending->status;

	if (exec->ended)
		exec->ended(exec->ctx, status);
	remove_group(exec);
}

int exec_watch(struct execs *execs, int pidfd, const char *cgroup, exec_ended_t *ended, void *ctx, struct exec **ret,
	       struct err *err)
{
	struct exec *exec = mem_zero(1, sizeof(*exec));

	*exec = (struct exec){
		.execs = execs,
		.next = execs->first,
		.directory = str_fmt(PATH_CGROUP "/%s", cgroup),
		.ended = ended,
		.ctx = ctx,
	};
	execs->first = exec;
	int r = exits_watch(execs->exits, pidfd, on_exit_of, exec, &exec->exit, err);
	if (r < 0) {
		exec_free(exec);
		return r;
	}
	*ret = exec;
	return 0;
}

void exec_abandon(struct exec *exec)
{
	if (!exec)
		return;
	cleanup_free char *kill = str_fmt("%s/cgroup.kill", exec->directory);
	io_write_kernel(AT_FDCWD, kill, "1");
	exec->ended = NULL;
}

void execs_close(struct execs *execs)
{
	while (execs->first) {
		exec_abandon(execs->first);
		exec_free(execs->first);
	}
}
