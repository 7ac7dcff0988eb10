/* The tables are CRIU's messages of 4.1 and 4.2, criu/, compel/ and soccr/, as far as an operator meets them. */
#include "checkpoint/reason.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/lines.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define LOG_PART ((off_t)4 << 20)

#define RETRY "try again"
#define STOP_PROCESS "stop the process"
#define STOP_CONTAINERS "stop containers and sandboxes inside"
#define SAME_FILES "restore with the same files that were there at the checkpoint"

/* A line that has both parts is told so. What is more special stands first. */
static const struct row {
	const char *part[2];
	const char *words, *remedy;
} rows[] = {
	/* The node. */
	{{"Can't get 1:16 opt"},
	 "this version of criu cannot save sockets on a kernel of 6.16 or newer",
	 "install criu 4.2 or newer"},
	{{"Can't get 1:34 opt"},
	 "this version of criu cannot save sockets on a kernel of 6.16 or newer",
	 "install criu 4.2 or newer"},
	{{"No space left on device"}, "the disk is full", "free some space where checkpoints are kept"},
	{{"Disk quota exceeded"}, "the disk quota is used up", "free some space, or raise the quota"},
	{{"Cannot allocate memory"},
	 "the node or the memory limit has too little memory for it",
	 "free some memory, or raise the limit"},
	{{"Not enough memory"}, "the node has too little memory for it", "free some memory"},
	{{"Tracking memory is not available"},
	 "this kernel does not track which memory changes (CONFIG_MEM_SOFT_DIRTY)",
	 "do it without copying memory beforehand"},
	{{"Unable to open an userfaultfd descriptor"},
	 "memory cannot be brought in later, for processes may not use userfaultfd",
	 "set vm.unprivileged_userfaultfd=1"},
	{{"Diag module missing"},
	 "the kernel lacks a module that tells of sockets",
	 "load unix_diag, inet_diag, tcp_diag, udp_diag, raw_diag, packet_diag and netlink_diag"},
	{{"Sockects collect procedure"},
	 "the kernel lacks a module that tells of sockets",
	 "load unix_diag, inet_diag, tcp_diag, udp_diag, raw_diag, packet_diag and netlink_diag"},
	{{"CPU xsave size mismatch"},
	 "this CPU's registers are of another size than those that were saved",
	 "restore on a node with the same model of CPU"},
	{{"CPU", "do not match run time"},
	 "this CPU lacks what the processes may use",
	 "restore on a node with the same model of CPU, or a newer one"},
	{{"FPU feature required by image"},
	 "this CPU lacks what the processes may use",
	 "restore on a node with the same model of CPU, or a newer one"},
	{{"CPU xfeatures has unsupported bits"},
	 "this CPU lacks what the processes may use",
	 "restore on a node with the same model of CPU, or a newer one"},
	{{"Unable to connect a transport socket", "Permission denied"},
	 "a security module keeps criu from talking to the processes",
	 "loosen the profile of AppArmor or SELinux that confines them"},
	{{"apparmor LSM specified but apparmor not supported"},
	 "this node has no AppArmor, which the processes were confined by",
	 "restore on a node with AppArmor"},
	{{"failed to suspend seccomp"}, "the kernel does not let criu suspend seccomp filters", NULL},
	{{"CRIU was built without libnftables support"},
	 "this build of criu cannot lock the network with nftables",
	 "install criu with libnftables"},
	{{"Locking network failed"},
	 "the network could not be locked",
	 "remove tables whose names start with CRIU from its network namespace, and " RETRY},

	/* Processes. */
	{{"The criu itself is within dumped tree"}, "criu runs inside of what it shall dump", NULL},
	{{"Unseizable non-zombie"},
	 "a process cannot be stopped: it is being debugged, or it hangs in the kernel",
	 "detach the debugger (gdb, strace)"},
	{{"Can't dump the", "pending SIGTRAP"}, "a process is being debugged", "detach the debugger (gdb, strace)"},
	{{"Unable to freeze cgroup"},
	 "the processes could not be frozen in time: one of them hangs in the kernel",
	 RETRY},
	{{"Timeout reached"}, "it took longer than the time limit", "raise the time limit, and " RETRY},
	{{"Unable to interrupt the current operation"},
	 "it took longer than the time limit",
	 "raise the time limit, and " RETRY},
	{{"Can't dump nested cgroup namespace"},
	 "a process has a cgroup namespace of its own",
	 "for a service of systemd set ProtectControlGroups=no"},
	{{"Can't dump nested ipc namespace"},
	 "a process has an IPC namespace of its own",
	 "for a service of systemd set PrivateIPC=no"},
	{{"Can't dump nested pid namespace"},
	 "a process has a PID namespace of its own",
	 "for a service of systemd set PrivatePIDs=no; " STOP_CONTAINERS},
	{{"Can't dump nested time namespace"}, "a process has a time namespace of its own", STOP_PROCESS},
	{{"Can't dump nested user namespace"},
	 "a process has a user namespace of its own",
	 "for a service of systemd set PrivateUsers=no; " STOP_CONTAINERS},
	{{"Can't dump nested uts namespace"},
	 "a process has a UTS namespace of its own",
	 "for a service of systemd set ProtectHostname=no"},
	{{"A session leader of", "is outside of its pid namespace"},
	 "the leader of a process's session is outside",
	 "stop the process, and start it with setsid or as a service"},
	{{"is not a session leader"}, "the first process is not the leader of its session", NULL},
	{{"Zombies with threads"}, "a process ends at this moment", RETRY},
	{{"Zombie thread not supported"}, "a thread ends at this moment", RETRY},
	{{"Zombie with children"}, "a process ends at this moment", RETRY},
	{{"found while seizing"}, "a process ends at this moment", RETRY},
	{{"A root task is dead"}, "its first process has ended", NULL},
	{{"Task pid reused while suspending"}, "processes come and go too fast", RETRY},
	{{"Individually stopped threads not supported"},
	 "single threads of a process are stopped",
	 "continue or end the process"},
	{{"Can't fork for", "File exists"},
	 "a process number that is to be restored is taken",
	 "end what was started from the same checkpoint before"},
	{{"Can't set last_pid"},
	 "a process number that is to be restored is taken",
	 "end what was started from the same checkpoint before"},
	{{"Unable to create a thread"},
	 "a thread could not be restored: its number is taken, or there may be no more of them",
	 "raise the limit of processes"},
	{{"Can't fork for", "Resource temporarily unavailable"},
	 "there may be no more processes",
	 "raise the limit of processes"},
	{{"PR_SET_MM_MAP", "failed with -9"},
	 "a process was saved while systemd was just starting it",
	 "make the checkpoint some seconds later, when systemctl is-system-running has settled"},
	{{"killed by signal 9"},
	 "a process was killed while it was restored, most likely for lack of memory",
	 "free some memory, or raise the limit"},
	{{"rseq but kernel lacks"}, "the kernel does not tell of restartable sequences", NULL},

	/* Files. */
	{{"send_fds failed (-22)"},
	 "a process has an io_uring, or another file that cannot be handed over",
	 "stop the process, or configure it to use epoll or threads for its I/O"},
	{{"Unknown shit"}, "a process has something mapped that cannot be saved", STOP_PROCESS},
	{{"anon_inode:[io_uring]"},
	 "a process has an io_uring",
	 "stop the process, or configure it to use epoll or threads for its I/O"},
	{{"Can't dump file", "anon_inode:bpf"}, "a process has a BPF program or map", STOP_PROCESS},
	{{"Can't dump file", "anon_inode:[perf_event]"}, "a process has a performance counter", "stop the profiler"},
	{{"Can't dump file", "anon_inode:[userfaultfd]"}, "a process has a userfaultfd", STOP_PROCESS},
	{{"Can't dump file", "(chr "}, "a process has a device open that cannot be saved", STOP_PROCESS},
	{{"Can't dump file", "of that type"}, "a process has a file open of a kind that cannot be saved", STOP_PROCESS},
	{{"Can't handle non-regular mapping"}, "a process has a device mapped", STOP_PROCESS},
	{{"Unsupported mapping found"}, "a process has memory of a device mapped", STOP_PROCESS},
	{{"Can't dump ghost file", "increase limit"},
	 "a file that was deleted is still open, and larger than the limit",
	 "stop or restart the process that has it open"},
	{{"Can't create link remap for"},
	 "a file that was replaced or deleted is still open",
	 "stop or restart the process that has it open"},
	{{"Can't link remap to"},
	 "a file that was replaced or deleted is still open, and cannot be given a name",
	 "stop or restart the process that has it open"},
	{{"Can't lookup mount="},
	 "a process has a file open that lies on none of its mounts",
	 "stop or restart the process that has it open"},
	{{"overmounted mounts are not supported"},
	 "a process has a file open on which something was mounted over",
	 "stop or restart the process that has it open"},
	{{"Unaccessible path opened"},
	 "a process has a file open that another file has taken the place of",
	 "stop or restart the process that has it open"},
	{{"Some file locks are hold by dumping tasks"}, "a file is locked", NULL},
	{{"Unresolved lock found"},
	 "a file is locked together with a process outside",
	 "stop the process that holds the lock"},
	{{"Can't dump that handle"},
	 "a process watches a file (inotify) that cannot be found again",
	 "mount the overlay with index=on,nfs_export=on, or stop the process"},
	{{"PIDFD_THREAD flag"}, "a process has a pidfd of a thread", STOP_PROCESS},
	{{"pidfd pid", "is not a part of process tree"}, "a process has a pidfd of one outside", STOP_PROCESS},
	{{"No NS ID with kid"}, "a process has a namespace open that no process is in", "stop or restart the process"},
	{{"Found dangling tty"}, "a process has a terminal that is outside", "end the session that it belongs to"},
	{{"Found slave peer index", "without"},
	 "a process has a terminal that is outside",
	 "end the session that it belongs to"},
	{{"has bad size"}, "a file has another size than at the checkpoint", SAME_FILES},
	{{"has bad build-ID"}, "a program or library is another one than at the checkpoint", SAME_FILES},
	{{"has bad mode"}, "a file has other permissions than at the checkpoint", SAME_FILES},
	{{"Can't open file", "No such file or directory"},
	 "a file that was open at the checkpoint is missing",
	 SAME_FILES},
	{{"Can't open file", "on restore"}, "a file that was open at the checkpoint cannot be opened", SAME_FILES},

	/* Sockets. */
	{{"Unknown socket collected"}, "a process has a socket of a protocol that cannot be saved", STOP_PROCESS},
	{{"Unsupported proto"}, "a process has a socket of a protocol that cannot be saved", STOP_PROCESS},
	{{"inet socket", "Only stream, dgram and raw"},
	 "a process has a socket of a protocol that cannot be saved",
	 STOP_PROCESS},
	{{"Connected TCP socket"}, "there are TCP connections", NULL},
	{{"In-flight connection (l)"}, "a TCP connection waits to be accepted", RETRY},
	{{"Unknown inet socket", "state"}, "a TCP connection is just being opened or closed", RETRY},
	{{"Can't dump corked dgram socket"}, "a process is in the midst of sending a datagram", RETRY},
	{{"The socket has data to read"}, "a process has not read yet what the kernel told it over netlink", RETRY},
	{{"The netlink socket", "more than 32 groups"},
	 "a process listens to more groups of netlink than can be saved",
	 STOP_PROCESS},
	{{"Can't dump half of stream unix connection"},
	 "a process is connected with one outside by a unix socket",
	 "stop or restart the process"},
	{{"External socket is used"},
	 "a process is connected with one outside by a unix socket",
	 "stop or restart the process"},
	{{"name-less external socket"},
	 "a process is connected with one outside by a unix socket",
	 "stop or restart the process"},
	{{"Unix socket", "without peer"},
	 "a process is connected with one outside by a unix socket",
	 "stop or restart the process"},
	{{"with unreachable peer"},
	 "a process is connected with one outside by a unix socket",
	 "stop or restart the process"},
	{{"Dangling connection"}, "a unix socket is just being opened or closed", RETRY},
	{{"in-flight socket"}, "a connection of a unix socket waits to be accepted", RETRY},
	{{"from an external network namespace"}, "a process has a socket of another network", "stop the process"},
	{{"Can't bind inet", "Cannot assign requested address"},
	 "an address that connections use is not there",
	 "give it the IP addresses that it had at the checkpoint"},
	{{"Can't connect inet", "Cannot assign requested address"},
	 "an address that connections use is not there",
	 "give it the IP addresses that it had at the checkpoint"},
	{{"Can't bind inet", "Address already in use"},
	 "a port that connections use is taken",
	 "end what was started from the same checkpoint before"},
	{{"Can't turn TCP repair mode ON"}, "the kernel does not let criu save TCP connections", NULL},

	/* Network. */
	{{"Unsupported link"}, "there is a network link of a kind that cannot be saved", "remove the link"},
	{{"No linkinfo for eth link"},
	 "there is a network device of the node's, which cannot be saved",
	 "take the device away"},
	{{"No kind for eth link"},
	 "there is a network device of the node's, which cannot be saved",
	 "take the device away"},
	{{"Unknown peer net namespace"},
	 "the other end of a network link is unknown",
	 "remove veth links that were made inside"},
	{{"reported by netlink"}, "a network link could not be made", "remove links that were made inside"},
	{{"nft command error"},
	 "its own rules of nftables could not be restored",
	 "make the same modules available as on the node it comes from"},

	/* Mounts and cgroups. */
	{{"is a fuse mount but not external"}, "a FUSE file system is mounted", "unmount it"},
	{{"failed to dump fs", "always fail"}, "a FUSE file system is mounted", "unmount it"},
	{{"FS mnt", "unsupported"}, "a file system is mounted that cannot be saved", "unmount it"},
	{{"doesn't have a proper root mount"},
	 "something is mounted that is not of its own file systems",
	 "unmount it"},
	{{"has unreachable sharing"},
	 "a mount receives what is mounted outside",
	 "make the mount private: mount --make-private"},
	{{"mqueue isn't empty"},
	 "there are POSIX message queues",
	 "stop the process that uses them, and remove them from /dev/mqueue"},
	{{"has two children with same"}, "two mounts lie on the same place", "unmount one of them"},
	{{"The root task has another root than mntns"}, "its first process has changed its root", NULL},
	{{"Failed to move_mount", "Invalid argument"},
	 "a mount of a single file could not be restored",
	 "for services of systemd set MemoryPressureWatch=off and ProtectControlGroups=no"},
	{{"Can't bind-mount", ".pressure"},
	 "a mount of a single file could not be restored",
	 "for services of systemd set MemoryPressureWatch=off and ProtectControlGroups=no"},
	{{"cg: Failed writing"}, "the limits of its cgroups could not be restored", NULL},

	/* Images. */
	{{"Unable to open", ".img: Permission denied"},
	 "the checkpoint's files are not readable for root of the guest",
	 NULL},
	{{"Unable to open", ".img: No such file or directory"}, "the checkpoint is incomplete", "make it again"},
	{{"agic doesn't match for"}, "the checkpoint is damaged", "make it again"},
	{{"Unexpected EOF"}, "the checkpoint is damaged", "make it again"},
	{{"Image corrupt"}, "the checkpoint is damaged", "make it again"},
	{{"Not supported images version"}, "the checkpoint was made by a newer criu", "install that version of criu"},
};

