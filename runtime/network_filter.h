/* The filter of the network as a whole: whoever keeps it (vzfilter), and all VEs in it. */
#pragma once

#include <stdbool.h>

struct op;

/* Make its tables anew, with vz.conf's policy and all VEs that run. */
int network_filter_rebuild(struct op *op);

/* Does a vzfilter of our own version serve? */
bool network_filter_serves(void);

/* Have whichever serves end. */
void network_filter_quit(void);
