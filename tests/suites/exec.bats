#!/usr/bin/env bats
# Commands in a VE: exec, exec2, exec3, enter.
load common

# One VE for the whole suite.
setup_file() {
	vzctl --quiet create 101 --ostemplate busybox --config vswap-256m
	vzctl --quiet start 101
}

teardown_file() {
	vzctl --quiet stop 101 --fast
	vzctl --quiet destroy 101
}

teardown() { :; }

@test "exec joins its words for a shell" {
	[ "$(vzctl exec 101 'echo $((40 + 2));' echo two)" = "42
two" ]
	[ "$(vzctl exec 101 echo '$HOME')" = /root ]
}

@test "exec ends with 8 when the command fails, exec2 with its code" {
	run vzctl exec 101 exit 3
	[ "$status" -eq 8 ]
	run vzctl exec2 101 exit 3
	[ "$status" -eq 3 ]
	run vzctl exec2 101 'kill -9 $$'
	[ "$status" -eq 137 ]
	run vzctl exec2 101 true
	[ "$status" -eq 0 ]
}

@test "exec3 takes words as they are" {
	[ "$(vzctl exec3 101 echo 'a  b' '$HOME')" = 'a  b $HOME' ]
	run vzctl exec3 101 /no/such/program
	[ "$status" -eq 127 ]
}

@test "stdin, stdout and stderr are apart" {
	run --separate-stderr vzctl exec 101 'echo out; echo err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
	[ "$(echo through | vzctl exec 101 cat)" = through ]
	[ "$(vzctl exec 101 cat </etc/hostname)" = "$(cat /etc/hostname)" ]
}

@test "commands can come from stdin" {
	[ "$(echo 'echo from $0 stdin' | vzctl exec 101 - | tr -d '\n')" != "" ]
	[ "$(printf 'echo one\necho two\n' | vzctl exec 101 -)" = "one
two" ]
}

@test "a megabyte goes through whole" {
	head -c 1000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	[ "$(vzctl exec2 101 sha256sum <"$BATS_TEST_TMPDIR/data")" = "$(sha256sum <"$BATS_TEST_TMPDIR/data")" ]
}

@test "what the command leaves in the background does not hold us" {
	local before=$SECONDS
	vzctl exec 101 'sleep 60 & echo started'
	[ $((SECONDS - before)) -lt 20 ]
}

@test "the command ends with its client" {
	sessions() { find /sys/fs/cgroup/openve/ve-101/exec -mindepth 1 -type d | wc -l; }
	local before
	before=$(sessions)
	vzctl exec 101 'sleep 4242' &
	local client=$!
	await 10 sh -c 'pgrep -f "sleep 4242" >/dev/null'
	kill -9 $client
	await 10 sh -c '! pgrep -fx "sleep 4242" >/dev/null'
	removed() { [ "$(sessions)" -le "$before" ]; }
	await 10 removed
}

@test "exec enters all namespaces of the VE, as its root, with its filters" {
	[ "$(vzctl exec 101 id -u)" = 0 ]
	[ "$(vzctl exec 101 cat /proc/self/uid_map | awk '{ print $3 }')" = 65536 ]
	for ns in cgroup ipc mnt net pid time user uts; do
		[ "$(vzctl exec 101 readlink /proc/1/ns/$ns)" = "$(vzctl exec 101 readlink /proc/self/ns/$ns)" ]
		[ "$(vzctl exec 101 readlink /proc/self/ns/$ns)" != "$(readlink /proc/self/ns/$ns)" ]
	done
	for line in Seccomp: CapEff: CapBnd: CapInh: CapAmb: NoNewPrivs:; do
		[ "$(vzctl exec 101 grep ^$line /proc/1/status)" = "$(vzctl exec 101 grep ^$line /proc/self/status)" ]
	done
}

@test "nothing of the node leaks in as a descriptor" {
	exec 9</etc/passwd
	[ "$(vzctl exec 101 'ls /proc/self/fd' | tr '\n' ' ')" = "0 1 2 3 " ]
	exec 9<&-
	[ "$(vzctl exec 101 'ls /proc/1/fd' | tr '\n' ' ')" = "0 1 2 " ]
}

@test "with a terminal the command has a terminal of the VE's own" {
	run python3 - <<-'END'
		import os, pty, sys
		pid, master = pty.fork()
		if pid == 0:
		    os.execvp("vzctl", ["vzctl", "exec", "101", "tty; stty size; ls -l /proc/self/fd/0"])
		out = b""
		while True:
		    try:
		        chunk = os.read(master, 4096)
		    except OSError:
		        break
		    if not chunk:
		        break
		    out += chunk
		sys.stdout.write(out.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	[ "$status" -eq 0 ]
	[[ "$output" == */dev/pts/* ]]
}

@test "enter gives a shell with window size and signals" {
	run timeout 60 python3 - <<-'END'
		import fcntl, os, pty, struct, sys, termios, time
		pid, master = pty.fork()
		if pid == 0:
		    os.execvp("vzctl", ["vzctl", "enter", "101"])
		fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
		def until(word):
		    out = b""
		    while word not in out:
		        out += os.read(master, 4096)
		    return out.decode()
		print(until(b"entered into CT 101"))
		time.sleep(1)
		os.write(master, b"stty size; echo si''zed\n")
		print(until(b"sized"))
		os.write(master, b"sleep 1000\n")
		time.sleep(1)
		os.write(master, b"\x03")
		os.write(master, b"echo interr''upted\n")
		print(until(b"interrupted"))
		os.write(master, b"exit 0\n")
		print(until(b"exited from CT 101"))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"33 99"* ]]
}

@test "exec into a VE that does not run is refused" {
	ve 102
	run vzctl exec 102 true
	[ "$status" -eq 31 ]
	[[ "$output" == *"Container is not running"* ]]
	vzctl --quiet destroy 102
}