/* Said after the error that matters, by whoever waited for who met it. */
static const char *const consequences[] = {
	"Aborting restore",
	"Can't catch all tasks",
	"Can't cure",
	"Can't dump private signals",
	"Can't dump threads",
	"Can't get stat on",
	"Can't infect (pid",
	"Can't retrieve FD",
	"Can't stop all tasks",
	"Can't stop daemon",
	"Child exited with an error",
	"Collect mappings (pid",
	"for daemon failed with",
	"Dump files (pid",
	"Dump ids (pid",
	"Dump fs (pid",
	"Dump mappings (pid",
	"Dumping FAILED",
	"Failed to wait",
	"Killing processes because",
	"One of more action scripts failed",
	"Parasite exited with",
	"Parasite failed",
	"Pre-dumping FAILED",
	"Pre-dumping files failed",
	"Restorer fail",
	"Restoring FAILED",
	"Unable to open fd=",
	"died too early",
	"exited, status=",
	"killed by signal",
};

/* Errors by name, after which criu goes on: iptables need not be installed. */
static const char *const harmless[] = {"RLIMIT_NOFILE", "iptables-", "ip6tables-"};

enum rank { RANK_NONE, RANK_CONSEQUENCE, RANK_CAUSE };

struct finding {
	enum rank rank;
	struct reason reason;
};

