/* How long a VE has been up, by its own clock: the time that it was suspended does not count. */
#pragma once

#include <sys/types.h>

/* Seconds that CLOCK_BOOTTIME shows in the VE of that init; 0 if it is gone. */
double uptime_of(pid_t init);

/* The same, of what /proc/PID/timens_offsets says (time_namespaces(7)), when the node's clock shows `node` seconds. */
double uptime_from(const char *offsets, double node);
