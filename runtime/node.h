/* What the node's operator decides: /etc/vz/vz.conf. */
#pragma once

#include "netns/filter.h"
#include "netns/neighbour.h"
#include "runtime/config.h"

struct err;

struct node_config {
	uint64_t given;
	char *sample;	    /* CONFIGFILE: sample for create without --config */
	char *ostemplate;   /* DEF_OSTEMPLATE */
	bool lxcfs;	    /* LXCFS: views of /proc; yes unless the operator says no */
	uint64_t pool_size; /* POOL_SIZE: bytes of a new pool image, 0 by what is free */
	bool logging;	    /* LOGGING: write LOGFILE */
	char *logfile;	    /* LOGFILE */

	char *neighbour_devs;  /* NEIGHBOUR_DEVS: where the node answers for addresses of VEs */
	bool skip_arpdetect;   /* SKIP_ARPDETECT: do not ask whether somebody has an address */
	bool error_on_arpfail; /* ERROR_ON_ARPFAIL: refuse an address that somebody has; else warn */
	bool skip_sysctl;      /* SKIP_SYSCTL_SETUP: the operator sees to forwarding himself */
	char *masquerade;      /* MASQUERADE: networks; NULL: none */
	char *node_services;   /* NODE_SERVICES: of the node, open to VEs; NULL: none */
	uint64_t connections;  /* CONNECTIONS: that the node tracks for one VE */
	struct ve_config ve;   /* defaults for VEs: the rows that are PARAM_NODE */

	/* MASQUERADE and NODE_SERVICES as netns/ takes them */
	struct ips networks;
	struct filter_service *services;
	size_t n_services;
};

extern const struct param_table node_table;

/* What it says as netns/ takes it: valid as long as the configuration is. */
struct filter_policy node_policy(const struct node_config *node);
struct neighbour_devices node_neighbours(const struct node_config *node);

/* Read vz.conf over the built-in defaults. Missing or bad is ERR_NODE_CONFIG. */
int node_load(struct node_config *ret, struct err *err);

/* The same from the file vz.conf in a directory that is not /etc/vz. */
int node_load_at(int dir, struct node_config *ret, struct err *err);

void node_done(struct node_config *node);
#define cleanup_node __attribute__((cleanup(node_done)))
