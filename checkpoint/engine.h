/* Which version of CRIU serves which kernel. */
#pragma once

struct err;

/* `version` as criu_get_version() has it, 40101 for 4.1.1; `release` as uname has it. ERR_NOT_SUPPORTED, with what to
 * install, when the two do not go together. */
int engine_check(unsigned version, const char *release, struct err *err);
