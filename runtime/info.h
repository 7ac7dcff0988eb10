/* What vzlist shows of a VE: configuration, state and counters in one place. */
#pragma once

#include "netns/net.h"
#include "quota/disk.h"
#include "quota/usage.h"
#include "runtime/ve.h"

struct info {
	struct ve ve;
	enum ve_state state;
	struct usage usage;	/* running only */
	struct disk_usage disk; /* all DISK_NO_LIMIT where the pool does not say */
	double uptime;		/* seconds that it has run, 0 when not running */

	/* See info_read_traffic(). */
	bool has_traffic;
	struct net_traffic traffic;

	/* See info_read_checkable(). */
	bool has_checkable, checkable;
};

/* Of a VE that runs, the configuration has the network that it runs with. */
int info_read(const struct host *host, uint32_t ctid, struct info *ret, struct err *err);
/* Its traffic since it was created, into `traffic`. Apart from the rest, because for one that runs the filter is asked.
 */
void info_read_traffic(const struct host *host, struct info *info);

/* Whether it can be suspended as it is, if it runs: its processes are looked through for that. */
void info_read_checkable(struct info *info);

void info_done(struct info *info);
