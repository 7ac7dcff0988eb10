#!/usr/bin/env bats
# vzd comes and goes; no VE notices.
load common

# Count in the VE, ten times a second.
count() {
	vzctl exec "$1" '(i=0; while :; do i=$((i + 1)); echo $i >/run/count; sleep 0.1; done) >/dev/null 2>&1 &'
}

counter() {
	vzctl exec "$1" cat /run/count
}

@test "kill -9 of vzd: the VE goes on, the next vzd knows it, exec and stop work" {
	ve 101 started
	count 101
	await 20 counter 101
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)
	before=$(counter 101)
	vzd_kill
	sleep 2
	kill -0 "$pid"
	vzd_start
	after=$(counter 101)
	[ "$after" -gt $((before + 5)) ]
	[ "$pid" = "$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)" ]
	is 101 running
	vzctl --quiet stop 101
	is 101 stopped
	gone "$pid"
}

@test "SIGTERM ends vzd and no VE" {
	ve 101 started
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)
	daemon=$(vzd_pid)
	kill "$daemon"
	await 20 gone "$daemon"
	kill -0 "$pid"
	vzd_start
	[ "$(vzctl exec 101 echo here)" = here ]
}

@test "a VE that vzd did not start itself is restarted after a reboot inside, and taken down after a halt" {
	ve 101 started
	ve 102 started
	vzd_kill
	vzd_start
	vzctl exec 101 'touch /run/before; reboot'
	rebooted() { vzctl exec2 101 '! test -e /run/before' 2>/dev/null; }
	await 30 rebooted
	vzctl exec 102 poweroff
	await 20 is 102 stopped
}

@test "a VE that ended while no vzd was there is taken down by the next" {
	ve 101 started
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)
	vzd_kill
	kill -9 "$pid"
	await 10 gone "$pid"
	vzd_start
	is 101 stopped
	[ ! -e /sys/fs/cgroup/openve/ve-101 ]
	vzctl --quiet start 101
}

@test "init that dies is taken down without being asked" {
	ve 101 started
	kill -9 "$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)"
	await 20 is 101 stopped
	[ ! -e /run/vz/ve/101 ]
}

@test "two operations on one VE: the second is told; on two VEs both run" {
	ve 101 '' --stop-timeout 30
	ve 102
	vzctl --quiet start 101
	vzctl exec 101 'printf "::shutdown:/bin/sleep 4\n" >>/etc/inittab; kill -HUP 1'
	sleep 1
	vzctl --quiet stop 101 &
	sleep 1
	run vzctl restart 101
	[ "$status" -eq 9 ]
	vzctl --quiet start 102
	wait
	is 101 stopped
	is 102 running
}

@test "a VE whose configuration was taken away keeps its ids and files" {
	ve 101 started
	mv /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/"
	vzd_kill
	vzd_start
	grep -q '^101:' /etc/vz/idmap
	[ -d /var/lib/vz/private/101/fs ]
	mv "$BATS_TEST_TMPDIR/101.conf" /etc/vz/conf/
	is 101 running
}

@test "root of a VE that stops what enters it keeps nobody waiting" {
	ve 101 started
	vzctl exec 101 '(while :; do kill -STOP -1; done) >/dev/null 2>&1 &' || true
	sleep 1
	# A command that has entered already is the VE's own, and may be stopped like any other.
	for _ in 1 2 3 4; do
		run timeout 30 vzctl exec 101 true
		[ "$status" -eq 124 ] || break
	done
	[ "$status" -ne 124 ]
	run timeout 60 vzctl stop 101 --fast
	[ "$status" -eq 0 ]
}

@test "a second vzd is refused" {
	run vzd
	[ "$status" -ne 0 ]
	[[ "$output" == *"vzd runs already"* ]]
	vzd_up
}

@test "vzd runs from a sealed copy and cannot be looked into" {
	pid=$(vzd_pid)
	[[ "$(readlink "/proc/$pid/exe")" == /memfd:* ]]
	run dd if=/dev/zero of="/proc/$pid/exe" count=1
	[ "$status" -ne 0 ]
	[ "$(stat -c %u "/proc/$pid/fd")" = 0 ]
}

@test "the interface describes itself" {
	varlinkctl introspect /run/vz/io.openve io.openve | grep -q 'method Start'
	varlinkctl info /run/vz/io.openve | grep -q OpenVE
}

@test "the socket is for root and vzadmin only" {
	[ "$(stat -c '%a %U %G' /run/vz/io.openve)" = "660 root vzadmin" ]
	[ "$(stat -c '%a' /run/vz)" = 750 ]
}

@test "what was done is in the log, in vzctl's format" {
	ve 101 started
	grep -qE '^[0-9-]+T[0-9:]+[+-][0-9]{4} vzctl : CT 101 : ' /var/log/vz/vzctl.log
}

@test "neither memory nor descriptors of vzd grow with what it did" {
	ve 101
	vzctl --quiet start 101
	vzctl --quiet stop 101 --fast
	pid=$(vzd_pid)
	fds=$(ls "/proc/$pid/fd" | wc -l)
	for _ in 1 2 3 4 5; do
		vzctl --quiet start 101
		vzctl exec 101 true
		vzctl --quiet stop 101 --fast
	done
	sleep 1
	[ "$(ls "/proc/$pid/fd" | wc -l)" -le "$fds" ]
	[ "$(ps --no-headers --ppid "$pid" | wc -l)" -eq 0 ]
}
