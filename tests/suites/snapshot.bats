#!/usr/bin/env bats
# What a VE was can be had back: files, configuration and processes, any number of times.
load common

A=11111111-1111-4111-8111-111111111111
B=22222222-2222-4222-8222-222222222222
C=33333333-3333-4333-8333-333333333333
D=44444444-4444-4444-8444-444444444444

setup_file() {
	vzd_with_faults
}

# What snapshots may leave traces in, beside what all verbs may.
whole_state() {
	node_state
	echo '# snapshots'
	find /var/lib/vz/snapshot /var/lib/vz/dump /run/vz/snapshot -maxdepth 2 2>/dev/null | sort
	cat /var/lib/vz/snapshot/*/tree 2>/dev/null || true
}

before() {
	whole_state >"$BATS_TEST_TMPDIR/before"
}

unchanged() {
	whole_state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# A process that counts, in its memory, and says how far it is.
counter() {
	# shellcheck disable=SC2016
	vzctl exec "$1" 'cat >/counter <<"EOF"
#!/bin/sh
n=0
while :; do
	n=$((n + 1))
	echo $n >/count.new
	mv /count.new /count
	usleep 50000
done
EOF
chmod +x /counter
echo "::respawn:/counter" >>/etc/inittab
kill -HUP 1'
	await 10 counts "$1"
}

counts() {
	[ "$(count "$1")" -gt 0 ]
}

count() {
	number_in "$1" /count
}

# Init's own child: before that sleeps, there is a child of its name for a moment.
pid_of_counter() {
	vzctl exec "$1" ps -o ppid,pid,comm | awk '$1 == 1 && $3 == "counter" { print $2 }'
}

snapshot() {
	vzctl --quiet snapshot "$@"
}

switch() {
	vzctl --quiet snapshot-switch "$@"
}

uuids() {
	vzctl snapshot-list "$1" -H -o parent_uuid,current,uuid
}

back_to_a_running() {
	local ctid=$1
	counter "$ctid"
	vzctl exec "$ctid" 'echo then >/file; echo then >>/etc/passwd'
	run vzctl snapshot "$ctid" --id $A --name first
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "Creating snapshot {$A}" ]
	[[ "$output" == *"paused for "* ]]
	[ "${lines[-1]}" = "Snapshot {$A} has been successfully created" ]
	pid=$(pid_of_counter "$ctid")
	at=$(count "$ctid")
	# It has gone on.
	sleep 1
	[ "$(count "$ctid")" -gt "$at" ]
	vzctl exec "$ctid" 'echo now >/file; echo more >/new; rm /etc/passwd; kill -9 $(pidof counter)'
	await 10 counts "$ctid"
	sleep 2
	[ "$(pid_of_counter "$ctid")" != "$pid" ]
	run vzctl snapshot-switch "$ctid" --id "{$A}"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "Container has been successfully switched to another snapshot" ]
	[ "$(vzctl status "$ctid")" = "CTID $ctid exist mounted running" ]
	[ "$(pid_of_counter "$ctid")" = "$pid" ]
	[ "$(vzctl exec "$ctid" cat /file)" = then ]
	[ "$(vzctl exec "$ctid" tail -n 1 /etc/passwd)" = then ]
	run ! vzctl exec2 "$ctid" test -e /new
	# It counts on from where it was.
	[ "$(count "$ctid")" -lt $((at + 40)) ]
	at=$(count "$ctid")
	sleep 1
	[ "$(count "$ctid")" -gt "$at" ]
}

@test "a running VE goes on, and can be had back as it was" {
	ve 101 started --layout overlay
	back_to_a_running 101
}

@test "so can one of layout private" {
	ve 101 started --layout private
	back_to_a_running 101
}

@test "a stopped VE: files and configuration" {
	for layout in overlay private; do
		ve 101 started --layout $layout --cpus 1 --name stays
		vzctl exec 101 'echo then >/file; mknod /node p; ln -s file /link'
		vzctl --quiet stop 101
		snapshot 101 --id $A
		vzctl --quiet set 101 --cpus 2 --hostname other --name renamed --save
		vzctl --quiet start 101
		vzctl exec 101 'echo now >/file; rm /node'
		vzctl --quiet stop 101
		switch 101 --id $A
		[ "$(vzctl status 101)" = "CTID 101 exist unmounted down" ]
		grep -q '^CPUS="1"' /etc/vz/conf/101.conf
		run ! grep '^HOSTNAME="other"' /etc/vz/conf/101.conf
		# What it is called by on this node stays.
		grep -q '^NAME="renamed"' /etc/vz/conf/101.conf
		vzctl --quiet start renamed
		[ "$(vzctl exec 101 cat /link)" = then ]
		vzctl exec2 101 test -p /node
		vzctl --quiet stop 101 --fast
		vzctl --quiet set 101 --cpus 2 --save
		switch 101 --id $A --skip-config
		grep -q '^CPUS="2"' /etc/vz/conf/101.conf
		vzctl --quiet destroy 101
		[ ! -e /var/lib/vz/snapshot/101 ]
	done
}

@test "--skip-suspend keeps files only; --skip-resume and --must-resume" {
	ve 101 started
	counter 101
	vzctl exec 101 'echo then >/file'
	run vzctl snapshot 101 --id $A --skip-suspend
	[ "$status" -eq 0 ]
	[[ "$output" == *"paused for "* ]]
	pid=$(pid_of_counter 101)
	snapshot 101 --id $B
	[ "$(pid_of_counter 101)" = "$pid" ]
	vzctl exec 101 'echo now >/file'
	run vzctl snapshot-switch 101 --id $A --must-resume
	[ "$status" -eq 159 ]
	[ "$(pid_of_counter 101)" = "$pid" ]
	[ "$(vzctl exec 101 cat /file)" = now ]
	switch 101 --id $A
	[ "$(vzctl status 101)" = "CTID 101 exist unmounted down" ]
	vzctl --quiet start 101
	[ "$(vzctl exec 101 cat /file)" = then ]
	switch 101 --id $B --skip-resume
	[ "$(vzctl status 101)" = "CTID 101 exist unmounted down" ]
	switch 101 --id $B --must-resume
	[ "$(pid_of_counter 101)" = "$pid" ]
}

@test "a suspended VE loses its image when it is switched" {
	ve 101 started
	counter 101
	snapshot 101 --id $A
	pid=$(pid_of_counter 101)
	vzctl --quiet suspend 101
	run vzctl snapshot 101
	[ "$status" -eq 3 ]
	[[ "$output" == *suspended* ]]
	switch 101 --id $A
	is 101 running
	[ "$(pid_of_counter 101)" = "$pid" ]
	[ ! -e /var/lib/vz/dump/101 ]
	[ -z "$(ls -A /var/lib/vz/dump)" ]
}

@test "snapshots form a tree, listed in vzctl's columns" {
	ve 101
	[ -z "$(vzctl snapshot-list 101 -H)" ]
	snapshot 101 --id $A --name one --description 'the first'
	snapshot 101 --id $B
	switch 101 --id $A
	snapshot 101 --uuid "{$C}" --name 'three words here'
	vzctl snapshot-list 101
	[ "$(vzctl snapshot-list 101 | head -n 1)" = "PARENT_UUID                            C UUID                                   DATE                NAME" ]
	[ "$(uuids 101 | sed 's/ *$//' | sort)" = "$(sort <<-EOF
		                                         {$A}
		{$A}   {$B}
		{$A} * {$C}
	EOF
	)" ]
	run vzctl snapshot-list 101 -H -o uuid,name,desc --id $A
	[ "$output" = "{$A} one                              the first" ]
	run vzctl snapshot-list 101 -j --id $A -o id,parent_id,current,desc
	[ "$(jq -c . <<<"$output")" = "[{\"id\":\"{$A}\",\"parent_id\":null,\"current\":false,\"desc\":\"the first\"}]" ]
	vzctl snapshot-list -L | grep -q parent_uuid
	date=$(vzctl snapshot-list 101 -H -o date --id $A)
	[[ "$date" =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}\ [0-9]{2}:[0-9]{2}:[0-9]{2}$ ]]

	# In the middle: its children are its parent's.
	switch 101 --id $B
	snapshot 101 --id $D
	run vzctl snapshot-delete 101 --id $B
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "Snapshot {$B} has been successfully deleted" ]
	[ "$(vzctl snapshot-list 101 -H -o parent_uuid,uuid --id $D)" = "{$A} {$D}" ]
	# The current one: its parent is.
	vzctl --quiet snapshot-delete 101 --id $D
	[ "$(vzctl snapshot-list 101 -H -o uuid,current --id $A)" = "{$A} *" ]
	# The root: they have none.
	vzctl --quiet snapshot-delete 101 --id $A
	[ "$(vzctl snapshot-list 101 -H -o uuid,current,parent_uuid | sed 's/ *$//')" = "{$C}" ]
	switch 101 --id $C
	vzctl --quiet snapshot-delete 101 --id $C
	[ ! -e /var/lib/vz/snapshot/101 ]
}

@test "the files of a snapshot are mounted to be read" {
	for layout in overlay private; do
		ve 101 started --layout $layout
		vzctl exec 101 'echo then >/file'
		snapshot 101 --id $A --skip-suspend
		vzctl exec 101 'echo now >/file'
		dir=$(mktemp -d)
		run vzctl snapshot-mount 101 --id $A --target "$dir"
		[ "$status" -eq 0 ]
		[ "$(cat "$dir/file")" = then ]
		[ -x "$dir/bin/busybox" ]
		run ! touch "$dir/new"
		[ "$(vzctl snapshot-list 101 -H -o target)" = "$dir" ]
		run vzctl snapshot-mount 101 --id $A --target "$dir"
		[ "$status" -eq 160 ]
		run vzctl snapshot-delete 101 --id $A
		[ "$status" -eq 158 ]
		[[ "$output" == *"is mounted on $dir"* ]]
		vzctl --quiet stop 101 --fast
		run vzctl destroy 101
		[ "$status" -eq 41 ]
		# One that is mounted can be switched to all the same.
		switch 101 --id $A
		vzctl --quiet start 101
		[ "$(vzctl exec 101 cat /file)" = then ]
		run vzctl snapshot-umount 101 --id $A
		[ "$status" -eq 0 ]
		[ -z "$(ls -A "$dir")" ]
		run vzctl snapshot-umount 101 --id $A
		[ "$status" -eq 161 ]
		rmdir "$dir"
		vzctl --quiet snapshot-delete 101 --id $A
		vzctl --quiet stop 101 --fast
		vzctl --quiet destroy 101
	done
	[ ! -e /run/vz/snapshot ]
}

@test "what is wrong is said, and changes nothing" {
	ve 101 started
	snapshot 101 --id $A
	before
	refused() {
		local code=$1 words=$2
		shift 2
		run vzctl "$@"
		echo "vzctl $* -> $status: $output"
		[ "$status" -eq "$code" ]
		[[ "$output" == *"$words"* ]]
	}
	refused 21 'is not a UUID' snapshot 101 --id 123
	refused 21 'is not a UUID' snapshot-delete 101 --id "{$A"
	refused 21 'is not a UUID' snapshot-switch 101 --id ../101
	refused 156 'already' snapshot 101 --id $A
	refused 21 'at most 128' snapshot 101 --name "$(printf 'x%.0s' {1..129})"
	refused 21 'one line' snapshot 101 --name $'a\nb'
	refused 21 'one line' snapshot 101 --description $'a\tb'
	refused 159 "no snapshot {$B}" snapshot-switch 101 --id $B
	refused 158 "no snapshot {$B}" snapshot-delete 101 --id $B
	refused 160 "no snapshot {$B}" snapshot-mount 101 --id $B --target /mnt
	refused 161 "no snapshot {$B}" snapshot-umount 101 --id $B
	refused 167 "no snapshot {$B}" snapshot-list 101 --id $B
	refused 27 '--id is missing' snapshot-switch 101
	refused 27 '--target is missing' snapshot-mount 101 --id $A
	refused 21 'not an absolute path' snapshot-mount 101 --id $A --target mnt
	refused 160 'No such file' snapshot-mount 101 --id $A --target /nowhere
	refused 160 'not empty' snapshot-mount 101 --id $A --target /etc
	refused 20 'exclude' snapshot-switch 101 --id $A --skip-resume --must-resume
	refused 21 'Unknown field' snapshot-list 101 -o uuid,nothing
	refused 14 'does not exist' snapshot 999
	refused 14 'does not exist' snapshot-list 999
	unchanged
	vzctl --quiet stop 101 --fast
	vzctl --quiet mount 101
	refused 41 'mounted' snapshot 101
	refused 41 'mounted' snapshot-switch 101 --id $A
	vzctl --quiet umount 101
	echo x >>/var/lib/vz/snapshot/101/$A/files/inventory.img
	refused 159 'inventory.img' snapshot-switch 101 --id $A
	# One that is damaged can still be done away with.
	vzctl --quiet snapshot-delete 101 --id $A
}

used() {
	sync -f /var/lib/vz
	df --output=used -B 1M /var/lib/vz | tail -n 1
}

project() {
	xfs_quota -x -c 'report -p -N -n -b' /var/lib/vz | awk '$1 == "#101" { print $2 }'
}

@test "a snapshot shares its blocks, counts for nobody's quota and is made in an instant" {
	for layout in overlay private; do
		ve 101 started --layout $layout --diskspace 300M --ram 256M
		vzctl exec 101 'dd if=/dev/urandom of=/big bs=1M count=200'
		was=$(used)
		quota=$(project)
		start=${EPOCHREALTIME/./}
		run vzctl snapshot 101 --id $A
		echo "# $layout, 200 MB: $((${EPOCHREALTIME/./} - start)) us, $output" >&3
		[ "$status" -eq 0 ]
		echo "used $was -> $(used)"
		[ $(($(used) - was)) -lt 100 ]
		[ "$(project)" -le $((quota + 64)) ]
		vzctl exec 101 'rm /big; echo 1 >/small'
		# Twice of what it may have, for a moment.
		start=${EPOCHREALTIME/./}
		vzctl --quiet snapshot-switch 101 --id $A
		echo "# switched in $((${EPOCHREALTIME/./} - start)) us" >&3
		switch 101 --id $A
		[ "$(project)" -ge $((quota - 64)) ]
		[ "$(project)" -le $((quota + 64)) ]
		run vzctl exec2 101 'dd if=/dev/zero of=/more bs=1M count=150'
		[ "$status" -ne 0 ]
		[ $(($(used) - was)) -lt 200 ]
		vzctl --quiet stop 101 --fast
		vzctl --quiet destroy 101
	done
}

@test "ten switches leave nothing on the node" {
	ve 101 started --ipadd 10.7.0.1
	counter 101
	snapshot 101 --id $A
	pid=$(pid_of_counter 101)
	switch 101 --id $A
	[ "$(pid_of_counter 101)" = "$pid" ]
	before
	for _ in {1..10}; do
		switch 101 --id $A
		[ "$(pid_of_counter 101)" = "$pid" ]
	done
	unchanged
}

counts_on() {
	local at
	at=$(count 101)
	sleep 0.5
	[ "$(count 101)" -gt "$at" ]
}

@test "snapshot fails at each step" {
	ve 101 started
	counter 101
	pid=$(pid_of_counter 101)
	before
	for how in '' --skip-suspend; do
		for step in image freeze copy thaw publish current; do
			# shellcheck disable=SC2086
			fault snapshot $step fail snapshot 101 --id $A $how
			unchanged
			counts_on
		done
	done
	[ "$(pid_of_counter 101)" = "$pid" ]
	snapshot 101 --id $A
}

@test "the worker of snapshot dies at each step" {
	ve 101 started
	counter 101
	pid=$(pid_of_counter 101)
	before
	for step in image freeze copy thaw; do
		fault snapshot $step die snapshot 101 --id $A
		await 20 unchanged
		await 10 counts_on
	done
	[ "$(pid_of_counter 101)" = "$pid" ]
	fault snapshot publish die snapshot 101 --id $A
	await 20 counts_on
	switch 101 --id $A
	[ "$(pid_of_counter 101)" = "$pid" ]
}

@test "switch fails at each step" {
	ve 101 started
	vzctl exec 101 'echo then >/file'
	vzctl --quiet stop 101
	snapshot 101 --id $A
	vzctl --quiet set 101 --cpus 2 --save
	snapshot 101 --id $B
	before
	for step in copy stop files config current; do
		fault snapshot-switch $step fail snapshot-switch 101 --id $A
		unchanged
	done
	vzctl --quiet start 101
	counter 101
	fault snapshot-switch copy fail snapshot-switch 101 --id $A
	counts_on
	vzctl --quiet suspend 101
	before
	for step in copy stop files config current; do
		fault snapshot-switch $step fail snapshot-switch 101 --id $A
		unchanged
	done
	vzctl --quiet resume 101
	counts_on
	switch 101 --id $A
	is 101 stopped
}

@test "the worker of switch dies at each step: one or the other" {
	ve 101 started
	vzctl exec 101 'echo then >/file'
	vzctl --quiet stop 101
	snapshot 101 --id $A
	for step in copy stop files config current; do
		vzctl --quiet start 101
		vzctl exec 101 'echo now >/file'
		fault snapshot-switch $step die snapshot-switch 101 --id $A
		await 20 test ! -e /var/lib/vz/private/.new-101
		if [ $step = copy ]; then
			is 101 running
			vzctl --quiet stop 101 --fast
		fi
		await 20 is 101 stopped
		vzctl --quiet start 101
		file=$(vzctl exec 101 cat /file)
		case $step in
		copy | stop) [ "$file" = now ] ;;
		*) [ "$file" = then ] ;;
		esac
		vzctl --quiet stop 101 --fast
		[ "$(project)" -gt 0 ]
	done
	switch 101 --id $A
}

@test "a VE whose processes cannot come back has its files, and is stopped" {
	ve 101 started
	vzctl exec 101 'echo then >/file'
	snapshot 101 --id $A
	vzctl exec 101 'echo now >/file'
	for step in record mount quota cgroup devices links restore; do
		fault snapshot-switch $step fail snapshot-switch 101 --id $A
		[ "$status" -eq 159 ]
		[[ "$output" == *"is stopped"* ]]
		[ "$(vzctl status 101)" = "CTID 101 exist unmounted down" ]
		vzctl --quiet start 101
		[ "$(vzctl exec 101 cat /file)" = then ]
	done
	switch 101 --id $A --must-resume
}

@test "delete fails and dies at each step" {
	ve 101
	snapshot 101 --id $A
	snapshot 101 --id $B
	snapshot 101 --id $C
	before
	fault snapshot-delete lineage fail snapshot-delete 101 --id $B
	unchanged
	fault snapshot-delete lineage die snapshot-delete 101 --id $B
	vzctl --quiet snapshot-delete 101 --id $B
	[ "$(vzctl snapshot-list 101 -H -o parent_uuid --id $C)" = "{$A}" ]
	for step in image files; do
		for how in fail die; do
			snapshot 101 --id $D
			fault snapshot-delete $step $how snapshot-delete 101 --id $D
			run ! vzctl snapshot-list 101 --id $D
			[ "$(vzctl snapshot-list 101 -H -o uuid,current --id $C)" = "{$C} *" ]
			snapshot 101 --id $D
			vzctl --quiet snapshot-delete 101 --id $D
			await 20 test ! -e /var/lib/vz/snapshot/101/$D.fs
		done
	done
}

@test "destroy takes the snapshots with it, also when it is cut short" {
	node_state >"$BATS_TEST_TMPDIR/empty"
	for step in '' private snapshots config trash; do
		ve 101 started
		snapshot 101 --id $A
		vzctl --quiet stop 101 --fast
		if [ "$step" ]; then
			fault destroy $step die destroy 101
			vzd_kill
			vzd_start OPENVE_FAULTS="$FAULTS"
		else
			vzctl --quiet destroy 101
		fi
		rm -f /etc/vz/conf/*.destroyed
		[ -z "$(ls -A /var/lib/vz/snapshot)" ]
		node_state | diff "$BATS_TEST_TMPDIR/empty" -
	done
}
