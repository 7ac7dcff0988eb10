/* The process that owns our nftables tables, vzfilter (netns/vzfilter.c): vzd finds the one that an earlier vzd
 * started, or starts one, and starts another should it end. Unlike vzd it is never needed to be idle: it does what
 * workers ask it. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct err;
struct exit_watch;
struct exits;

struct keeper {
	sd_event *event;
	struct exits *exits;
	struct exit_watch *exit;
	sd_event_source *timer;
	/* There is another one, and the tables are to be made anew. */
	void (*renewed)(void *ctx);
	void *ctx;
};

/* Find or start it. */
int keeper_open(struct keeper *keeper, struct err *err);

/* Look away; it goes on. */
void keeper_close(struct keeper *keeper);
