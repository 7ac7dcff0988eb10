#!/usr/bin/env bats
# Suspend and resume are cut short at each step: a VE runs, or is suspended with its image, and never both.
load suspend

setup_file() {
	ip addr add 198.51.100.1/32 dev lo
	vzd_with_faults
}

no_criu() {
	! pgrep -x criu
}

dumps() {
	ls -A /var/lib/vz/dump
}

# It runs, does not stand still, and there is no image of it.
alive() {
	is 101 running && [ -z "$(dumps)" ] && [ "$(cat /sys/fs/cgroup/openve/ve-101/cgroup.freeze)" = 0 ]
}

asleep() {
	is 101 suspended && [ "$(dumps)" = 101 ] && [ ! -e /run/vz/ve/101 ] && [ ! -e /sys/fs/cgroup/openve/ve-101 ]
}

# Nothing of a VE that does not run is on the node.
put_away() {
	node_state | diff "$BATS_TEST_TMPDIR/asleep" -
}

full() {
	ve 101 started --ipadd 10.7.0.1 --ipadd fd07::1 --netif_add eth0,,,,br7 --rate 10000
	counting 101
}

@test "suspend fails at each step, and the VE goes on" {
	full
	for step in freeze image; do
		fault suspend $step fail suspend 101
		alive
		goes_on 101
	done
	vzctl --quiet suspend 101
	asleep
	vzctl --quiet resume 101
	goes_on 101
}

@test "the worker of suspend dies at each step, and the VE goes on" {
	full
	for step in freeze image; do
		fault suspend $step die suspend 101
		await 30 alive
		goes_on 101
	done
	# The last step has killed what it dumped.
	fault suspend dump die suspend 101
	await 30 asleep
	vzctl --quiet resume 101
	alive
	goes_on 101
}

@test "resume fails at each step, and the VE is still suspended" {
	full
	vzctl --quiet suspend 101
	node_state >"$BATS_TEST_TMPDIR/asleep"
	for step in record mount quota cgroup devices links restore; do
		fault resume $step fail resume 101
		[ "$step" = restore ] || asleep
		await 5 put_away
		[ "$step" = restore ] || continue
		# Its processes ran: what they did since is in no image, and the next vzd clears away the one that was.
		is 101 stopped
		vzd_kill
		vzd_start OPENVE_FAULTS="$FAULTS"
		[ -z "$(dumps)" ]
	done
	vzctl --quiet start 101
}

@test "the worker of resume dies at each step, and the VE is still suspended" {
	full
	vzctl --quiet suspend 101
	node_state >"$BATS_TEST_TMPDIR/asleep"
	for step in record mount quota cgroup devices links; do
		fault resume $step die resume 101
		await 30 asleep
		await 10 put_away
	done
	# After the last step the VE is there, and vzd finds it; its console went with the worker.
	fault resume restore die resume 101
	await 30 alive
	goes_on 101
	refused 16 'suspend 101' /dev/console
	alive
	vzctl --quiet restart 101 --fast
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
}

@test "start of a suspended VE fails, and it is still suspended" {
	full
	vzctl --quiet suspend 101
	fault start links fail start 101
	asleep
	fault start links die start 101
	await 30 asleep
	vzctl --quiet start 101
	goes_on 101
}

worker() {
	head -n 1 /run/vz/lock/101.lck
}

criu() {
	pgrep -x criu -o >/dev/null
}

@test "CRIU is killed while it dumps, and the VE goes on or is gone, and never stands still" {
	full
	vzctl suspend 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	kill -9 "$(pgrep -x criu -o)"
	! wait $!
	cat "$BATS_TEST_TMPDIR/out"
	alive
	goes_on 101
	ping -c 1 -W 5 10.7.0.1
	await 10 no_criu
	vzctl --quiet suspend 101
	asleep
	vzctl --quiet resume 101
	goes_on 101
}

@test "the worker is killed while CRIU dumps" {
	full
	vzctl suspend 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	kill -9 "$(worker)"
	! wait $!
	settled() { ! criu && { alive || asleep; }; }
	await 90 settled
	alive || vzctl --quiet resume 101
	goes_on 101
	ping -c 1 -W 5 10.7.0.1
}

@test "CRIU is killed while it restores, and the VE is still suspended" {
	full
	vzctl --quiet suspend 101
	node_state >"$BATS_TEST_TMPDIR/asleep"
	vzctl resume 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	kill -9 "$(pgrep -x criu -o)"
	! wait $!
	cat "$BATS_TEST_TMPDIR/out"
	await 20 asleep
	await 10 put_away
	vzctl --quiet resume 101
	goes_on 101
}

@test "the worker is killed while CRIU restores, and there is the VE or its image" {
	full
	vzctl --quiet suspend 101
	node_state >"$BATS_TEST_TMPDIR/asleep"
	vzctl resume 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	sleep 0.2
	kill -9 "$(worker)"
	! wait $!
	settled() { ! criu && { alive || asleep; }; }
	await 90 settled
	alive || { await 10 put_away; vzctl --quiet resume 101; }
	goes_on 101
}

@test "vzd is killed while a VE is suspended and while it is resumed" {
	full
	vzctl suspend 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	vzd_kill
	wait $! || true
	vzd_start OPENVE_FAULTS="$FAULTS"
	settled() { ! criu && { alive || asleep; }; }
	await 90 settled
	alive || vzctl --quiet resume 101
	goes_on 101

	# This node has nobody who keeps consoles for vzd: what ran on was cut off.
	vzctl --quiet restart 101 --fast
	counting 101
	vzctl --quiet suspend 101
	vzctl resume 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	vzd_kill
	wait $! || true
	vzd_start OPENVE_FAULTS="$FAULTS"
	await 90 settled
	alive || vzctl --quiet resume 101
	goes_on 101
}

@test "what crashes left in the dump directory is cleared away, and nothing else" {
	full
	vzctl --quiet suspend 101
	mkdir /var/lib/vz/dump/.new-101 /var/lib/vz/dump/.trash-102.0123456789abcdef /var/lib/vz/dump/.spent-103
	: >/var/lib/vz/dump/.spent-103/secret
	vzd_kill
	vzd_start OPENVE_FAULTS="$FAULTS"
	[ "$(dumps)" = 101 ]
	vzctl --quiet resume 101
	goes_on 101
}
