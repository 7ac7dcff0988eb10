/* vzd runs from a sealed copy of its program in memory. A process that enters a VE can be reached through the VE's
 * /proc/PID/exe while it is there; what that leads to must not be a file of the node that somebody could write to
 * (CVE-2019-5736). */
#pragma once

struct err;

/* Replace this process by one that runs from the copy, with the same arguments. Returns 0 when it does already. */
int sealed_exec(char *argv[], struct err *err);
