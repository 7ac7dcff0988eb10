#!/usr/bin/env bats
# CRIU, the worker that asked it, or vzd is killed in the middle: a VE runs, or is suspended with its image, and never both.
load suspend_faults

worker() {
	head -n 1 /run/vz/lock/101.lck
}

criu() {
	pgrep -x criu -o >/dev/null
}

settled() {
	no_criu && { alive || asleep; }
}

@test "CRIU is killed while it dumps, and the VE goes on or is gone, and never stands still" {
	full
	vzctl suspend 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	kill -9 "$(pgrep -x criu -o)"
	fails wait $!
	grep 'it was killed (Killed)' "$BATS_TEST_TMPDIR/out"
	alive
	goes_on 101
	ping -c 1 -W 5 10.7.0.1
	await 10 no_criu
	vzctl --quiet suspend 101
	asleep
	vzctl --quiet resume 101
	goes_on 101
}

# CRIU goes on for a while, and leaves the VE as it found it: standing still. Whoever takes the VE's lock waits for that.
@test "the worker is killed while CRIU dumps" {
	local delay hit
	full
	for delay in 0 0.3 0.8; do
		vzctl suspend 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
		await 10 criu
		sleep $delay
		kill -9 "$(worker)" || true
		wait $! || hit=yes
		await 90 settled
		alive || vzctl --quiet resume 101
		goes_on 101
		ping -c 1 -W 5 10.7.0.1
	done
	[ "$hit" ]
}

@test "CRIU is killed while a snapshot is taken, and the VE goes on, with its network" {
	local delay hit
	full
	for delay in 0 0.4 0.8; do
		vzctl snapshot 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
		await 10 criu
		sleep $delay
		pkill -9 -x criu || true
		wait $! || hit=yes
		[ "$(cat /sys/fs/cgroup/openve/ve-101/cgroup.freeze)" = 0 ]
		goes_on 101
		ping -c 1 -W 5 10.7.0.1
	done
	[ "$hit" ]
}

@test "CRIU is killed while it restores, and the VE is still suspended" {
	full
	vzctl --quiet suspend 101
	node_state >"$BATS_TEST_TMPDIR/asleep"
	vzctl resume 101 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	await 10 criu
	kill -9 "$(pgrep -x criu -o)"
	fails wait $!
	grep 'it was killed (Killed)' "$BATS_TEST_TMPDIR/out"
	await 60 asleep
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
	fails wait $!
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
