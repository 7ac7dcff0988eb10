/* Preloaded into CRIU (ld.so(8)): the user namespace that it makes for what it restores is owned by, and charged to,
 * the uid that $OPENVE_OWNER names, as it was when the processes were started. The kernel takes the effective uid of
 * who makes it (create_user_ns() in kernel/user_namespace.c), so that is changed for the one call. CRIU makes processes
 * by syscall(3), which is looked up here first. */
#include <dlfcn.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long system_call(long number, long a, long b, long c, long d, long e, long f);

static system_call *next;
static uid_t owner;

__attribute__((constructor)) static void prepare(void)
{
	const char *text = getenv("OPENVE_OWNER");

	next = (system_call *)(uintptr_t)dlsym(RTLD_NEXT, "syscall");
	owner = text ? (uid_t)strtoul(text, NULL, 10) : 0;
	/* What CRIU runs in turn has no use for us. */
	unsetenv("LD_PRELOAD");
}

/* All capabilities stay. A change of ids would hide the files in /proc/self from who is not root. */
static long act_as(uid_t uid)
{
	if (prctl(PR_SET_SECUREBITS, uid ? SECBIT_NO_SETUID_FIXUP : 0) < 0)
		return -1;
	if (next(SYS_setresuid, -1, uid, -1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 1);
}

static long clone_owned(long args, long size)
{
	if (act_as(owner) < 0)
		return -1;

	/* The child starts with fresh securebits, in its own namespace; there it becomes root by itself. */
	long pid = next(SYS_clone3, args, size, 0, 0, 0, 0);
	if (pid != 0 && act_as(0) < 0)
		abort();
	return pid;
}

long syscall(long number, ...)
{
	va_list ap;

	va_start(ap, number);
	long a = va_arg(ap, long), b = va_arg(ap, long), c = va_arg(ap, long);
	long d = va_arg(ap, long), e = va_arg(ap, long), f = va_arg(ap, long);
	va_end(ap);

	if (number == SYS_clone3 && owner && ((const struct clone_args *)a)->flags & CLONE_NEWUSER)
		return clone_owned(a, b);
	return next(number, a, b, c, d, e, f);
}
