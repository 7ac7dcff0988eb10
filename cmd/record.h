/* One VE as vzd's method List tells of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-json.h>

#include "runtime/config.h"
#include "runtime/netif.h"

struct err;

#define RECORD_UNKNOWN UINT64_MAX

struct counter {
	uint64_t held, maxheld, failcnt; /* or RECORD_UNKNOWN */
};

struct disk_counter {
	uint64_t usage, soft, hard; /* or RECORD_UNKNOWN */
};

/* What there is of a VE's interfaces taken together. */
enum record_list {
	RECORD_IPS, /* without their prefixes; the routed ones first */
	RECORD_IFNAME,
	RECORD_HOST_IFNAME,
	RECORD_MAC,
	RECORD_HOST_MAC,
	RECORD_BRIDGE,
	RECORD_GW,
	RECORD_LISTS
};

struct record {
	uint32_t ctid;
	char *status;	      /* "running", … */
	char *private, *root; /* paths, expanded */
	bool private_exists;
	struct ve_config config;
	struct counter numproc;	       /* tasks */
	struct counter physpages;      /* bytes */
	struct counter swappages;      /* bytes */
	struct disk_counter diskspace; /* bytes */
	struct disk_counter diskinodes;
	struct netifs netifs;	   /* its Ethernet interfaces */
	char *lists[RECORD_LISTS]; /* words separated by blanks, "" for none */
	struct net_traffic traffic;
	bool has_traffic;
	bool has_checkpointable, checkpointable;
	double load[3]; /* the first is negative when it is not running */
	double uptime;	/* seconds, 0 when it is not running */
};

/* Take over what the answer says. Settings this program does not know, those of a newer vzd, are left out. */
int record_parse(sd_json_variant *ve, struct record *ret, struct err *err);
void record_done(struct record *record);

bool record_running(const struct record *record);
