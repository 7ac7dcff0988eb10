#include "cmd/sealed.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_EXEC)
#define NAME "vzd" /* also what ps shows */

/* A file on a disk has no seals; one in memory that has all of them is our copy. */
static bool is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);
	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int copy(int from, int to)
{
	struct stat st;
	off_t at = 0;

	if (fstat(from, &st) < 0)
		return -errno;
	while (at < st.st_size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(st.st_size - at));
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
	}
	return 0;
}

int sealed_exec(char *argv[], struct err *err)
{
	cleanup_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		return err_set(err, errno, "open /proc/self/exe");
	if (is_sealed(exe)) {
		/* After fexecve() the name is that of a descriptor. */
		prctl(PR_SET_NAME, NAME);
		return 0;
	}

	cleanup_fd int memory = memfd_create(NAME, MFD_EXEC | MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (memory < 0)
		return err_set(err, errno, "make a copy of the program in memory");
	int r = copy(exe, memory);
	if (r < 0)
		return err_set(err, -r, "copy the program to memory");
	if (fchmod(memory, 0500) < 0 || fcntl(memory, F_ADD_SEALS, SEALS) < 0)
		return err_set(err, errno, "seal the program's copy");
	fexecve(memory, argv, environ);
	return err_set(err, errno, "run the program's sealed copy");
}
