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

@test "what a VE mounts stays in it" {
	ve 101 started
	run vzctl exec2 101 'grep -E "shared:|master:" /proc/self/mountinfo'
	[ "$status" -eq 1 ]
	vzctl exec 101 mount -t tmpfs none /sys/devices/system/cpu
	fails grep -q ' /var/lib/lxcfs/sys/devices/system/cpu ' /proc/self/mountinfo
}

# ---- down and up again

counting() {
	vzctl exec 101 'printf "#!/bin/sh\n[ \$1 = stop ] || while :; do i=\$((i+1)); echo \$i >/count; sleep 0.2; done &\n" >/etc/init.d/S50count
		chmod 755 /etc/init.d/S50count'
	vzctl --quiet restart 101
	await 10 vzctl exec2 101 test -s /count
}

@test "vz.service is active with the daemon" {
	systemctl is-active vz
	systemctl show -P After vz | grep -w vzd.service
}

@test "when the node goes down, VEs are suspended, and go on when it comes up" {
	ve 101 started
	ve 102 started --onboot no
	ve 103
	counting
	systemctl stop vz
	[ "$(status_of 101)" = suspended ]
	[ "$(status_of 102)" = suspended ]
	[ "$(cat /var/lib/vz/ran)" = "102
101" ]
	systemctl start vz
	[ "$(status_of 101)" = running ]
	[ "$(status_of 102)" = suspended ]
	[ "$(status_of 103)" = stopped ]
	[ ! -e /var/lib/vz/ran ]
	count=$(number_in 101 /count)
	[ "$count" -gt 0 ]
	sleep 1
	[ "$(number_in 101 /count)" -gt "$count" ]
}

@test "VE_STOP_MODE=stop stops them, and so does a time that is over" {
	ve 101 started
	ve 102 started
	cp /etc/vz/vz.conf "$BATS_TEST_TMPDIR/vz.conf"
	sed -i 's/^VE_STOP_MODE=.*/VE_STOP_MODE="stop"/' /etc/vz/vz.conf
	systemctl stop vz
	[ "$(status_of 101)" = stopped ]
	systemctl start vz
	[ "$(status_of 101)" = running ]
	cp "$BATS_TEST_TMPDIR/vz.conf" /etc/vz/vz.conf
	sed -i 's/^VE_STOP_TIME=.*/VE_STOP_TIME="0"/' /etc/vz/vz.conf
	systemctl stop vz
	cp "$BATS_TEST_TMPDIR/vz.conf" /etc/vz/vz.conf
	[ "$(status_of 101)" = stopped ]
	[ "$(status_of 102)" = stopped ]
	systemctl start vz
	[ "$(status_of 101)" = running ]
}

@test "who is started, and in which order" {
	ve 101 '' --onboot yes
	ve 102 started --bootorder 5
	ve 103 started --bootorder 7
	ve 104 started --onboot no
	[ "$(vzlist -H -a -o ctid,onboot,bootorder -s ctid | tr -s ' ')" = " 101 yes -
 102 - 5
 103 - 7
 104 no -" ]
	systemctl stop vz
	[ "$(cat /var/lib/vz/ran)" = "104
102
103" ]
	systemctl start vz
	[ "$(vzlist -H -o ctid | tr -d ' ')" = "101
102
103" ]
	grep -o 'CT 10[0-9] : .*resumed\|CT 101 : .*started' /var/log/vz/vzctl.log | tail -n 3
}
