/* What the node's operator decides: /etc/vz/vz.conf. */
#pragma once

#include "runtime/config.h"

struct err;

struct node_config {
	uint64_t given;
	char *sample;	     /* CONFIGFILE: sample for create without --config */
	char *ostemplate;    /* DEF_OSTEMPLATE */
	bool lxcfs;	     /* LXCFS: views of /proc; yes unless the operator says no */
	uint64_t pool_size;  /* POOL_SIZE: bytes of a new pool image, 0 by what is free */
	bool logging;	     /* LOGGING: write LOGFILE */
	char *logfile;	     /* LOGFILE */
	struct ve_config ve; /* defaults for VEs: VE_ROOT, VE_PRIVATE, VE_LAYOUT, STOP_TIMEOUT */
};

extern const struct param_table node_table;

/* Read vz.conf over the built-in defaults. Missing or bad is ERR_NODE_CONFIG. */
int node_load(struct node_config *ret, struct err *err);

/* The same from the file vz.conf in a directory that is not /etc/vz. */
int node_load_at(int dir, struct node_config *ret, struct err *err);

void node_done(struct node_config *node);
#define cleanup_node __attribute__((cleanup(node_done)))
