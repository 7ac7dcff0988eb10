/* What the descriptors and mappings of a process stand for, and which of it CRIU does not know (criu/files.c and
 * criu/proc_parse.c of CRIU 4.1). */
#pragma once

#include <sys/types.h>

#include "checkpoint/obstacle.h"

struct census;
struct task;

/* Note the obstacles among the open files. `console` is the one terminal (st_rdev of its slave) that may lie outside,
 * because the caller hands it over at restore; 0: none. */
void descriptors_judge(const struct census *census, const struct task *task, dev_t console,
		       struct obstacles *obstacles);

/* Note the obstacles among what is mapped. */
void mappings_judge(const struct task *task, struct obstacles *obstacles);
