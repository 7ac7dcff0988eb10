/* What vzlist shows of a VE: configuration, state and counters in one place. */
#pragma once

#include "quota/disk.h"
#include "quota/usage.h"
#include "runtime/ve.h"

struct info {
	struct ve ve;
	enum ve_state state;
	struct usage usage;	/* running only */
	struct disk_usage disk; /* all DISK_NO_LIMIT where the pool does not say */
	double uptime;		/* seconds, 0 when not running */
};

int info_read(const struct host *host, uint32_t ctid, struct info *ret, struct err *err);
void info_done(struct info *info);
