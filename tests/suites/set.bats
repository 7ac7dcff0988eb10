#!/usr/bin/env bats
# Limits: saved, live, kept and seen from inside.
load common

group() {
	cat "/sys/fs/cgroup/openve/ve-101/$1"
}

@test "set --save goes to the file and to the running VE" {
	ve 101 started
	run vzctl set 101 --ram 128M --swap 32M --numproc 77 --cpuunits 2000 --cpulimit 50 --diskspace 300M --save
	[ "$status" -eq 0 ]
	[[ "$output" == *"CT configuration saved to /etc/vz/conf/101.conf"* ]]
	grep -qx 'PHYSPAGES="0:32768"' /etc/vz/conf/101.conf
	grep -qx 'SWAPPAGES="0:8192"' /etc/vz/conf/101.conf
	grep -qx 'NUMPROC="77:77"' /etc/vz/conf/101.conf
	grep -qx 'DISKSPACE="307200:307200"' /etc/vz/conf/101.conf
	[ "$(group memory.max)" = 134217728 ]
	[ "$(group memory.swap.max)" = 33554432 ]
	[ "$(group pids.max)" = 77 ]
	[ "$(group cpu.weight)" = 200 ]
	[ "$(group cpu.max)" = "50000 100000" ]
	[ "$(vzctl exec 101 df -k / | awk 'NR == 2 { print $2 }')" = 307200 ]
}

@test "without --save a change is live only, and said to be" {
	ve 101 started
	cp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	run vzctl set 101 --ram 96M
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: Settings were not saved to config"* ]]
	[ "$(group memory.max)" = 100663296 ]
	cmp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
}

@test "a change that cannot be kept changes nothing" {
	ve 101 started
	cp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	vzd_kill
	vzd_start OPENVE_FAULTS="$FAULTS"
	for step in limits disk hostname name save; do
		echo "set $step fail" >"$FAULTS"
		run vzctl set 101 --ram 96M --diskspace 200M --hostname other --name other --save
		[ "$status" -ne 0 ]
		[[ "$output" == *"$step: injected fault"* ]]
		[ "$(group memory.max)" = 67108864 ]
		[ "$(vzctl exec 101 df -k / | awk 'NR == 2 { print $2 }')" = 512000 ]
		[ "$(vzctl exec 101 hostname)" = ve101 ]
		[ ! -e /etc/vz/names/other ]
	done
	rm "$FAULTS"
	vzd_kill
	vzd_start
}

@test "memory, processes and disk are kept" {
	ve 101 started --ram 32M --swap 0 --numproc 30 --diskspace 20M --diskinodes 500
	run vzctl exec2 101 'dd if=/dev/zero of=/run/big bs=1M count=64'
	[ "$status" -ne 0 ]
	[ "$(awk '$1 == "oom_kill" { print $2 }' /sys/fs/cgroup/openve/ve-101/memory.events)" -gt 0 ]
	is 101 running
	vzctl exec 101 'rm /run/big'
	run vzctl exec2 101 'dd if=/dev/zero of=/big bs=1M count=64'
	[ "$status" -ne 0 ]
	run vzctl exec2 101 'i=0; while [ $i -lt 600 ]; do : >/f$i || exit 9; i=$((i + 1)); done'
	[ "$status" -ne 0 ]
	vzctl exec 101 'rm -f /f* /big'
	run vzctl exec2 101 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i + 1)); done'
	[[ "$output" == *"fork"* ]]
}

@test "free, nproc, uptime and df in the VE show the VE's" {
	ve 101 started --ram 64M --swap 0 --cpus 1 --diskspace 100M
	[ "$(vzctl exec 101 cat /proc/meminfo | awk '/^MemTotal/ { print $2 }')" = 65536 ]
	[ "$(vzctl exec 101 nproc)" = 1 ]
	[ "$(vzctl exec 101 grep -c ^processor /proc/cpuinfo)" = 1 ]
	[ "$(vzctl exec 101 df -k / | awk 'NR == 2 { print $2 }')" = 102400 ]
	[ "$(vzctl exec 101 'cut -d. -f1 /proc/uptime')" -lt 60 ]
	[[ "$(vzctl exec 101 uptime)" == *"up 0 min"* ]]
	vzctl --quiet set 101 --ram 128M --swap 0
	[ "$(vzctl exec 101 cat /proc/meminfo | awk '/^MemTotal/ { print $2 }')" = 131072 ]
	vzctl --quiet set 101 --cpus "$(nproc)"
	[ "$(vzctl exec 101 nproc)" = "$(nproc)" ]
}

@test "hostname and name change live" {
	ve 101 started --hostname one --name old
	vzctl --quiet set 101 --hostname two --name new --save
	[ "$(vzctl exec new hostname)" = two ]
	[ "$(vzlist -H -o name,hostname 101 | tr -s ' ')" = "new two" ]
	[ ! -e /etc/vz/names/old ]
}

@test "--applyconfig takes a sample but not what is the VE's own" {
	ve 101 '' --hostname mine
	run vzctl set 101 --applyconfig vswap-1g --save
	[ "$status" -eq 0 ]
	grep -qx 'PHYSPAGES="0:262144"' /etc/vz/conf/101.conf
	grep -qx 'HOSTNAME="mine"' /etc/vz/conf/101.conf
	run vzctl set 101 --applyconfig missing --save
	[ "$status" -eq 109 ]
}

@test "comments and foreign keys of a configuration stay" {
	ve 101
	printf '\n#UUID: 12345\nFOREIGN="a key of somebody else"\n' >>/etc/vz/conf/101.conf
	vzctl --quiet set 101 --numproc 55 --save
	grep -qx '#UUID: 12345' /etc/vz/conf/101.conf
	grep -qx 'FOREIGN="a key of somebody else"' /etc/vz/conf/101.conf
}
