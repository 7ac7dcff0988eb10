/* The VEs that run: vzd knows of each when it ends, takes down what is left of it, and starts it again if it asked for
 * a reboot. And each one's console. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "runtime/reboots.h"

struct err;
struct exits;
struct guest;
struct host;
struct workers;

struct watch {
	sd_event *event;
	struct exits *exits;
	struct workers *workers;
	const struct host *host;
	struct reboots reboots; /* of VEs that are not our children */
	struct guest *first;
};

void watch_close(struct watch *watch);

/* A console that the service manager kept for the vzd before us. Takes the descriptor. */
void watch_console(struct watch *watch, uint32_t ctid, int fd);

/* All VEs that run by now: look after them from now on. */
void watch_all(struct watch *watch);

/* A VE's init runs; the descriptors are the watch's now. */
void watch_born(struct watch *watch, uint32_t ctid, int pidfd, int console);

/* An operation on the VE is over: bring what we think of it in line with what it is. */
void watch_settle(struct watch *watch, uint32_t ctid);
