#include "checkpoint/engine.h"

#include <stdbool.h>
#include <stdio.h>

#include "runtime/base/err.h"

#define VERSION(major, minor, sub) ((major) * 10000U + (minor) * 100U + (sub))

/* Since 6.16 the kernel refuses SO_PASSCRED and SO_PASSSEC on sockets to which they mean nothing, and criu before 4.2
 * asks for them on all. A release that names no version is taken for a new one. */
static bool refuses_passcred(const char *release)
{
	unsigned major, minor;
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > 6 || (major == 6 && minor >= 16);
}

int engine_check(unsigned version, const char *release, struct err *err)
{
	unsigned major = version / 10000, minor = version / 100 % 100, sub = version % 100;

	if (version < VERSION(4, 1, 1))
		return err_say(err, ERR_NOT_SUPPORTED, "criu %u.%u.%u is too old: install criu 4.1.1 or newer", major,
			       minor, sub);
	if (version < VERSION(4, 2, 0) && refuses_passcred(release))
		return err_say(err, ERR_NOT_SUPPORTED,
			       "criu %u.%u.%u cannot save sockets on kernel %s (6.16 or newer): install criu 4.2 or "
			       "newer",
			       major, minor, sub, release);
	return 0;
}
