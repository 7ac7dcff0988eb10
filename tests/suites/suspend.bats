#!/usr/bin/env bats
# Suspend and resume: what a user sees of them, and what lives on in the VE.
load suspend

@test "suspend and resume say what vzctl's do, and the program goes on where it was" {
	ve 101 started --hostname sleeper
	counting 101
	run --separate-stderr vzctl suspend 101
	echo "$output / $stderr"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "Setting up checkpoint...
	suspend...
	dump...
	kill...
Container is unmounted
Checkpointing completed successfully" ]
	[ "$(vzctl status 101)" = "CTID 101 exist unmounted down suspended" ]
	is 101 suspended
	[ "$(vzlist -S -H -o ctid,status | sed 's/^ *//')" = "101 suspended" ]
	[ -z "$(vzlist -H -o ctid)" ]
	[ -d /var/lib/vz/dump/101 ]
	[ ! -e /sys/fs/cgroup/openve/ve-101 ]
	[ ! -e /run/vz/ve/101 ]

	run --separate-stderr vzctl resume 101
	echo "$output / $stderr"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "Restoring container ...
	undump...
Container is mounted
	resume...
Restoring completed successfully" ]
	[ "$(vzctl status 101)" = "CTID 101 exist mounted running" ]
	[ -z "$(ls -A /var/lib/vz/dump)" ]
	goes_on 101
	[ "$(vzctl exec 101 hostname)" = sleeper ]
}

@test "chkpnt and restore are other words for them" {
	ve 101 started
	vzctl --quiet chkpnt 101
	is 101 suspended
	vzctl --quiet restore 101
	is 101 running
}

@test "files, open and deleted, and those of its tmpfs are as they were" {
	ve 101 started
	vzctl exec2 101 'echo kept >/kept; echo tmp >/tmp/kept; mkdir /dev/shm/d; echo shm >/dev/shm/d/kept
		(exec 9>/gone; echo first >&9; rm /gone; while ! [ -e /go ]; do sleep 0.1; done; echo second >&9; cat /proc/self/fd/9 >/was; : >/done) \
			</dev/null >/dev/null 2>&1 &'
	sleep 1
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	[ "$(vzctl exec 101 'cat /kept /tmp/kept /dev/shm/d/kept')" = "kept
tmp
shm" ]
	vzctl exec2 101 ': >/go'
	await 10 vzctl exec2 101 'test -e /done'
	[ "$(vzctl exec 101 cat /was)" = "first
second" ]
}

@test "start of a suspended VE resumes it, also with --wait, and so does restart" {
	ve 101 started
	counting 101
	vzctl --quiet suspend 101
	run vzctl start 101
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == "Restoring container ..."*"Restoring completed successfully" ]]
	goes_on 101
	vzctl --quiet suspend 101
	run vzctl start 101 --wait
	echo "$output"
	[ "$status" -eq 0 ]
	goes_on 101
	vzctl --quiet suspend 101
	vzctl --quiet restart 101
	goes_on 101
}

@test "what cannot be in a state is refused with vzctl's words and codes" {
	refused 14 'suspend 101' ''
	refused 14 'resume 101' ''
	ve 101
	refused 31 'suspend 101' 'Unable to setup checkpointing: container is not running'
	refused 17 'resume 101' 'there is no image of it'
	vzctl --quiet start 101
	refused 32 'resume 101' 'Unable to perform restoring: container already running'
	vzctl --quiet suspend 101
	refused 31 'suspend 101' 'Unable to setup checkpointing: container is not running'
	refused 0 'stop 101' 'Unable to stop: container is not running'
	refused 31 'exec 101 true' ''
	refused 3 'mount 101' 'Container is suspended'
	vzctl --quiet resume 101
	vzctl --quiet stop 101 --fast
	vzctl --quiet mount 101
	refused 31 'suspend 101' 'container is not running'
	refused 3 'resume 101' 'the container is mounted'
	vzctl --quiet umount 101
}

@test "in stages: freeze, thaw" {
	ve 101 started
	counting 101
	run vzctl chkpnt 101 --suspend
	[ "$status" -eq 0 ]
	is 101 running
	[ "$(cat /sys/fs/cgroup/openve/ve-101/cgroup.freeze)" = 1 ]
	stands_still 101
	vzctl --quiet chkpnt 101 --suspend
	run vzctl chkpnt 101 --resume
	[ "$status" -eq 0 ]
	[ "$output" = "Resuming..." ]
	goes_on 101
	refused 3 'chkpnt 101 --resume' 'not frozen'
	refused 3 'chkpnt 101 --dump' 'not frozen'
	refused 3 'chkpnt 101 --kill' 'not frozen'
}

