/* Learning that a process has ended, and how: workers, commands in VEs, the first processes of VEs.
 *
 * vzd is their parent. Only of a VE that an earlier vzd started it is not: pid 1 waits for that, and we learn that it
 * ended. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct err;
struct exit_watch;

struct exits {
	sd_event *event;
	sd_event_source *sigchld;
	struct exit_watch *first;
	unsigned expected; /* workers that may still hand a child of ours over */
};

/* How a process ended. */
struct ending {
	int code;   /* CLD_EXITED, CLD_KILLED, CLD_DUMPED as waitid(2) has them; 0: it was not our child */
	int status; /* exit status, or signal */
};

typedef void exits_ended_t(void *ctx, const struct ending *ending);

int exits_open(struct exits *exits, sd_event *event, struct err *err);
void exits_close(struct exits *exits);

/* Watch the process behind the pidfd, which belongs to the watch from now on, also on failure. `ended` is called once,
 * from the event loop, before anything else that is ready then. */
int exits_watch(struct exits *exits, int pidfd, exits_ended_t *ended, void *ctx, struct exit_watch **ret,
		struct err *err);

/* Look away; the process goes on. NULL is fine. */
void exits_forget(struct exit_watch *watch);

bool exits_is_child(const struct exit_watch *watch);

/* A helper that a worker leaves behind is a child of ours as well and is waited for as soon as it is certain that it is
 * not one that is just being handed over: between these two calls, it may be. */
void exits_expect(struct exits *exits);
void exits_expected(struct exits *exits);
