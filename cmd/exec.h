/* A command that runs in a VE for a caller who waits for it. */
#pragma once

struct err;
struct exec;
struct exits;

/* All that run, also those that nobody waits for any more. */
struct execs {
	struct exits *exits;
	struct exec *first;
};

/* Called once, when the command is gone, with its exit status as a shell has it: 128 + signal for one that was killed.
 */
typedef void exec_ended_t(void *ctx, int status);

/* Watch it: its pidfd, which belongs to the command from now on, and its group. */
int exec_watch(struct execs *execs, int pidfd, const char *cgroup, exec_ended_t *ended, void *ctx, struct exec **ret,
	       struct err *err);

/* Kill it and all it has started; nobody waits for it any more. NULL is fine. */
void exec_abandon(struct exec *exec);

/* Abandon all. */
void execs_close(struct execs *execs);
