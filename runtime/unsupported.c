/* What vzctl can be asked for and this version does not build: such an option is refused as one that is known, and a
 * configuration that has such a key is kept as it is. */
#include <strings.h>

#include "runtime/base/mem.h"
#include "runtime/config.h"

/* Options of `vzctl create` and `set`, and keys of CTID.conf; a key and the option of the same name share an entry. */
/* clang-format off */
static const char *const names[] = {
	"autocompact", "autostop", "avnumproc", "bindmount", "bindmount_add", "bindmount_del",
	"capability", "configure", "cpumask", "cpuuweight", "cpuweight", "dcache",
	"dcachesize", "devices", "devnodes", "dgramrcvbuf", "dhcp", "dhcp6", "disk", "disk_quota",
	"diskquota", "distribution", "ext_ipadd", "ext_ipdel", "ha_enable", "ha_prio", "iolimit",
	"ioprio", "iopslimit", "iptables", "iptentries", "journaled_quota", "jquota", "kmemsize",
	"local_gid", "local_uid", "lockedpages", "memguarantee", "meminfo", "mount_opts", "network",
	"noatime", "nodemask", "numfile", "numflock", "numiptent", "numnetif", "numothersock",
	"numpty", "numsiginfo", "numtcpsock", "offline", "offline-resize", "oomguarpages",
	"othersockbuf", "pagecache-isolation", "pci", "pci_add", "pci_del", "physpages", "privvmpages",
	"quotatime", "quotaugidlimit", "ratebound", "reset_ub", "root_disk", "shmpages", "swappages",
	"tcprcvbuf", "tcpsndbuf", "technologies", "templates", "use_net_rps", "userpasswd", "veth",
	"vm_overcommit", "vmguarpages",
};
/* clang-format on */

bool config_unsupported(const char *option)
{
	/* LOCAL_UID and PHYSPAGES are keys of ours, --local_uid and --physpages no options. */
	if (param_by_key(&config_table, option) || param_by_option(&config_table, option))
		return false;
	for (size_t i = 0; i < countof(names); i++)
		if (strcasecmp(names[i], option) == 0)
			return true;
	return false;
}
