/* Exit codes are those of vzctl 4's vzerror.h. What vzctl cannot meet, because it has no daemon and no templates of its
 * own, is its system error 3; what is not built yet is its 99, "not supported by this build". */
#include "cmd/errors.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

const struct error_row error_table[ERR_COUNT] = {
	[ERR_NONE] = {NULL, 0, NULL},
	[ERR_SYSTEM] = {INTERFACE_NAME ".System", 3, "A system call failed; errno says why"},
	[ERR_NO_RESOURCE] = {INTERFACE_NAME ".NoResource", 6, "The kernel has no more of something that is needed"},
	[ERR_LOCKED] = {INTERFACE_NAME ".Locked", 9, "Another operation holds the VE"},
	[ERR_NODE_CONFIG] = {INTERFACE_NAME ".BadNodeConfig", 10, "vz.conf is missing or unreadable"},
	[ERR_PERMISSION] = {INTERFACE_NAME ".PermissionDenied", 12, "The caller may not do this"},
	[ERR_NO_SUCH_VE] = {INTERFACE_NAME ".NoSuchVE", 14, "No VE has that CTID or name"},
	[ERR_TIMEOUT] = {INTERFACE_NAME ".TimedOut", 15, "A command in the VE did not end in time"},
	[ERR_CHECKPOINT] = {INTERFACE_NAME ".CheckpointFailed", 16, "The VE could not be checkpointed"},
	[ERR_RESTORE] = {INTERFACE_NAME ".RestoreFailed", 17,
			 "The VE could not be restored, or its image is not usable"},
	[ERR_BAD_CTID] = {INTERFACE_NAME ".BadCTID", 21, "Neither a CTID nor a name"},
	[ERR_BAD_OPTION] = {INTERFACE_NAME ".BadOption", 20, "An option that does not exist, or not here"},
	[ERR_BAD_VALUE] = {INTERFACE_NAME ".BadParameter", 21, "A value that the parameter does not take"},
	[ERR_MISSING_PARAM] = {INTERFACE_NAME ".MissingParameter", 27, "A parameter that is needed is not given"},
	[ERR_MISSING_LIMIT] = {INTERFACE_NAME ".MissingLimit", 28, "One limit needs another beside it"},
	[ERR_NO_TEMPLATE_NAME] = {INTERFACE_NAME ".NoTemplateName", 29,
				  "No template is given, and there is no default"},
	[ERR_NOT_RUNNING] = {INTERFACE_NAME ".NotRunning", 31, "The VE does not run"},
	[ERR_RUNNING] = {INTERFACE_NAME ".Running", 32, "The VE runs"},
	[ERR_STOP_FAILED] = {INTERFACE_NAME ".StopFailed", 33, "The VE is still there after it was killed"},
	[ERR_OVERCOMMIT] = {INTERFACE_NAME ".Overcommit", 36, "The node cannot keep that promise"},
	[ERR_NOT_MOUNTED] = {INTERFACE_NAME ".NotMounted", 40, "The VE is not mounted"},
	[ERR_MOUNTED] = {INTERFACE_NAME ".Mounted", 41, "The VE is mounted"},
	[ERR_NO_PRIVATE] = {INTERFACE_NAME ".NoPrivateArea", 43, "The private area is missing"},
	[ERR_PRIVATE_EXISTS] = {INTERFACE_NAME ".PrivateAreaExists", 44, "There is a private area already"},
	[ERR_NO_SPACE] = {INTERFACE_NAME ".NoSpace", 46, "The pool or the quota is full"},
	[ERR_BAD_TEMPLATE] = {INTERFACE_NAME ".BadTemplate", 47, "The template holds no system: no init"},
	[ERR_MOUNT] = {INTERFACE_NAME ".MountFailed", 50, "The root could not be mounted"},
	[ERR_UMOUNT] = {INTERFACE_NAME ".UmountFailed", 51, "The root could not be unmounted"},
	[ERR_DELETE] = {INTERFACE_NAME ".DeleteFailed", 52, "The private area could not be removed"},
	[ERR_QUOTA] = {INTERFACE_NAME ".QuotaFailed", 62, "Disk quota could not be set or read"},
	[ERR_BAD_HOSTNAME] = {INTERFACE_NAME ".BadHostname", 70, "Not a host name"},
	[ERR_BAD_ADDRESS] = {INTERFACE_NAME ".BadAddress", 71, "An IP address that cannot be used so"},
	[ERR_BAD_NAMESERVER] = {INTERFACE_NAME ".BadNameserver", 72, "The name servers could not be set"},
	[ERR_ADDRESS_IN_USE] = {INTERFACE_NAME ".AddressInUse", 78, "Somebody has that IP address already"},
	[ERR_ADD_ADDRESS] = {INTERFACE_NAME ".AddAddressFailed", 34, "The VE could not be given an IP address"},
	[ERR_NETDEV] = {INTERFACE_NAME ".DeviceFailed", 104, "A network device of the node could not be moved"},
	[ERR_NETFILTER_RUNNING] = {INTERFACE_NAME ".NetfilterRunning", 106, "Netfilter of a running VE cannot change"},
	[ERR_VETH] = {INTERFACE_NAME ".InterfaceFailed", 130, "An Ethernet interface could not be made or changed"},
	[ERR_SCRIPT] = {INTERFACE_NAME ".ScriptFailed", 79, "An action script failed"},
	[ERR_CONFIG_EXISTS] = {INTERFACE_NAME ".ConfigExists", 82, "The CTID is taken, or the sample is missing"},
	[ERR_BAD_CONFIG] = {INTERFACE_NAME ".BadConfig", 85, "A configuration file that does not parse"},
	[ERR_NO_TEMPLATE] = {INTERFACE_NAME ".NoSuchTemplate", 91, "No template has that name"},
	[ERR_TEMPLATE_DAMAGED] = {INTERFACE_NAME ".TemplateDamaged", 48,
				  "Truncated, wrong checksum, or not an archive"},
	[ERR_TEMPLATE_IN_USE] = {INTERFACE_NAME ".TemplateInUse", 3, "VEs stand on that template"},
	[ERR_DISABLED] = {INTERFACE_NAME ".Disabled", 105, "The VE is not to be started"},
	[ERR_APPLY_CONFIG] = {INTERFACE_NAME ".ApplyConfigFailed", 109, "The sample to apply is missing or bad"},
	[ERR_NAME] = {INTERFACE_NAME ".BadName", 131, "The name is in use, or not a name"},
	[ERR_WAIT_FAILED] = {INTERFACE_NAME ".WaitFailed", 133, "The VE did not come up"},
	[ERR_CONFIG_SAVE] = {INTERFACE_NAME ".ConfigNotSaved", 139, "The configuration could not be saved"},
	[ERR_NOT_SUPPORTED] = {INTERFACE_NAME ".NotSupported", 99, "Known, but this version cannot do it"},
	[ERR_WRONG_STATE] = {INTERFACE_NAME ".WrongState", 3, "The VE's state does not allow this"},
	[ERR_SNAPSHOT] = {INTERFACE_NAME ".SnapshotFailed", 156, "A snapshot could not be made"},
	[ERR_SNAPSHOT_DELETE] = {INTERFACE_NAME ".SnapshotDeleteFailed", 158, "A snapshot could not be removed"},
	[ERR_SNAPSHOT_SWITCH] = {INTERFACE_NAME ".SnapshotSwitchFailed", 159,
				 "What the VE was at a snapshot could not be had back"},
	[ERR_SNAPSHOT_MOUNT] = {INTERFACE_NAME ".SnapshotMountFailed", 160, "A snapshot could not be mounted"},
	[ERR_SNAPSHOT_UMOUNT] = {INTERFACE_NAME ".SnapshotUmountFailed", 161, "A snapshot could not be unmounted"},
	[ERR_SNAPSHOT_LIST] = {INTERFACE_NAME ".SnapshotListFailed", 167, "The snapshots could not be listed"},
	[ERR_INTERRUPTED] = {INTERFACE_NAME ".Interrupted", 3, "The operation was cut short"},
};

/* What sd-varlink answers by itself, before a method of ours is called. */
static const struct {
	const char *name;
	enum err_kind kind;
} foreign[] = {
	{"io.systemd.Disconnected", ERR_INTERRUPTED},
	{"io.systemd.TimedOut", ERR_TIMEOUT},
	{"org.varlink.service.InvalidParameter", ERR_BAD_VALUE},
	{"org.varlink.service.MethodNotFound", ERR_NOT_SUPPORTED},
	{"org.varlink.service.PermissionDenied", ERR_PERMISSION},
};

enum err_kind error_kind(const char *name)
{
	for (enum err_kind kind = ERR_NONE + 1; kind < ERR_COUNT; kind++)
		if (str_eq(error_table[kind].name, name))
			return kind;
	for (size_t i = 0; i < countof(foreign); i++)
		if (str_eq(foreign[i].name, name))
			return foreign[i].kind;
	return ERR_SYSTEM;
}
