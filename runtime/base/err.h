/* What went wrong, for the person at the terminal and for the program that called.
 *
 * A function that can fail takes `struct err *` and returns 0 or more, or a negative errno. The place where the
 * system call failed fills the reason; everybody above only passes the number on. The first reason wins. */
#pragma once

#include <errno.h>

/* Every kind is one varlink error and one vzctl exit code: cmd/errors.c has the table. */
enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,	      /* a system call failed; `no` says why */
	ERR_NO_RESOURCE,      /* the kernel has no more of something the operation needs */
	ERR_LOCKED,	      /* another operation holds the VE */
	ERR_NODE_CONFIG,      /* vz.conf is missing or unreadable */
	ERR_PERMISSION,	      /* the caller may not do this */
	ERR_NO_SUCH_VE,	      /* no config file of that CTID or name */
	ERR_TIMEOUT,	      /* a command in the VE did not end in time */
	ERR_CHECKPOINT,	      /* the VE could not be checkpointed, or its image not be written */
	ERR_RESTORE,	      /* the VE could not be restored, or its image is not usable */
	ERR_BAD_CTID,	      /* no CTID and no name */
	ERR_BAD_OPTION,	      /* an option that does not exist, or not here */
	ERR_BAD_VALUE,	      /* a value that the parameter's kind refuses */
	ERR_MISSING_PARAM,    /* the operation needs a parameter that is not given */
	ERR_MISSING_LIMIT,    /* one resource limit needs another beside it */
	ERR_NO_TEMPLATE_NAME, /* create without a template and without a default one */
	ERR_NOT_RUNNING,
	ERR_RUNNING,
	ERR_STOP_FAILED, /* the VE is still there after the kill */
	ERR_OVERCOMMIT,	 /* the node cannot keep that promise */
	ERR_NOT_MOUNTED,
	ERR_MOUNTED,
	ERR_NO_PRIVATE, /* the private area is missing */
	ERR_PRIVATE_EXISTS,
	ERR_NO_SPACE,	  /* the pool or the quota is full */
	ERR_BAD_TEMPLATE, /* unpacked, but not a system: no init */
	ERR_MOUNT,	  /* the root could not be mounted */
	ERR_UMOUNT,
	ERR_DELETE, /* the private area could not be removed */
	ERR_QUOTA,  /* disk quota could not be set or read */
	ERR_BAD_HOSTNAME,
	ERR_BAD_ADDRESS,       /* an IP address that cannot be used so */
	ERR_BAD_NAMESERVER,    /* name servers could not be set */
	ERR_ADDRESS_IN_USE,    /* somebody has that address */
	ERR_ADD_ADDRESS,       /* the address could not be given to the VE */
	ERR_NETDEV,	       /* a device of the node could not be moved */
	ERR_NETFILTER_RUNNING, /* netfilter does not change in a running VE */
	ERR_VETH,	       /* an Ethernet interface of the VE's could not be made or changed */
	ERR_SCRIPT,	       /* an action script failed */
	ERR_CONFIG_EXISTS,     /* create: the CTID is taken, or the sample is missing */
	ERR_BAD_CONFIG,	       /* a config file that does not parse */
	ERR_NO_TEMPLATE,       /* no template of that name */
	ERR_TEMPLATE_DAMAGED,  /* truncated, wrong checksum, or not an archive */
	ERR_TEMPLATE_IN_USE,
	ERR_DISABLED,	  /* DISABLED="yes": start refused */
	ERR_APPLY_CONFIG, /* --applyconfig: the sample is missing or bad */
	ERR_NAME,	  /* the name is in use or not a name */
	ERR_WAIT_FAILED,  /* start --wait: the VE did not come up */
	ERR_CONFIG_SAVE,
	ERR_NOT_SUPPORTED, /* known, and not built yet */
	ERR_WRONG_STATE,   /* the VE's state does not allow this */
	ERR_SNAPSHOT,	   /* a snapshot could not be made */
	ERR_SNAPSHOT_DELETE,
	ERR_SNAPSHOT_SWITCH,
	ERR_SNAPSHOT_MOUNT,
	ERR_SNAPSHOT_UMOUNT,
	ERR_SNAPSHOT_LIST,
	ERR_INTERRUPTED, /* the worker died, or vzd was told to end */
	ERR_COUNT
};

struct err {
	enum err_kind kind;
	int no;		/* errno behind it, 0 where there is none */
	char step[32];	/* the step of the operation that failed, "" outside of steps */
	char text[512]; /* what could not be done, to what, why, and the remedy */
};

/* Record a failed system call: `fmt` says what was tried, strerror(no) is added. `no` is positive.
 * ENOSPC and EDQUOT become ERR_NO_SPACE. Returns -no. */
int err_set(struct err *err, int no, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Record a failure that has a kind of its own; `fmt` is the whole message. Returns a negative errno that fits it. */
int err_say(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Name the kind of a failure that so far is only a failed system call: `if (r < 0) return err_is(err, ERR_MOUNT, r);`
 */
int err_is(struct err *err, enum err_kind kind, int r);

/* Name the step, if none is named yet. */
void err_step(struct err *err, const char *step);
