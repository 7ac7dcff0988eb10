/* Links of the node that come up. The kernel forgets for which addresses it answers on a link that goes down, and there
 * may be new ones: somebody has to tell it again. */
#pragma once

#include <systemd/sd-event.h>

struct err;

struct uplinks {
	sd_event *event;
	sd_event_source *source, *timer;
	/* Some have come up, and no more for the moment. */
	void (*up)(void *ctx);
	void *ctx;
};

int uplinks_watch(struct uplinks *uplinks, struct err *err);
void uplinks_close(struct uplinks *uplinks);
