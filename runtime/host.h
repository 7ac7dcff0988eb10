/* What vzd prepares once and every worker inherits by fork. */
#pragma once

#include "runtime/guard.h"
#include "runtime/node.h"
#include "runtime/seccomp.h"

struct err;

struct host {
	struct node_config node;
	char *cgroup_base;		/* parent of the groups ve-CTID */
	struct seccomp_filters seccomp; /* the VEs' filters, compiled */
	struct guard guard;
	int pool;	  /* directory of the pool */
	int template_dir; /* …/template */
	int layers;	  /* …/template/layers */
};

/* Set the rlimits that are ceilings for VEs (workers inherit them), read vz.conf, open the pool (making it when
 * missing), compile the filters, find the cgroups, make the folders of /run/vz. `say` hears what takes long. */
int host_open(struct host *ret, void (*say)(void *ctx, const char *text), void *ctx, struct err *err);

/* Read vz.conf again: operators edit it while vzd runs. */
int host_reload(struct host *host, struct err *err);
