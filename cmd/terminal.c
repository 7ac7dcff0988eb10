#include "cmd/terminal.h"

#include <unistd.h>

#include "runtime/base/err.h"

bool terminal_is_ours(int fd)
{
	return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

bool terminal_size(int fd, struct winsize *ret)
{
	return ioctl(fd, TIOCGWINSZ, ret) == 0;
}

int terminal_raw(struct terminal *terminal, int fd, struct err *err)
{
	struct termios raw;

	if (!terminal->raw && tcgetattr(fd, &terminal->saved) < 0)
		return err_set(err, errno, "read the terminal's settings");
	raw = terminal->saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return err_set(err, errno, "change the terminal's settings");
	terminal->fd = fd;
	terminal->raw = true;
	return 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (!terminal->raw)
		return;
	tcsetattr(terminal->fd, TCSADRAIN, &terminal->saved);
	terminal->raw = false;
}
