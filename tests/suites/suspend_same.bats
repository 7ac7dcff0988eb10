#!/usr/bin/env bats
# A VE that came back is a VE that was started: whatever holds it holds it as before.
load suspend

pid() {
	sed -n 's/^PID="\(.*\)"/\1/p' "/run/vz/ve/$1"
}

# Owner of the user namespace, and who owns the other ones.
owners() {
	python3 - "$1" <<-'END'
		import array, fcntl, os, sys
		NS_GET_USERNS, NS_GET_OWNER_UID = 0xb701, 0xb704
		proc = f"/proc/{sys.argv[1]}/ns/"
		user = os.open(proc + "user", os.O_RDONLY)
		uid = array.array("I", [0])
		fcntl.ioctl(user, NS_GET_OWNER_UID, uid)
		print("owner", uid[0])
		for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "uts"):
		    fd = os.open(proc + name, os.O_RDONLY)
		    theirs = os.fstat(fcntl.ioctl(fd, NS_GET_USERNS)).st_ino
		    node = os.stat("/proc/self/ns/" + name).st_ino
		    print(name, theirs == os.fstat(user).st_ino, os.fstat(fd).st_ino != node)
	END
}

# Each process as the node sees it. Its number is another one there, and the number of signals it may have queued goes
# by how many there are.
processes() {
	local pid
	for pid in $(cat /sys/fs/cgroup/openve/ve-101/init/cgroup.procs); do
		grep -E '^(Name|Uid|Gid|Groups|NSpid|NSpgid|NSsid|Cap|NoNewPrivs|Seccomp|Sig|Shd|Threads|Umask)' "/proc/$pid/status" |
			sed -E 's/^(NS[a-z]+:)\s+[0-9]+/\1/; /^SigQ/d'
		echo "oom $(cat "/proc/$pid/oom_score_adj") $(cat "/proc/$pid/coredump_filter") $(cat "/proc/$pid/timerslack_ns")"
		# Namespaces of its own count as much as those of init.
		tr '\0' ' ' <"/proc/$pid/cmdline"
		echo
		sort "/proc/$pid/limits"
	done
}

# Mounts by what they are; ids and the minor numbers of file systems without a device are the kernel's to choose.
mounts() {
	awk '{
		optional = ""
		for (i = 7; $i != "-"; i++) {
			sub(":.*", "", $i)
			optional = optional " " $i
		}
		options = $(i + 3)
		gsub("/proc/self/fd/[0-9]+", "FD", options)
		if ($(i + 1) == "tmpfs" && options ~ /nr_inodes=1,/)
			options = "" # what covers a masked directory: of the node where it was of the VE
		print $4, $5, $6, optional, $(i + 1), $(i + 2), options
	}' "/proc/$(pid 101)/mountinfo" | sort
}

groups() {
	local group file
	for group in ve-101 ve-101/init; do
		stat -c '%n %u %g %a' "/sys/fs/cgroup/openve/$group"
		for file in "/sys/fs/cgroup/openve/$group"/*; do
			stat -c '%n %u %g %a' "$file"
		done
		grep -H . /sys/fs/cgroup/openve/$group/{cgroup.controllers,cgroup.subtree_control,cgroup.freeze,cgroup.type,cgroup.max.*} \
			/sys/fs/cgroup/openve/$group/{memory.max,memory.high,memory.low,memory.min,memory.swap.max,memory.oom.group,memory.zswap.*} \
			/sys/fs/cgroup/openve/$group/{pids.max,cpu.max,cpu.weight,cpuset.cpus,io.weight} 2>/dev/null || true
	done
}

# Without what only time changes: lifetimes of addresses and routes, indexes, counters. And without accept_dad, which the
# kernel takes from NOARP when a link comes to a namespace; the group of /dev/mqueue, that CRIU makes before it is in the
# VE's; the owner of what covers masked directories, a file system of the node's where it was one of the VE's.
inside() {
	vzctl exec 101 'grep -r . /proc/sys/user /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/kernel/shm* /proc/sys/kernel/msg* /proc/sys/kernel/sem
		grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward /proc/sys/net/core 2>/dev/null | grep -v "stable_secret\|/venet0/accept_dad"
		tr "\0" "\n" </proc/1/environ
		for link in exe cwd root fd/0 fd/1 fd/2; do readlink /proc/1/$link; done
		ip addr | sed "s/^[0-9]*: //; s/@[a-z0-9]*//; s/,M-DOWN//; s/ *valid_lft.*//"
		ip route; ip -6 route | sed "s/ expires.*//"; ip rule
		cat /etc/resolv.conf /etc/hosts /proc/cmdline
		cat /proc/1/cgroup
		find /dev -exec stat -c "%n %a %u %g %F %t:%T" {} + | grep -v "/dev/mqueue " | sort
		stat -c "%n %a %F" /proc/kcore /proc/sysrq-trigger /proc/keys /proc/timer_list /sys/firmware /proc/acpi /proc/scsi 2>/dev/null
		free | head -n 1; nproc; df -k / | tail -n 1 | cut -c1-30'
}