static bool has_any(const char *line, const char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(line, parts[i]))
			return true;
	return false;
}

static const struct row *find_row(const char *line)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (strstr(line, rows[i].part[0]) && (!rows[i].part[1] || strstr(line, rows[i].part[1])))
			return &rows[i];
	return NULL;
}

/* "(00.123456)     12: Error (criu/files.c:94): message", or "(00.123456) pie: 12: Error (…". Time and number may be
 * missing; the number is that of the process that speaks, as the guest sees it. Other lines quote names that the guest
 * chose, so that an error is only what is one from its start. */
static const char *message_of(const char *line, pid_t *ret_pid)
{
	const char *time = line[0] == '(' ? strchr(line, ')') : NULL;
	const char *rest = time ? time + 1 : line;
	rest += strspn(rest, " ");
	const char *pie = str_after(rest, "pie: ");
	rest = pie ? pie + strspn(pie, " ") : rest;

	size_t digits = strspn(rest, "0123456789");
	pid_t pid = 0;
	if (digits > 0 && rest[digits] == ':') {
		pid = atoi(rest);
		rest += digits + 1;
	}
	const char *place = str_after(rest + strspn(rest, " "), "Error (");
	const char *end = place ? strstr(place, "): ") : NULL;
	if (!end)
		return NULL;
	*ret_pid = pid;
	return end + strlen("): ");
}

