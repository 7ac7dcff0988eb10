/* Capabilities that count only in the VE's own user namespace stay with it. What goes is what the kernel would refuse
 * there anyway, because it asks for the node's, and CAP_SYS_RESOURCE, which would lift the ceilings below. The bounding
 * set is no wall: a user namespace made inside starts with a full one again (user_namespaces(7)); the ceilings hold
 * there as well. */
#include "runtime/caps.h"

#include <stdint.h>
#include <sys/capability.h>
#include <sys/resource.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static const cap_value_t dropped[] = {
	CAP_SYS_MODULE,	  /* kernel modules are the node's */
	CAP_SYS_RAWIO,	  /* so are I/O ports and memory */
	CAP_SYS_TIME,	  /* and the clock: time daemons look here and keep quiet (ConditionCapability=CAP_SYS_TIME) */
	CAP_SYS_RESOURCE, /* lifts the ceilings in /proc/sys/user */
	CAP_SYSLOG,	  /* the kernel log is the node's */
	CAP_MAC_ADMIN,	  /* the security module's policy too */
	CAP_MAC_OVERRIDE,
	CAP_WAKE_ALARM,	   /* a VE does not wake the node from suspend */
	CAP_BLOCK_SUSPEND, /* nor keep it awake */
	CAP_AUDIT_CONTROL, /* there is one audit log, the node's */
	CAP_AUDIT_READ,
	CAP_PERFMON,		/* looks into the node's CPUs */
	CAP_BPF,		/* programs in the kernel */
	CAP_CHECKPOINT_RESTORE, /* the node dumps VEs, they not one another */
};

#define MIB (UINT64_C(1) << 20)

struct limit {
	const char *name;
	int resource;
	rlim_t all;	   /* ceiling for all processes of the VE together; 0: the kernel counts each process alone */
	rlim_t soft, hard; /* what each process starts with */
};

/* A VE's processes start with what the kernel gives the init of a machine (INIT_RLIMITS,
 * include/asm-generic/resource.h), and never with what vzd was started with. The ceilings are far above what a busy
 * system uses: tasks, locked pages, queued signals and messages count in the VE's memory.max, and pids.max is the wall
 * for tasks. */
static const struct limit limits[] = {
	{"CPU", RLIMIT_CPU, 0, RLIM_INFINITY, RLIM_INFINITY},
	{"FSIZE", RLIMIT_FSIZE, 0, RLIM_INFINITY, RLIM_INFINITY},
	{"DATA", RLIMIT_DATA, 0, RLIM_INFINITY, RLIM_INFINITY},
	{"STACK", RLIMIT_STACK, 0, 8 * MIB, RLIM_INFINITY},
	{"CORE", RLIMIT_CORE, 0, 0, RLIM_INFINITY},
	{"RSS", RLIMIT_RSS, 0, RLIM_INFINITY, RLIM_INFINITY},
	{"NPROC", RLIMIT_NPROC, 262144, 262144, 262144},
	/* 1048576 is the kernel's default of fs.nr_open; programs that use select(2) need the soft 1024. */
	{"NOFILE", RLIMIT_NOFILE, 0, 1024, 1048576},
	/* Bytes. systemd as init raises itself to 64 MiB and gives its services 8. */
	{"MEMLOCK", RLIMIT_MEMLOCK, 64 * MIB, 8 * MIB, 64 * MIB},
	{"AS", RLIMIT_AS, 0, RLIM_INFINITY, RLIM_INFINITY},
	{"LOCKS", RLIMIT_LOCKS, 0, RLIM_INFINITY, RLIM_INFINITY},
	/* 80 bytes of kernel memory each; every POSIX timer takes one too. */
	{"SIGPENDING", RLIMIT_SIGPENDING, 65536, 65536, 65536},
	/* Bytes: the kernel's default MQ_BYTES_MAX, for ten users at a time. */
	{"MSGQUEUE", RLIMIT_MSGQUEUE, 8192000, 819200, 819200},
	{"NICE", RLIMIT_NICE, 0, 0, 0},
	{"RTPRIO", RLIMIT_RTPRIO, 0, 0, 0},
	{"RTTIME", RLIMIT_RTTIME, 0, RLIM_INFINITY, RLIM_INFINITY},
};

struct ceiling {
	const char *file; /* in /proc/sys/user */
	const char *value;
};

