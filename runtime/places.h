/* Where a VE's private area and its root may lie: in the directories that vz.conf's VE_PRIVATE and VE_ROOT stand in,
 * under a name that is no other VE's. What vzd renames, removes, mounts on and gives to a tenant is never any other
 * directory of the node. */
#pragma once

struct err;
struct host;
struct ve;

/* ERR_BAD_CONFIG names the path and the directory it must lie in. */
int places_check(const struct host *host, const struct ve *ve, struct err *err);