@test "in stages: freeze, dump, kill; undump, resume" {
	ve 101 started
	counting 101
	vzctl --quiet chkpnt 101 --suspend
	vzctl --quiet chkpnt 101 --dump
	is 101 running
	stands_still 101
	run vzctl chkpnt 101 --kill
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == "Killing..."* ]]
	is 101 suspended
	vzctl --quiet restore 101 --undump
	is 101 running
	stands_still 101
	run vzctl restore 101 --resume
	[ "$status" -eq 0 ]
	[ "$output" = "Resuming..." ]
	goes_on 101
}

@test "in stages: what is dumped and goes on has no image any more" {
	ve 101 started
	counting 101
	vzctl --quiet chkpnt 101 --suspend --dump
	[ -d /var/lib/vz/dump/101 ]
	vzctl --quiet chkpnt 101 --resume
	[ -z "$(ls -A /var/lib/vz/dump)" ]
	goes_on 101
	vzctl --quiet stop 101 --fast
	is 101 stopped
}

@test "a frozen VE stands still over a death of vzd, and is stopped, entered and set in the end" {
	ve 101 started --ipadd 10.7.0.1
	counting 101
	vzctl --quiet chkpnt 101 --suspend
	vzd_kill
	vzd_start
	is 101 running
	stands_still 101
	run timeout 60 vzctl exec 101 true
	echo "$status $output"
	[ "$status" -eq 3 ]
	[[ "$output" == *frozen* ]]
	vzctl --quiet set 101 --ram 48M --save
	local begin=$SECONDS
	vzctl --quiet stop 101
	((SECONDS - begin < 60))
	is 101 stopped
}

@test "restore --kill does away with the image" {
	ve 101 started
	vzctl --quiet suspend 101
	run vzctl restore 101 --kill
	[ "$status" -eq 0 ]
	[ "$output" = "Killing..." ]
	is 101 stopped
	[ -z "$(ls -A /var/lib/vz/dump)" ]
	vzctl --quiet start 101
	vzctl --quiet suspend 101
	vzctl --quiet resume 101 --undump
	vzctl --quiet restore 101 --kill
	is 101 stopped
}

