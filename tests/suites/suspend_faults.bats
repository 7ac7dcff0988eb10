#!/usr/bin/env bats
# Suspend and resume are cut short at each step: a VE runs, or is suspended with its image, and never both.
load suspend_faults

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
		await 60 alive
		goes_on 101
	done
	# The last step has killed what it dumped.
	fault suspend dump die suspend 101
	await 60 asleep
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
		await 60 asleep
		await 10 put_away
	done
	# After the last step the VE is there, and vzd finds it; its console went with the worker.
	fault resume restore die resume 101
	await 60 alive
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
	await 60 asleep
	vzctl --quiet start 101
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
