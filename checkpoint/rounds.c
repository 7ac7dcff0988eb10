#include "checkpoint/rounds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

char *round_name(unsigned n)
{
	return str_fmt("pre-%u", n);
}

static bool exists(int files, unsigned n)
{
	cleanup_free char *name = round_name(n);
	return faccessat(files, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

unsigned rounds_count(int files)
{
	unsigned n = 0;

	while (exists(files, n + 1))
		n++;
	return n;
}

int rounds_add(int files, struct err *err)
{
	unsigned n = rounds_count(files) + 1;
	cleanup_free char *name = round_name(n);

	return mkdirat(files, name, 0755) < 0 ? err_set(err, errno, "make %s of the checkpoint image", name) : (int)n;
}