static void keep(struct finding *finding, enum rank rank, const char *message, pid_t pid)
{
	const struct row *row = find_row(message);
	struct reason reason = {.pid = pid};

	message += strspn(message, " \t");
	size_t n = 0;
	for (; *message && n < sizeof(reason.line) - 1; message++)
		reason.line[n++] = isspace((unsigned char)*message)   ? ' '
				   : isprint((unsigned char)*message) ? *message
								      : '?';
	str_chomp(reason.line);
	if (row) {
		reason.words = row->words;
		reason.remedy = row->remedy;
	}
	*finding = (struct finding){rank, reason};
}

static void weigh(struct finding *finding, const char *line)
{
	pid_t pid;
	const char *message = message_of(line, &pid);
	if (!message || has_any(message, harmless, countof(harmless)))
		return;

	enum rank rank = has_any(message, consequences, countof(consequences)) && !find_row(message) ? RANK_CONSEQUENCE
												     : RANK_CAUSE;
	if (rank > finding->rank)
		keep(finding, rank, message, pid);
}

/* Up to `end`; the first error is what counts. */
static void search(int fd, off_t start, off_t end, struct finding *finding)
{
	struct lines lines;

	if (lseek(fd, start, SEEK_SET) < 0)
		return;
	lines_start(&lines, fd);
	for (const char *line = lines_next(&lines); line && start < end && finding->rank < RANK_CAUSE;
	     line = lines_next(&lines)) {
		start += (off_t)strlen(line) + 1;
		weigh(finding, line);
	}
}

int reason_from_log(int dirfd, const char *name, struct reason *ret_reason, struct err *err)
{
	struct stat st;
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "read criu's log %s", name);

	struct finding finding = {.rank = RANK_NONE};
	search(fd, 0, st.st_size > 2 * LOG_PART ? LOG_PART : st.st_size, &finding);
	if (st.st_size > 2 * LOG_PART)
		search(fd, st.st_size - LOG_PART, st.st_size, &finding);
	if (finding.rank == RANK_NONE)
		return 0;
	*ret_reason = finding.reason;
	return 1;
}

char *reason_text(const struct reason *reason)
{
	struct text text = {0};

	if (reason->pid)
		text_add(&text, "process %d: ", reason->pid);
	if (reason->words)
		text_add(&text, "%s (criu: %s)", reason->words, reason->line);
	else
		text_add(&text, "criu: %s", reason->line);
	if (reason->remedy)
		text_add(&text, "; %s", reason->remedy);
	return text.s;
}
