/* Logs as criu writes them, and what is made of them. */
#include "unit.h"

#include "checkpoint/reason.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "tests/unit/scratch.h"

#define HEAD                                                                                                           \
	"(00.000000) Unable to get $HOME directory, local configuration file will not be used.\n"                      \
	"(00.000021) Version: 4.1.1 (gitid 0)\n"                                                                       \
	"(00.004220) Warn  (criu/cr-service.c:1): the parent images are not given\n"

static const struct golden {
	const char *log, *text; /* NULL: the log says nothing */
} golden[] = {
	/* Sockets on a kernel of 6.16 or newer. */
	{HEAD "(00.060312) Error (criu/sockets.c:628): sockets: Can't get 1:16 opt: Operation not supported\n"
	      "(00.060391) Error (criu/sockets.c:628): sockets: Can't get 1:34 opt: Operation not supported\n"
	      "(00.060502) Error (criu/cr-dump.c:1681): Dump files (pid: 4711) failed with -1\n"
	      "(00.061200) Error (criu/cr-dump.c:2111): Dumping FAILED.\n",
	 "this version of criu cannot save sockets on a kernel of 6.16 or newer (criu: sockets: Can't get 1:16 opt: "
	 "Operation not supported); install criu 4.2 or newer"},

	/* The first error of the parasite, seen from inside, and what follows from it. */
	{HEAD "(00.030777) pie: 12: Error (criu/pie/parasite.c:588): send_fds failed (-22)\n"
	      "(00.030801) Error (criu/parasite-syscall.c:280): Can't retrieve FDs from socket\n"
	      "(00.030900) Error (criu/cr-dump.c:2111): Dumping FAILED.\n",
	 "process 12: a process has an io_uring, or another file that cannot be handed over (criu: send_fds failed "
	 "(-22)); stop the process, or configure it to use epoll or threads for its I/O"},

	/* Without time stamps, as a low log level writes. */
	{"Error (criu/namespaces.c:460): Can't dump nested uts namespace for 512\n"
	 "Error (criu/namespaces.c:714): Can't make utsns id\n"
	 "Error (criu/cr-dump.c:2111): Dumping FAILED.\n",
	 "a process has a UTS namespace of its own (criu: Can't dump nested uts namespace for 512); for a service of "
	 "systemd set ProtectHostname=no"},
	{HEAD "(00.01) Error (criu/namespaces.c:460): Can't dump nested user namespace for 7\n",
	 "a process has a user namespace of its own (criu: Can't dump nested user namespace for 7); for a service of "
	 "systemd set PrivateUsers=no; stop containers and sandboxes inside"},

	/* Restore: the number is that of the process that speaks. */
	{HEAD "(00.120000)      1: Error (criu/mount-v2.c:324): mnt-v2: Failed to move_mount from /proc/self/fd/7 to "
	      "/tmp/.criu.mntns.x/9-0000000000/memory.pressure: Invalid argument\n"
	      "(00.130000) Error (criu/cr-restore.c:2320): Restoring FAILED.\n",
	 "process 1: a mount of a single file could not be restored (criu: mnt-v2: Failed to move_mount from "
	 "/proc/self/fd/7 to /tmp/.criu.mntns.x/9-0000000000/memory.pressure: Invalid argument); for services of "
	 "systemd "
	 "set MemoryPressureWatch=off and ProtectControlGroups=no"},
	{HEAD "(00.120000)  29708: Error (criu/cr-restore.c:1230): Can't fork for 29708: File exists\n",
	 "process 29708: a process number that is to be restored is taken (criu: Can't fork for 29708: File exists); "
	 "end what was started from the same checkpoint before"},
	{HEAD "(00.120000) pie: 45: Error (criu/pie/restorer.c:2001): sys_prctl(PR_SET_MM, PR_SET_MM_MAP) failed with "
	      "-9\n(00.120100) pie: 45: Error (criu/pie/restorer.c:2253): Restorer fail 45\n",
	 "process 45: a process was saved while systemd was just starting it (criu: sys_prctl(PR_SET_MM, "
	 "PR_SET_MM_MAP) failed with -9); make the checkpoint some seconds later, when systemctl is-system-running has "
	 "settled"},
	{HEAD "(00.090000)      1: Error (criu/image.c:635): Unable to open tty-info.img: Permission denied\n",
	 "process 1: the checkpoint's files are not readable for root of the guest (criu: Unable to open tty-info.img: "
	 "Permission denied)"},
	{HEAD "(00.2)     31: Error (criu/files-reg.c:2175): File usr/lib/libc.so.6 has bad size 10 (expect 12)\n"
	      "(00.2)     31: Error (criu/files.c:1221): Unable to open fd=3 id=0x4\n",
	 "process 31: a file has another size than at the checkpoint (criu: File usr/lib/libc.so.6 has bad size 10 "
	 "(expect 12)); restore with the same files that were there at the checkpoint"},
	{HEAD "(00.2)     31: Error (criu/files-reg.c:2153): File usr/bin/nginx has bad build-ID\n",
	 "process 31: a program or library is another one than at the checkpoint (criu: File usr/bin/nginx has bad "
	 "build-ID); restore with the same files that were there at the checkpoint"},
	{HEAD "(00.2)     31: Error (criu/files-reg.c:2353): Can't open file var/x on restore: No such file or "
	      "directory\n",
	 "process 31: a file that was open at the checkpoint is missing (criu: Can't open file var/x on restore: No "
	 "such file or directory); restore with the same files that were there at the checkpoint"},
	{HEAD "(00.2)     31: Error (soccr/soccr.c:499): Can't bind inet socket back: Cannot assign requested "
	      "address\n",
	 "process 31: an address that connections use is not there (criu: Can't bind inet socket back: Cannot assign "
	 "requested address); give it the IP addresses that it had at the checkpoint"},
	{HEAD "(00.2) Error (criu/net.c:1469): net: Unknown peer net namespace\n",
	 "the other end of a network link is unknown (criu: net: Unknown peer net namespace); remove veth links that "
	 "were made inside"},
	{HEAD "(00.2) Error (criu/libnetlink.c:84): -1 reported by netlink: Operation not permitted\n",
	 "a network link could not be made (criu: -1 reported by netlink: Operation not permitted); remove links that "
	 "were made inside"},
	{HEAD "(00.2) Error (criu/arch/x86/cpu.c:274): cpu: CPU xsave size mismatch (2440/2696)\n",
	 "this CPU's registers are of another size than those that were saved (criu: cpu: CPU xsave size mismatch "
	 "(2440/2696)); restore on a node with the same model of CPU"},
	{HEAD "(00.2) Error (criu/uffd.c:261): uffd: Unable to open an userfaultfd descriptor: Operation not "
	      "permitted\n",
	 "memory cannot be brought in later, for processes may not use userfaultfd (criu: uffd: Unable to open an "
	 "userfaultfd descriptor: Operation not permitted); set vm.unprivileged_userfaultfd=1"},

	/* Files. */
	{HEAD "(00.05) Error (criu/files-reg.c:1031): Can't dump ghost file /big of 5242880 size, increase limit\n",
	 "a file that was deleted is still open, and larger than the limit (criu: Can't dump ghost file /big of "
	 "5242880 size, increase limit); stop or restart the process that has it open"},
	{HEAD "(00.05) Error (criu/files-reg.c:1122): Can't create link remap for /etc/services. Use link-remap "
	      "option.\n",
	 "a file that was replaced or deleted is still open (criu: Can't create link remap for /etc/services. Use "
	 "link-remap option.); stop or restart the process that has it open"},
	{HEAD "(00.05) Error (criu/files-reg.c:1790): Can't lookup mount=24 for fd=10 path=/dev/null\n",
	 "a process has a file open that lies on none of its mounts (criu: Can't lookup mount=24 for fd=10 "
	 "path=/dev/null); stop or restart the process that has it open"},
	{HEAD "(00.05) Error (criu/files-ext.c:94): Can't dump file 46 of that type [600] (anon "
	      "anon_inode:bpf-prog)\n",
	 "a process has a BPF program or map (criu: Can't dump file 46 of that type [600] (anon "
	 "anon_inode:bpf-prog)); stop the process"},
	{HEAD "(00.05) Error (criu/files-ext.c:94): Can't dump file 5 of that type [20666] (chr 10:232)\n",
	 "a process has a device open that cannot be saved (criu: Can't dump file 5 of that type [20666] (chr "
	 "10:232)); stop the process"},
	{HEAD "(00.05) Error (criu/files-ext.c:94): Can't dump file 5 of that type [60660] (unknown /dev/sda)\n",
	 "a process has a file open of a kind that cannot be saved (criu: Can't dump file 5 of that type [60660] "
	 "(unknown /dev/sda)); stop the process"},
	{HEAD "(00.05) Error (criu/proc_parse.c:479): Unknown shit 600 (anon_inode:[io_uring])\n",
	 "a process has something mapped that cannot be saved (criu: Unknown shit 600 (anon_inode:[io_uring])); stop "
	 "the process"},
	{HEAD "(00.05) Error (criu/file-lock.c:110): Some file locks are hold by dumping tasks! You can try "
	      "--file-locks to dump them.\n",
	 "a file is locked (criu: Some file locks are hold by dumping tasks! You can try --file-locks to dump them.)"},
	{HEAD "(00.05) Error (criu/fsnotify.c:284): fsnotify: \tCan't dump that handle\n",
	 "a process watches a file (inotify) that cannot be found again (criu: fsnotify:  Can't dump that handle); "
	 "mount the overlay with index=on,nfs_export=on, or stop the process"},

	/* Mounts. */
	{HEAD "(00.02) Error (criu/mount.c:753): mnt: 108:./dev/tty doesn't have a proper root mount\n",
	 "something is mounted that is not of its own file systems (criu: mnt: 108:./dev/tty doesn't have a proper "
	 "root "
	 "mount); unmount it"},
	{HEAD "(00.02) Error (criu/mount.c:724): mnt: FS mnt ./dev/hugepages dev 0x44 root / unsupported id 301\n",
	 "a file system is mounted that cannot be saved (criu: mnt: FS mnt ./dev/hugepages dev 0x44 root / unsupported "
	 "id 301); unmount it"},
	{HEAD "(00.02) Error (criu/mount.c:1088): mnt: Mount 300 ./data (master_id: 4 shared_id: 0) has unreachable "
	      "sharing. Try --enable-external-masters.\n",
	 "a mount receives what is mounted outside (criu: mnt: Mount 300 ./data (master_id: 4 shared_id: 0) has "
	 "unreachable sharing. Try --enable-external-masters.); make the mount private: mount --make-private"},

	/* Network and sockets. */
	{HEAD "(00.02) Error (criu/net.c:650): net: Unsupported link 4 (type 1 kind dummy)\n",
	 "there is a network link of a kind that cannot be saved (criu: net: Unsupported link 4 (type 1 kind dummy)); "
	 "remove the link"},
	{HEAD "(00.02) Error (criu/sockets.c:753): sockets: BUG! Unknown socket collected (family 40)\n",
	 "a process has a socket of a protocol that cannot be saved (criu: sockets: BUG! Unknown socket collected "
	 "(family 40)); stop the process"},
	{HEAD "(00.02) Error (criu/sk-unix.c:881): unix: Can't dump half of stream unix connection. name: /run/x; peer "
	      "name: ---\n",
	 "a process is connected with one outside by a unix socket (criu: unix: Can't dump half of stream unix "
	 "connection. name: /run/x; peer name: ---); stop or restart the process"},
	{HEAD "(00.02) Error (criu/sk-inet.c:199): inet: Unknown inet socket 1f state 3\n",
	 "a TCP connection is just being opened or closed (criu: inet: Unknown inet socket 1f state 3); try again"},

	/* Processes, time and room. */
	{HEAD "(00.02) Error (compel/src/lib/infect.c:263): Unseizable non-zombie 77 found, state t, err -1/1\n",
	 "a process cannot be stopped: it is being debugged, or it hangs in the kernel (criu: Unseizable non-zombie 77 "
	 "found, state t, err -1/1); detach the debugger (gdb, strace)"},
	{HEAD "(10.02) Error (criu/cr-dump.c:1791): Timeout reached. Try to interrupt: 0\n",
	 "it took longer than the time limit (criu: Timeout reached. Try to interrupt: 0); raise the time limit, and "
	 "try again"},
	{HEAD "(00.50) Error (criu/page-xfer.c:300): page-xfer: Can't write pages: No space left on device\n"
	      "(00.51) Error (criu/cr-dump.c:1757): Dump mappings (pid: 9) failed with -1\n",
	 "the disk is full (criu: page-xfer: Can't write pages: No space left on device); free some space where "
	 "checkpoints are kept"},
	{HEAD "(00.1) Error (compel/src/lib/infect.c:713): Unable to connect a transport socket: Permission denied\n",
	 "a security module keeps criu from talking to the processes (criu: Unable to connect a transport socket: "
	 "Permission denied); loosen the profile of AppArmor or SELinux that confines them"},
	{HEAD "(00.1) Error (criu/config.c:1131): Tracking memory is not available. Consider omitting --track-mem "
	      "option.\n",
	 "this kernel does not track which memory changes (CONFIG_MEM_SOFT_DIRTY) (criu: Tracking memory is not "
	 "available. Consider omitting --track-mem option.); do it without copying memory beforehand"},

	/* Errors that are none stand before the one that is. */
	{HEAD "(00.00) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted\n"
	      "(00.05) Error (criu/sk-netlink.c:77): netlink: The socket has data to read\n",
	 "a process has not read yet what the kernel told it over netlink (criu: netlink: The socket has data to "
	 "read); "
	 "try again"},

	/* A file that the guest named like an error is none. */
	{HEAD "(00.03) Dumping path for 3 fd via self 9 [/tmp/Error (x): No space left on device]\n"
	      "(00.05) Error (criu/sk-tcp.c:81): tcp: Failed to lock TCP connection 5\n",
	 "criu: tcp: Failed to lock TCP connection 5"},

	/* What the tables do not know is said in criu's words. */
	{HEAD "(00.05) Error (criu/tun.c:185): tun: Can't dump eth7 with filter on-board\x1b[2J\n"
	      "(00.06) Error (criu/cr-dump.c:2111): Dumping FAILED.\n",
	 "criu: tun: Can't dump eth7 with filter on-board?[2J"},
	{HEAD "(00.05)     9: Error (criu/new.c:1): something new\n", "process 9: criu: something new"},

	/* What follows from an error that no line tells of may still say something. */
	{HEAD "(00.30) Error (criu/cr-restore.c:948): Child 45 died too early\n"
	      "(00.31) Error (criu/cr-restore.c:1262): 45 killed by signal 9: Killed\n"
	      "(00.32) Error (criu/cr-restore.c:2320): Restoring FAILED.\n",
	 "a process was killed while it was restored, most likely for lack of memory (criu: 45 killed by signal 9: "
	 "Killed); free some memory, or raise the limit"},

	/* Better the first consequence than nothing. */
	{HEAD "(00.05) Error (criu/cr-dump.c:1763): Dump fs (pid: 9) failed with -1\n"
	      "(00.06) Error (criu/cr-dump.c:2111): Dumping FAILED.\n",
	 "criu: Dump fs (pid: 9) failed with -1"},
	{HEAD "(00.06) Error (criu/cr-dump.c:2111): Dumping FAILED.\n", "criu: Dumping FAILED."},
	{HEAD "(00.06) Dumping finished successfully\n", NULL},
	{"", NULL},
};

