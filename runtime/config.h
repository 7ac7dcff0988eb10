/* What a VE is, in words: the configuration in /etc/vz/conf/CTID.conf and the table of its parameters.
 * One type serves as a whole configuration, as a change and as a request: `given` says what it has a word on. */
#pragma once

#include "runtime/param.h"
#include "templates/store.h"

struct err;

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

	/* where it comes from and lies */
	char *ostemplate, *origin_sample;
	char *private_area, *root_area; /* may hold $VEID; see config_path() */
	unsigned layout;		/* enum layout */
	char *layer;			/* overlay: digest of the template layer below it */
	uint64_t local_uid;		/* host id of its uid and gid 0 */

	/* coming and going */
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

/* An option or a VE's key of vzctl that is known and not built yet ("ipadd", "IP_ADDRESS"). */
bool config_unsupported(const char *option);
