#include "runtime/base/creds.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/err.h"

/* A change of ids makes the process as dumpable as fs.suid_dumpable says (prctl(2)); with 1 there, whoever has the new
 * ids could trace what is still the node's memory. */
static int hide(struct err *err)
{
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? err_set(err, errno, "protect our memory") : 0;
}

/* Leaving uid 0 clears the effective set; the permitted one stays as long as the saved uid is 0 (capabilities(7)). */
static int raise_effective(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return err_set(err, errno, "read our capabilities");
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = data[i].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return err_set(err, errno, "raise our capabilities");
	return 0;
}

int creds_borrow(uint32_t id, struct err *err)
{
	if (setresgid(id, id, 0) < 0 || setresuid(id, id, 0) < 0)
		return err_set(err, errno, "become uid %u", id);
	int r = hide(err);
	return r < 0 ? r : raise_effective(err);
}

int creds_return(struct err *err)
{
	if (setresuid(0, 0, 0) < 0 || setresgid(0, 0, 0) < 0)
		return err_set(err, errno, "become root again");
	return hide(err);
}

int creds_root(struct err *err)
{
	if (setresgid(0, 0, 0) < 0 || setgroups(0, NULL) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "become root of the VE");
	return hide(err);
}
