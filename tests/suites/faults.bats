#!/usr/bin/env bats
# Every step of every verb is made to fail, and the worker is killed there; the node is then as it was before.
load common

setup_file() {
	vzd_with_faults
}

# The same, and what the node was like before it.
spoil() {
	node_state >"$BATS_TEST_TMPDIR/before"
	fault "$@"
}

unchanged() {
	node_state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "start fails at each step" {
	ve 101 '' --ipadd 10.7.0.1 --ipadd fd07::1 --netif_add eth0,,,,br7 --rate 10000
	for step in record mount quota cgroup devices launch network go; do
		spoil start $step fail start 101
		unchanged
	done
	vzctl --quiet start 101
}

@test "the worker of start dies at each step" {
	ve 101 '' --ipadd 10.7.0.1 --ipadd fd07::1 --netif_add eth0,,,,br7 --rate 10000
	for step in record mount quota cgroup devices launch network; do
		spoil start $step die start 101
		await 20 is 101 stopped
		await 5 unchanged
	done
	# After the last step the VE is there, and vzd finds it.
	spoil start go die start 101
	is 101 running
	vzctl --quiet exec 101 true
	vzctl --quiet stop 101
	unchanged
}

@test "create fails at each step" {
	for step in ids private config publish name; do
		spoil create $step fail create 101 --ostemplate busybox --name tried
		unchanged
	done
	vzctl --quiet create 101 --ostemplate busybox --name tried
}

@test "the worker of create dies at each step, and the next vzd cleans up" {
	for step in ids private config publish; do
		spoil create $step die create 101 --ostemplate busybox --name tried
		vzd_kill
		vzd_start OPENVE_FAULTS="$FAULTS"
		if [ "$(vzctl status 101)" = "CTID 101 deleted unmounted down" ]; then
			unchanged
		else
			vzctl --quiet start tried
			vzctl --quiet stop tried --fast
			vzctl --quiet destroy tried
			rm -f /etc/vz/conf/*.destroyed
			unchanged
		fi
	done
}

@test "what a dead worker of create left is cleared away without a new vzd" {
	for step in ids private; do
		spoil create $step die create 101 --ostemplate busybox --name tried
		await 20 unchanged
	done
	vzctl --quiet create 101 --ostemplate busybox --name tried
}

@test "the worker of destroy dies at each step, and the next vzd finishes" {
	for step in private config trash ids; do
		node_state >"$BATS_TEST_TMPDIR/empty"
		ve 101 '' --name doomed
		echo "destroy $step die" >"$FAULTS"
		run vzctl destroy 101
		[ "$status" -ne 0 ]
		rm -f "$FAULTS"
		vzd_kill
		vzd_start OPENVE_FAULTS="$FAULTS"
		rm -f /etc/vz/conf/*.destroyed
		node_state >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/empty" "$BATS_TEST_TMPDIR/after"
	done
}

@test "the worker of stop is killed, and the VE is taken down all the same" {
	ve 101 started --stop-timeout 60
	node_state >"$BATS_TEST_TMPDIR/running"
	vzctl exec 101 'printf "::shutdown:/bin/sleep 5\n" >>/etc/inittab; kill -HUP 1'
	sleep 1
	vzctl stop 101 &
	sleep 1
	kill -9 "$(head -n 1 /run/vz/lock/101.lck)"
	wait || true
	await 40 is 101 stopped
	[ ! -e /run/vz/ve/101 ]
	[ ! -e /sys/fs/cgroup/openve/ve-101 ]
}