static void write_log(int dir, const char *text, size_t len)
{
	cleanup_fd int fd = openat(dir, "dump.log", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, len), len);
}

TEST(logs_become_words)
{
	cleanup_scratch struct scratch scratch = scratch_new();

	for (size_t i = 0; i < countof(golden); i++) {
		struct reason reason = {0};
		struct err err = {0};
		write_log(scratch.fd, golden[i].log, strlen(golden[i].log));
		int r = reason_from_log(scratch.fd, "dump.log", &reason, &err);
		assert_int_equal(r, golden[i].text ? 1 : 0);
		if (r == 1) {
			cleanup_free char *text = reason_text(&reason);
			assert_string_equal(text, golden[i].text);
		}
	}
}

/* A log of 12 MiB of chatter, with an error at this place. */
static int read_long_log(const struct scratch *scratch, size_t place, struct reason *reason)
{
	static const char chatter[] = "(00.000001) ..........................................................\n";
	static const char error[] = "\n(00.05) Error (criu/x.c:1): the reason\n";
	size_t len = (size_t)12 << 20;
	cleanup_free char *text = mem_zero(len, 1);
	struct err err = {0};

	for (size_t i = 0; i < len; i++)
		text[i] = chatter[i % (sizeof(chatter) - 1)];
	memcpy(text + place, error, sizeof(error) - 1);
	write_log(scratch->fd, text, len);
	return reason_from_log(scratch->fd, "dump.log", reason, &err);
}

TEST(of_a_long_log_the_start_and_the_end_are_read)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct reason reason;

	assert_int_equal(read_long_log(&scratch, 1 << 20, &reason), 1);
	assert_string_equal(reason.line, "the reason");
	assert_int_equal(read_long_log(&scratch, 11 << 20, &reason), 1);
	assert_string_equal(reason.line, "the reason");
	assert_int_equal(read_long_log(&scratch, 6 << 20, &reason), 0);
}

TEST(a_log_that_is_not_there_is_an_error)
{
	cleanup_scratch struct scratch scratch = scratch_new();
	struct reason reason;
	struct err err = {0};

	assert_int_equal(reason_from_log(scratch.fd, "dump.log", &reason, &err), -ENOENT);
	assert_string_equal(err.text, "read criu's log dump.log: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_become_words),
		cmocka_unit_test(of_a_long_log_the_start_and_the_end_are_read),
		cmocka_unit_test(a_log_that_is_not_there_is_an_error),
	};
	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
