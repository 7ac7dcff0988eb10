/* Who a process is: ids, capabilities, what it has given up for good. Each kind asks the kernel in words, and tries. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USER 1000
#define GROUP 1001

static bool prepare_user(struct held *held)
{
	const gid_t groups[] = {2000, 3000};

	held->fd[0] = open("only-roots", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return ok(held, held->fd[0] >= 0, "a file: %m") &&
	       ok(held, setgroups(countof(groups), groups) == 0 && setresgid(GROUP, GROUP, GROUP) == 0, "groups: %m") &&
	       ok(held, setresuid(USER, USER, USER) == 0, "setresuid: %m");
}

static bool check_user(struct held *held)
{
	uid_t uid[3];
	gid_t gid[3], groups[8];

	getresuid(&uid[0], &uid[1], &uid[2]);
	getresgid(&gid[0], &gid[1], &gid[2]);
	int n = getgroups(countof(groups), groups);
	return ok(held, uid[0] == USER && uid[1] == USER && uid[2] == USER, "the uids are %u %u %u", uid[0], uid[1],
		  uid[2]) &&
	       ok(held, gid[0] == GROUP && gid[1] == GROUP && gid[2] == GROUP, "the gids are %u %u %u", gid[0], gid[1],
		  gid[2]) &&
	       ok(held, n == 2 && groups[0] == 2000 && groups[1] == 3000, "its other groups are others") &&
	       ok(held, open("only-roots", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES,
		  "it can read what is root's") &&
	       ok(held, setuid(0) < 0, "it can become root again") &&
	       ok(held, put(held->fd[0], "x"), "it cannot use what it had open before: %m");
}

/* An effective uid that is not the real one, as a daemon has that will be root again. */
static bool prepare_half(struct held *held)
{
	return ok(held, setresuid(0, USER, 0) == 0, "setresuid: %m");
}

static bool check_half(struct held *held)
{
	uid_t uid[3];

	getresuid(&uid[0], &uid[1], &uid[2]);
	return ok(held, uid[0] == 0 && uid[1] == USER && uid[2] == 0, "the uids are %u %u %u", uid[0], uid[1],
		  uid[2]) &&
	       ok(held, seteuid(0) == 0 && seteuid(USER) == 0, "it cannot become root again and back: %m");
}

static bool spoil_half(struct held *held)
{
	(void)held;
	return seteuid(0) == 0;
}

struct caps {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
};

#define BIT(cap) (1U << (cap))
#define KEPT (BIT(CAP_CHOWN) | BIT(CAP_NET_RAW))

static struct caps get_caps(void)
{
	struct caps caps = {.header.version = _LINUX_CAPABILITY_VERSION_3};

	syscall(SYS_capget, &caps.header, caps.data);
	return caps;
}

static bool set_caps(unsigned effective, unsigned permitted, unsigned inheritable)
{
	struct caps caps = {.header.version = _LINUX_CAPABILITY_VERSION_3};

	caps.data[0] = (struct __user_cap_data_struct){effective, permitted, inheritable};
	return syscall(SYS_capset, &caps.header, caps.data) == 0;
}

static bool prepare_caps(struct held *held)
{
	return ok(held, prctl(PR_CAPBSET_DROP, CAP_MKNOD) == 0, "drop one from the bounding set: %m") &&
	       ok(held, set_caps(BIT(CAP_CHOWN), KEPT, BIT(CAP_NET_RAW)), "capset: %m") &&
	       ok(held, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0, "make one ambient: %m");
}

static bool check_caps(struct held *held)
{
	struct caps caps = get_caps();
	const struct __user_cap_data_struct *low = &caps.data[0], *high = &caps.data[1];

	return ok(held, low->effective == BIT(CAP_CHOWN) && !high->effective, "effective are %#x", low->effective) &&
	       ok(held, low->permitted == KEPT && !high->permitted, "permitted are %#x", low->permitted) &&
	       ok(held, low->inheritable == BIT(CAP_NET_RAW), "inheritable are %#x", low->inheritable) &&
	       ok(held, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 1, "none is ambient") &&
	       ok(held, prctl(PR_CAPBSET_READ, CAP_MKNOD) == 0, "the bounding set is larger") &&
	       ok(held, prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1, "the bounding set is smaller") &&
	       ok(held, sethostname("breached", 8) < 0 && errno == EPERM, "it can do what it gave up");
}

static bool spoil_caps(struct held *held)
{
	(void)held;
	return set_caps(KEPT, KEPT, BIT(CAP_NET_RAW));
}

static bool prepare_securebits(struct held *held)
{
	/* linux/securebits.h: the first keeps capabilities over a change of uid. */
	held->id = 1 << 2 | 1 << 3;
	return ok(held, prctl(PR_SET_SECUREBITS, held->id) == 0, "prctl: %m");
}

static bool check_securebits(struct held *held)
{
	int bits = prctl(PR_GET_SECUREBITS);

	return ok(held, bits == held->id, "they are %#x", bits);
}

static bool prepare_no_new_privs(struct held *held)
{
	return ok(held, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl: %m");
}

static bool check_no_new_privs(struct held *held)
{
	return ok(held, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "it may get new ones");
}

/* One system call is refused with an errno that it never has. A later filter with another errno is asked first. */
static bool refuse(int no)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)no),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = countof(code), .filter = code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool prepare_seccomp(struct held *held)
{
	return ok(held, refuse(EXDEV), "set a filter: %m");
}

static bool check_seccomp(struct held *held)
{
	errno = 0;
	return ok(held, getpriority(PRIO_PROCESS, 0) < 0 && errno == EXDEV, "the call is not refused: %m") &&
	       ok(held, prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER, "there is no filter");
}

static bool spoil_seccomp(struct held *held)
{
	(void)held;
	return refuse(EXFULL);
}

static bool prepare_dumpable(struct held *held)
{
	return ok(held, prctl(PR_SET_DUMPABLE, 0) == 0, "prctl: %m");
}

static bool check_dumpable(struct held *held)
{
	return ok(held, prctl(PR_GET_DUMPABLE) == 0, "it can be dumped and traced");
}

static bool spoil_dumpable(struct held *held)
{
	(void)held;
	return prctl(PR_SET_DUMPABLE, 1) == 0;
}

struct kinds identity_kinds(void)
{
	static const struct kind list[] = {
		{"user", prepare_user, check_user, NULL},
		{"effective-user", prepare_half, check_half, spoil_half},
		{"capabilities", prepare_caps, check_caps, spoil_caps},
		{"securebits", prepare_securebits, check_securebits, NULL},
		{"no-new-privs", prepare_no_new_privs, check_no_new_privs, NULL},
		{"seccomp", prepare_seccomp, check_seccomp, spoil_seccomp},
		{"dumpable", prepare_dumpable, check_dumpable, spoil_dumpable},
	};
	return (struct kinds){list, countof(list)};
}
