#include "runtime/uptime.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

double uptime_from(const char *offsets, double node)
{
	const char *line = strstr(offsets, "boottime");
	long long seconds, nanoseconds;

	if (!line || sscanf(line, "boottime %lld %lld", &seconds, &nanoseconds) != 2)
		return 0;
	double up = node + (double)seconds + (double)nanoseconds / 1e9;
	return up > 0 ? up : 0;
}

double uptime_of(pid_t init)
{
	cleanup_free char *path = str_fmt("/proc/%d/timens_offsets", init), *offsets = NULL;
	struct timespec now;

	if (io_read_file(AT_FDCWD, path, &offsets, NULL) < 0)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return uptime_from(offsets, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
}
