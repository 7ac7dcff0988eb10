/* The terminal of whoever runs vzctl. */
#pragma once

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

struct err;

/* Is it a terminal, and are we in its foreground? A background job that reads from its terminal or sets it is stopped.
 */
bool terminal_is_ours(int fd);

/* False if it is no terminal. */
bool terminal_size(int fd, struct winsize *ret);

struct terminal {
	int fd;
	bool raw;
	struct termios saved;
};

/* Pass every key on as it is typed. Once more after the process was stopped, for the shell has set the terminal since.
 */
int terminal_raw(struct terminal *terminal, int fd, struct err *err);

/* As it was. Does nothing for one that is not raw. */
void terminal_restore(struct terminal *terminal);