outside() {
	filter_state
	ip route
	ip -6 route
	ip neigh show proxy
	ip -6 neigh show proxy
	ip -o link | sed -E 's/^[0-9]+: //; s/@if[0-9]+//; s/link-netns .*//; s/link-netnsid [0-9]+//; /^(br7|ifb)/s,link/ether.*,,' | sort
	tc qdisc | sed -E 's/qdisc ([a-z_]+) [0-9a-f]+:/qdisc \1/' | sort
	bridge -d link | sed -E 's/^[0-9]+: //; s/@[^ ]*//' | sort
	bridge fdb | grep -v permanent | sort || true
	grep -rH . /proc/sys/net/ipv{4,6}/conf/v*101* 2>/dev/null | grep -v stable_secret
	grep -v '^PID=\|^STARTTIME=\|^STARTED=' /run/vz/ve/101
	grep '^PPid' "/proc/$(pid 101)/status"
	xfs_quota -x -c 'report -p -N -n -b' /var/lib/vz | grep '^#101 ' | awk '{ print $1, $3, $4 }'
	grep -h . /proc/$(pid 101)/{uid_map,gid_map,setgroups,projid_map} 2>/dev/null
	stat -c '%u %a' "/proc/$(pid 101)"
}

portrait() {
	owners "$(pid 101)"
	processes
	mounts
	groups
	inside
	outside
}

compare() {
	grep -q '^cgroup2 .*nsdelegate' /proc/mounts
	portrait >"$BATS_TEST_TMPDIR/before"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/before")" -gt 200 ]
	fails grep -q '^PPid:.*[^0-9]0$' "$BATS_TEST_TMPDIR/before"
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	sleep 2
	grep -q '^cgroup2 .*nsdelegate' /proc/mounts
	portrait >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

full() {
	vzctl --quiet create 101 --ostemplate busybox --config light --hostname same --layout "$1" --ipadd 10.7.0.1 --ipadd fd07::1 \
		--netif_add eth0,,,,br7 --rate 10000 --ram 128M --swap 16M --numproc 200 --cpulimit 50 --cpuunits 2000 --cpus 1 \
		--diskspace 300M --nameserver 10.7.0.1 --features tun:on
	vzctl --quiet start 101
	sleep 3
}

@test "layout overlay: nothing differs" {
	full overlay
	compare
}

@test "layout private: nothing differs" {
	full private
	compare
}

@test "the walls hold root of a VE that came back" {
	ve 101 started
	vzctl exec2 101 'cat >/probe; chmod 755 /probe' </usr/lib/openve/tests/probe
	run vzctl exec2 101 /probe
	grep -v '^#' <<<"$output" >"$BATS_TEST_TMPDIR/before"
	[[ "$output" == *"ok 1 "* ]]
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	run vzctl exec2 101 /probe
	echo "$output"
	fails grep '^not ok' <<<"$output"
	grep -v '^#' <<<"$output" | diff "$BATS_TEST_TMPDIR/before" -
	nested() {
		run vzctl exec2 101 /probe nested
		[[ "$output" != *"Bail out!"* ]]
	}
	await 60 nested
	echo "$output"
	fails grep '^not ok' <<<"$output"
}

@test "its own children are held, too: what a restored process starts has the filter and no more capabilities" {
	ve 101 started
	vzctl exec2 101 'cat >/starter; chmod 755 /starter; /starter </dev/null >/dev/null 2>&1 &' <<-'END'
		#!/bin/sh
		while :; do
			[ -e /go ] && sh -c 'grep -E "^(Cap|Seccomp|NoNew)" /proc/self/status' >/seen.new && mv /seen.new /seen
			sleep 0.2
		done
	END
	vzctl exec2 101 ': >/go'
	await 10 vzctl exec2 101 'test -s /seen'
	vzctl exec 101 cat /seen >"$BATS_TEST_TMPDIR/before"
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	vzctl exec2 101 'rm /seen'
	await 10 vzctl exec2 101 'test -s /seen'
	vzctl exec 101 cat /seen | diff "$BATS_TEST_TMPDIR/before" -
}
