#!/usr/bin/env bats
# A node whose init is systemd.
load common

teardown() {
	systemctl is-active --quiet vzd || systemctl start vzd
	sweep
}

group() {
	sed -n 's/^CGROUP="\(.*\)"/\1/p' "/run/vz/ve/$1"
}

@test "vzd.service is up, and VEs live in its delegated cgroup" {
	systemctl is-active vzd
	ve 101 started
	[ "$(group 101)" = system.slice/vzd.service/ve-101 ]
	[ "$(cat /sys/fs/cgroup/system.slice/vzd.service/ve-101/memory.max)" = 67108864 ]
	[[ "$(cat "/proc/$(vzd_pid)/cgroup")" == *"/vzd.service/supervisor" ]]
}

@test "restart of the service: no VE notices, consoles come back from the fd store" {
	ve 101 started
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)
	systemctl restart vzd
	kill -0 "$pid"
	is 101 running
	[ "$(vzctl exec 101 'echo still here')" = "still here" ]
	vzctl exec 101 'echo to the console >/dev/console'
	kill -9 "$(vzd_pid)"
	await 20 vzd_up
	vzctl exec 101 'echo to the console >/dev/console'
	vzctl --quiet stop 101
}

@test "stop of the service leaves VEs running" {
	ve 101 started
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)
	systemctl stop vzd
	kill -0 "$pid"
	systemctl start vzd
	vzctl --quiet stop 101
	[ ! -d /sys/fs/cgroup/system.slice/vzd.service/ve-101 ]
}

@test "a Debian VE boots on it" {
	vzctl --quiet create 101 --ostemplate debian-13-x86_64 --config vswap-512m
	vzctl --quiet start 101 --wait
	[ "$(vzctl exec 101 systemctl is-system-running)" = running ]
}
