/* The console of a VE: vzd holds its master and keeps the last of what was written, so that a VE never waits for a
 * reader.
 *
 * Where there is a service manager, it keeps the descriptor beside ours, as `console-CTID`, so that the console
 * outlives vzd. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

struct console;
struct err;

#define CONSOLE_KEEP 16384 /* bytes */

/* Takes the descriptor, also on failure. */
int console_open(sd_event *event, int fd, struct console **ret, struct err *err);
void console_free(struct console *console);

/* The last line that was written to it, as plain text; NULL if there is none. The caller frees. */
char *console_last_line(const struct console *console);

/* Give the service manager a copy; take back all it has of that VE's. Without a service manager: nothing. */
void console_store(uint32_t ctid, int fd);
void console_unstore(uint32_t ctid);

/* The CTID in the name of a stored descriptor, 0 if it is another's. */
uint32_t console_stored(const char *name);
