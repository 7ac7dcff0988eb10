/* The lock that CRIU puts on a network namespace, so that no packet is answered for what stands still: a table of
 * nftables that drops them. A CRIU that is killed leaves it there. */
#pragma once

struct err;

/* Take all such locks off the namespace; none is success. */
int netns_unlock(int netns, struct err *err);
