#!/usr/bin/env bats
# What a hostile root of a VE tries, and what the node shows of it. tests/probe has the attempts.
load common

PROBE=/usr/lib/openve/tests/probe

setup_file() {
	vzctl --quiet create 101 --ostemplate busybox --config light
	vzctl --quiet start 101
	vzctl exec 101 'cat >/probe; chmod 755 /probe' <$PROBE
}

teardown_file() {
	vzctl --quiet stop 101 --fast
	vzctl --quiet destroy 101
}

teardown() { :; }

pid() {
	sed -n 's/^PID="\(.*\)"/\1/p' "/run/vz/ve/$1"
}

@test "no wall gives way to root of the VE" {
	run vzctl exec2 101 /probe
	echo "$output"
	[[ "$output" == *"ok 1 "* ]]
	fails grep '^not ok' <<<"$output"
}

@test "nor to root of a user namespace inside" {
	# The kernel takes the namespaces of the run before down in its own time.
	nested() {
		run vzctl exec2 101 /probe nested
		[[ "$output" != *"Bail out!"* ]]
	}
	await 60 nested
	echo "$output"
	[[ "$output" == *"ok 1 "* ]]
	fails grep '^not ok' <<<"$output"
}

@test "it runs as a uid of its own range, which owns its user namespace" {
	local base
	base=$(sed -n 's/^LOCAL_UID="\(.*\)"/\1/p' /etc/vz/conf/101.conf)
	[ "$(stat -c %u "/proc/$(pid 101)")" = "$base" ]
	[ "$(awk '{ print $2 }' "/proc/$(pid 101)/uid_map")" = "$base" ]
	[ "$(awk '{ print $2 }' "/proc/$(pid 101)/gid_map")" = "$base" ]
	python3 - "$(pid 101)" "$base" <<-'END'
		import array, fcntl, os, sys
		NS_GET_OWNER_UID = 0xb704
		ns = os.open(f"/proc/{sys.argv[1]}/ns/user", os.O_RDONLY)
		uid = array.array("I", [0])
		fcntl.ioctl(ns, NS_GET_OWNER_UID, uid)
		sys.exit(uid[0] != int(sys.argv[2]))
	END
}

@test "all namespaces but none of the node's, and they belong to its user namespace" {
	for ns in cgroup ipc mnt net pid time user uts; do
		[ "$(readlink "/proc/$(pid 101)/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ]
	done
	python3 - "$(pid 101)" <<-'END'
		import fcntl, os, sys
		NS_GET_USERNS = 0xb701
		proc = f"/proc/{sys.argv[1]}/ns/"
		own = os.stat(proc + "user").st_ino
		for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "uts"):
		    owner = fcntl.ioctl(os.open(proc + name, os.O_RDONLY), NS_GET_USERNS)
		    assert os.fstat(owner).st_ino == own, name
	END
}

@test "its mounts do not show on the node, nor the node's in it" {
	vzctl exec 101 'mkdir -p /mnt; mount -t tmpfs hidden /mnt'
	fails grep -q hidden /proc/self/mountinfo
	mkdir -p /mnt/shown
	mount -t tmpfs shown /mnt/shown
	vzctl exec 101 cat /proc/self/mountinfo | fails grep -q shown
	umount /mnt/shown
}

@test "the overlay is one that a checkpoint can hold" {
	vzctl exec 101 cat /proc/mounts | grep '^[^ ]* / overlay' | grep 'index=on' | grep -q 'nfs_export=on'
}

@test "a root with a link for /proc is refused, and nothing outside is touched" {
	vzctl --quiet create 102 --ostemplate busybox --config light
	vzctl --quiet mount 102
	rmdir /var/lib/vz/root/102/proc
	ln -s /etc /var/lib/vz/root/102/proc
	vzctl --quiet umount 102
	find /etc /proc/mounts -maxdepth 0 -ls >"$BATS_TEST_TMPDIR/before"
	run vzctl start 102
	[ "$status" -ne 0 ]
	[[ "$output" == *"symbolic link"* ]]
	find /etc /proc/mounts -maxdepth 0 -ls | diff "$BATS_TEST_TMPDIR/before" -
	[ "$(status_of 102)" = stopped ]
	vzctl --quiet destroy 102
}

@test "its init is not looked into, nor killed, by another VE" {
	vzctl --quiet create 102 --ostemplate busybox --config light
	vzctl --quiet start 102
	[ "$(vzctl exec 102 'ls -d /proc/[0-9]* | wc -l')" -le 5 ]
	vzctl exec 102 'kill -9 -1' || true
	is 101 running
	vzctl --quiet stop 102 --fast
	vzctl --quiet destroy 102
}
