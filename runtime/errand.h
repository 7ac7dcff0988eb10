/* A piece of our own work done inside a running VE, on files that its owner may have made a trap of: by a process that
 * is root of the VE and nothing on the node, in the VE's namespaces and group, behind its filter, with no descriptor of
 * ours but the one it answers on. Whatever holds it up, it is killed after ENTRY_TIMEOUT_MS. */
#pragma once

struct err;
struct host;

/* Standing in the VE's root directory. */
typedef int errand_work(const void *ctx, struct err *err);

/* Run it and return what it returns. `ve` is a pidfd of the VE's init, `group` the VE's. ERR_TIMEOUT. */
int errand_run(const struct host *host, int ve, const char *group, errand_work *work, const void *ctx, struct err *err);