/* Each holds for every user of the VE by itself; what they all may have together is the node's own value, which counts
 * against the uid that owns the VE's user namespace. None is 0: where one service of systemd or one program in a
 * sandbox would do, "no space left" is a failure that nobody handles. */
static const struct ceiling ceilings[] = {
	{"max_cgroup_namespaces", "1024"}, /* containers in the VE have one each, of every kind */
	{"max_fanotify_groups", "128"},	   /* the kernel's default */
	{"max_fanotify_marks", "65536"},   /* a virus scanner marks mounts, not files */
	{"max_inotify_instances", "4096"}, /* the default 128 is soon used up by the daemons of one uid 0 */
	{"max_inotify_watches", "524288"}, /* about 1 KiB each with the inode that it holds */
	{"max_ipc_namespaces", "1024"},	   /* PrivateIPC= */
	{"max_mnt_namespaces", "4096"},	   /* one for nearly every service of systemd */
	{"max_net_namespaces", "512"},	   /* the dearest, and taken down one after the other for the whole node */
	{"max_pid_namespaces", "1024"},	   /* browsers' sandboxes */
	{"max_time_namespaces", "1024"},   /* the VE's own is the only one that most systems see */
	{"max_user_namespaces", "1024"},   /* PrivateUsers=, bubblewrap, rootless containers */
	{"max_uts_namespaces", "1024"},	   /* ProtectHostname= */
};

static void free_caps(cap_t *caps)
{
	cap_free(*caps);
}

/* What is taken from the bounding set alone would stay effective until exec. The ambient set is never more than the
 * inheritable one and is emptied with it. */
static int drop_own(struct err *err)
{
	__attribute__((cleanup(free_caps))) cap_t own = cap_get_proc();

	if (!own || cap_clear_flag(own, CAP_INHERITABLE) < 0 ||
	    cap_set_flag(own, CAP_EFFECTIVE, countof(dropped), dropped, CAP_CLEAR) < 0 ||
	    cap_set_flag(own, CAP_PERMITTED, countof(dropped), dropped, CAP_CLEAR) < 0 || cap_set_proc(own) < 0)
		return err_set(err, errno, "drop capabilities");
	return 0;
}

int caps_drop(struct err *err)
{
	for (size_t i = 0; i < countof(dropped); i++)
		if (cap_drop_bound(dropped[i]) < 0)
			return err_set(err, errno, "drop capability %d from the bounding set", dropped[i]);
	return drop_own(err);
}

uint64_t caps_dropped(void)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < countof(dropped); i++)
		bits |= UINT64_C(1) << dropped[i];
	return bits;
}

static int set_limit(const struct limit *limit, rlim_t soft, rlim_t hard, struct err *err)
{
	const struct rlimit value = {.rlim_cur = soft, .rlim_max = hard};

	if (setrlimit(limit->resource, &value) < 0)
		return err_set(err, errno,
			       "set the VE's limit %s (vzd needs CAP_SYS_RESOURCE and fs.nr_open at least NOFILE)",
			       limit->name);
	return 0;
}

/* The soft limits become the ceilings; those that are none stay, as long as they may. */
int caps_limit_creator(struct err *err)
{
	for (size_t i = 0; i < countof(limits); i++) {
		const struct limit *limit = &limits[i];
		rlim_t hard = limit->all > limit->hard ? limit->all : limit->hard;
		struct rlimit now;

		if (getrlimit(limit->resource, &now) < 0)
			return err_set(err, errno, "read the limit %s", limit->name);
		rlim_t soft = limit->all ? limit->all : now.rlim_cur;
		int r = set_limit(limit, soft < hard ? soft : hard, hard, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int caps_limit_init(struct err *err)
{
	for (size_t i = 0; i < countof(limits); i++) {
		int r = set_limit(&limits[i], limits[i].soft, limits[i].hard, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int caps_limit_namespaces(int proc, struct err *err)
{
	for (size_t i = 0; i < countof(ceilings); i++) {
		cleanup_free char *path = str_fmt("sys/user/%s", ceilings[i].file);
		int r = io_write_kernel(proc, path, ceilings[i].value);

		/* A kernel built without one of them has nothing to limit. */
		if (r < 0 && r != -ENOENT)
			return err_set(err, -r, "write /proc/%s of the VE", path);
	}
	return 0;
}
