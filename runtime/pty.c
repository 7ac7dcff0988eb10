#include "runtime/pty.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/path.h"

int pty_open(const struct winsize *size, int *ret_master, int *ret_slave, struct err *err)
{
	int unlocked = 0;
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_set(err, errno, "open the root of the VE");
	cleanup_fd int master = path_device(root, "dev/pts/ptmx", makedev(5, 2), err);
	if (master < 0)
		return master;

	/* The slave by its master, not by a name that somebody could have changed. */
	cleanup_fd int slave = -1;
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0 ||
	    (slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
	    (size && size->ws_row && ioctl(master, TIOCSWINSZ, size) < 0))
		return err_set(err, errno, "open a terminal in the VE");
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}
