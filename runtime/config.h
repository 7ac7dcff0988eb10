/* What a VE is, in words: the configuration in /etc/vz/conf/CTID.conf and the table of its parameters.
 * One type serves as a whole configuration, as a change and as a request: `given` says what it has a word on. */
#pragma once

#include "runtime/param.h"
#include "templates/store.h"

struct err;

/* What of netfilter a VE may use; vzctl's words, in this order. */
enum netfilter { NETFILTER_DISABLED, NETFILTER_STATELESS, NETFILTER_STATEFUL, NETFILTER_FULL };

/* Is it started when the node comes up? AUTO: if it ran when that went down. */
enum onboot { ONBOOT_AUTO, ONBOOT_YES, ONBOOT_NO };

/* How a change changes the lists of a configuration: config_resolve() of runtime/edit.h makes whole values of it. NULL
 * also where "" was said: `given` tells. */
struct ve_edit {
	char *ipadd, *ipdel; /* of IP_ADDRESS; with `ifname` of that interface. ipdel may be "all" */
	char *netif_add;     /* interfaces, as NETIF has them; what is missing is made up */
	char *netif_del;     /* their names, or "all" */
	char *ifname;	     /* the one that the next ones are of */
	char *mac, *host_ifname, *host_mac, *bridge, *gw, *gw6;
	unsigned mac_filter; /* 0: off */
	uint64_t vlan;	     /* 0: none */
	char *netdev_add, *netdev_del;
	char *port_add, *port_del; /* port_del may be "all" */
	bool skip_arpdetect;	   /* take the addresses without asking whether somebody has them */
};

struct ve_config {
	uint64_t given;

	/* resources */
	uint64_t ram, swap;	  /* bytes */
	uint64_t cpus;		  /* 0: all */
	uint64_t cpulimit;	  /* percent of one CPU, 0: none */
	uint64_t cpuunits;	  /* 8..500000 */
	struct bounds numproc;	  /* tasks; the limit counts */
	struct bounds diskspace;  /* bytes */
	struct bounds diskinodes; /* items */

	/* identity; NULL also where the file says "" */
	char *hostname, *name, *description;

	/* network: canonical texts, NULL for none; the header named with each reads it */
	char *ip_address;   /* of the routed interface: "10.0.0.1 fd00::1/64" (runtime/base/ip.h) */
	char *netif;	    /* bridged interfaces (runtime/netif.h) */
	char *netdev;	    /* devices of the node, by name, between blanks (runtime/word.h) */
	char *ports;	    /* of the node, that lead here (runtime/publish.h) */
	uint64_t rate;	    /* bits per second, each interface, each way; 0: no limit */
	char *nameserver;   /* addresses, or "inherit" */
	char *searchdomain; /* domains, or "inherit" */
	unsigned netfilter; /* enum netfilter */
	char *features;	    /* "tun:on sit:off" (runtime/feature.h) */
	struct ve_edit edit;

	/* where it comes from and lies */
	char *ostemplate, *origin_sample;
	char *private_area, *root_area; /* may hold $VEID; see config_path() */
	unsigned layout;		/* enum layout */
	char *layer;			/* overlay: digest of the template layer below it */
	uint64_t local_uid;		/* host id of its uid and gid 0 */

	/* coming and going */
	unsigned onboot;	   /* enum onboot */
	uint64_t bootorder;	   /* the highest first */
	unsigned uncheckpointable; /* 1: it is not started so that it can be dumped */
	bool disabled;
	uint64_t stop_timeout; /* seconds, 0: the node's default */
};

extern const struct param_table config_table;

void config_done(struct ve_config *config);
#define cleanup_config __attribute__((cleanup(config_done)))

/* Read /etc/vz/conf/CTID.conf over the node's defaults (vz.conf's VE_ROOT, VE_PRIVATE, STOP_TIMEOUT). Its layout is
 * `private` where the file names none, as in vzctl's own files: the node's VE_LAYOUT is for VEs to come.
 * ERR_NO_SUCH_VE: `Container config file does not exist`. */
int config_load(uint32_t ctid, const struct ve_config *defaults, struct ve_config *ret, struct err *err);

/* Write what is given into CTID.conf (made when missing), durably; all else in it stays as it is. ERR_CONFIG_SAVE. */
int config_save(uint32_t ctid, const struct ve_config *config, struct err *err);

/* The same for a new file that begins as the one of another VE, in the directory `dir`: what it says that is in no row
 * stays, what is in a row and not given goes. */
int config_save_like(uint32_t ctid, int dir, uint32_t like, const struct ve_config *config, struct err *err);

/* Read the sample ve-NAME.conf-sample, without what is PARAM_OWN. `kind` is the error of a missing or bad one:
 * ERR_CONFIG_EXISTS for create, ERR_APPLY_CONFIG for set. */
int config_sample(const char *name, int kind, struct ve_config *ret, struct err *err);

/* The same in a directory that is not /etc/vz/conf. */
int config_load_at(int dir, uint32_t ctid, const struct ve_config *defaults, struct ve_config *ret, struct err *err);
int config_save_at(int dir, uint32_t ctid, const struct ve_config *config, struct err *err);
int config_sample_at(int dir, const char *name, int kind, struct ve_config *ret, struct err *err);

/* Is the whole configuration one that can start? The one validator of create, set, start and whatever makes VEs.
 * RAM without swap is ERR_MISSING_LIMIT: `required UB parameter (swap) not set`. */
int config_check(const struct ve_config *config, struct err *err);

/* A path value with $VEID replaced; the caller frees. */
char *config_path(const char *value, uint32_t ctid);

/* An option or a VE's key of vzctl that is known and not built yet ("onboot", "ONBOOT"). */
bool config_unsupported(const char *option);