@test "destroy of a suspended VE takes the image with it" {
	node_state >"$BATS_TEST_TMPDIR/before"
	ve 101 started
	vzctl --quiet suspend 101
	vzctl --quiet destroy 101
	rm -f /etc/vz/conf/*.destroyed
	[ -z "$(ls -A /var/lib/vz/dump)" ]
	node_state | diff "$BATS_TEST_TMPDIR/before" -
}

@test "both layouts" {
	ve 101 started --layout overlay
	ve 102 started --layout private
	for ctid in 101 102; do
		counting $ctid
		vzctl exec2 $ctid 'echo kept >/kept'
		vzctl --quiet suspend $ctid
		vzctl --quiet resume $ctid
		goes_on $ctid
		[ "$(vzctl exec $ctid cat /kept)" = kept ]
	done
}

@test "--dumpfile: an image of another name, in the dump directory only" {
	ve 101 started
	ve 102 started
	counting 101
	for name in /tmp/image ../image a/b .hidden /var/lib/vz/dump/../x 102; do
		refused 21 "suspend 101 --dumpfile $name" ''
		is 101 running
	done
	vzctl --quiet suspend 102
	refused 21 'suspend 101 --dumpfile 102' 'CT 102'
	vzctl --quiet resume 102
	vzctl --quiet suspend 101 --dumpfile /var/lib/vz/dump/mine
	is 101 stopped
	refused 17 'resume 101' 'no image'
	refused 17 'resume 101 --dumpfile other' 'other'
	refused 21 'resume 101 --dumpfile /tmp/mine' ''
	vzctl --quiet resume 101 --dumpfile mine
	goes_on 101
	[ -z "$(ls -A /var/lib/vz/dump)" ]
}

@test "many processes come back, with their tree" {
	ve 101 started --numproc 400
	vzctl exec2 101 'i=0; while [ $i -lt 60 ]; do (sh -c "tail -f /dev/null & wait" &) </dev/null >/dev/null 2>&1; i=$((i + 1)); done'
	tree() { vzctl exec 101 'ps -o pid,ppid,comm' | grep -v ' ps$' | sort; }
	all_there() { [ "$(tree | grep -c tail)" -eq 60 ]; }
	await 20 all_there
	tree >"$BATS_TEST_TMPDIR/before"
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	tree | diff "$BATS_TEST_TMPDIR/before" -
	[ "$(vzlist -H -o numproc 101)" -ge 121 ]
}

@test "a VE at its limits of processes and of memory comes back, with its limits" {
	ve 101 started --numproc 20 --ram 32M --swap 0
	vzctl exec2 101 '(exec 9</dev/zero; head -c 20000000 /dev/zero >/dev/shm/full)'
	vzctl exec 101 'i=0; while [ $i -lt 30 ]; do tail -f /dev/null & i=$((i + 1)); done </dev/null >/dev/null 2>&1' || true
	sleep 2
	local before
	before=$(cat /sys/fs/cgroup/openve/ve-101/pids.current)
	[ "$before" -ge 18 ]
	vzctl --quiet suspend 101 --force
	vzctl --quiet resume 101
	[ "$(cat /sys/fs/cgroup/openve/ve-101/pids.max)" = 20 ]
	[ "$(cat /sys/fs/cgroup/openve/ve-101/memory.max)" = $((32 << 20)) ]
	[ "$(cat /sys/fs/cgroup/openve/ve-101/memory.swap.max)" = 0 ]
	[ "$(cat /sys/fs/cgroup/openve/ve-101/pids.current)" -eq "$before" ]
	[ "$(stat -c %s /proc/$(sed -n 's/^PID="\(.*\)"/\1/p' /run/vz/ve/101)/root/dev/shm/full)" = 20000000 ]
}

@test "limits that are set while it is suspended hold when it is back" {
	ve 101 started --ram 64M
	vzctl --quiet suspend 101
	vzctl --quiet set 101 --ram 96M --numproc 77 --save
	vzctl --quiet resume 101
	[ "$(cat /sys/fs/cgroup/openve/ve-101/memory.max)" = $((96 << 20)) ]
	[ "$(cat /sys/fs/cgroup/openve/ve-101/pids.max)" = 77 ]
}

@test "it has been up since it was started, but for the time that it was suspended" {
	ve 101 started
	sleep 3
	vzctl --quiet suspend 101
	sleep 10
	local before after
	vzctl --quiet resume 101
	before=$(vzctl exec 101 'cut -d. -f1 /proc/uptime')
	after=$(vzlist -j 101 | jq '.[0].uptime | floor')
	echo "$before $after"
	((before >= 3 && before <= 60))
	((after >= before && after <= before + 10))
	[ "$(vzctl exec 101 date +%s)" -ge "$(($(date +%s) - 5))" ]
}

@test "its console takes what it writes, before and after" {
	ve 101 started
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	# More than a terminal holds: somebody reads it.
	timeout 60 vzctl exec2 101 'head -c 200000 /dev/zero | tr "\\0" x >/dev/console'
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	timeout 60 vzctl exec2 101 'head -c 200000 /dev/zero | tr "\\0" x >/dev/console'
}

@test "it powers off and reboots by itself after it came back" {
	ve 101 started
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	vzctl exec 101 'echo x >/dev/shm/before; reboot' || true
	again() { vzctl exec2 101 'test ! -e /dev/shm/before' 2>/dev/null; }
	await 30 again
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	vzctl exec 101 poweroff || true
	await 30 is 101 stopped
}

@test "twenty times, and nothing is left" {
	ve 101 started --ipadd 10.7.0.1 --netif_add eth0,,,,br7
	counting 101
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
	sleep 2
	leftovers >"$BATS_TEST_TMPDIR/before"
	local i memory
	memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$(vzd_pid)/status")
	for ((i = 0; i < 20; i++)); do
		vzctl --quiet suspend 101
		vzctl --quiet resume 101
	done
	sleep 2
	leftovers | diff "$BATS_TEST_TMPDIR/before" -
	goes_on 101
	(($(awk '/^VmRSS/ { print $2 }' "/proc/$(vzd_pid)/status") < memory + 1024))
}
